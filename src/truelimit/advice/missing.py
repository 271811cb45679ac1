"""What a machine misses of one job, in words, each with how bad it is: what is sure comes before what may be."""

from __future__ import annotations

import math
from enum import IntEnum

from truelimit.advice.done import reads_over, writes_under
from truelimit.advice.nouns import Candidate, Performance
from truelimit.advice.profile import Profile
from truelimit.domain.message import said
from truelimit.units import to_gib


class Miss(IntEnum):
    """How sure it is that a job is missed: it does not fit, or is too slow; it must be paid apart; it may be."""

    SURE = 0
    UNPRICED = 1
    MAY_BE = 2
    UNKNOWN = 3


Told = tuple[tuple[Miss, float], str]


def missing(item: Candidate, job: Performance, profile: Profile) -> list[Told]:
    """Return what a machine misses of a job, each with a key that sorts the worst first."""
    what = said("{model} at {context:,} tokens", model=job.job.model, context=job.job.context)
    return [*_fit(job, what), *_reading(job, profile, what), *_writing(job, profile, what), *_outside(item, job, what)]


def _fit(job: Performance, what: str) -> list[Told]:
    if job.fits is True:
        return []
    if job.fits is None:
        why = said("whether {what} fits is not known: {reason}", what=what, reason=job.reason)
        return [((Miss.UNKNOWN, 0.0), why)]
    return [((Miss.SURE, -math.inf), said("{what} does not fit: {reason}", what=what, reason=job.reason))]


def _reading(job: Performance, profile: Profile, what: str) -> list[Told]:
    if job.fits is not True:
        return []
    if job.prefill is None:
        return [((Miss.UNKNOWN, 0.0), said("how fast it reads {what} is not known", what=what))]
    spent, allowed = job.prefill, profile.deadline
    if spent.value > allowed:
        late = said(
            "a cold prompt of {what} takes {prefill:,.0f} s, over {deadline:,.0f} s",
            what=what,
            prefill=spent.value,
            deadline=allowed,
        )
        return [((Miss.SURE, -reads_over(job, profile)), late)]
    if spent.high <= allowed:
        return []
    most = said("{high:,.0f} s, over {deadline:,.0f} s", high=spent.high, deadline=allowed)
    maybe = said("a cold prompt of {what} may take up to {most}: measure before you buy", what=what, most=most)
    return [((Miss.MAY_BE, -spent.high), maybe)]


def _writing(job: Performance, profile: Profile, what: str) -> list[Told]:
    if job.fits is not True or job.decode is None or job.decode.value >= profile.least_decode:
        return []
    slow = said(
        "it writes {what} at {rate:,.1f} tokens/s, less than {least:g}",
        what=what,
        rate=job.decode.value,
        least=profile.least_decode,
    )
    return [((Miss.SURE, -writes_under(job, profile)), slow)]


def _outside(item: Candidate, job: Performance, what: str) -> list[Told]:
    """The price of cards holds no main memory: what a job puts there must be bought with the computer."""
    if not (item.cards_alone and job.outside):
        return []
    held = to_gib(job.outside)
    text = said("{held:,.1f} GiB of {what} lie in main memory, which is not in the price", held=held, what=what)
    if item.main_memory is not None:
        ram = to_gib(item.main_memory)
        text = said("{text}: {ram:,.0f} GiB are assumed", text=text, ram=ram)
    return [((Miss.UNPRICED, -held), text)]
