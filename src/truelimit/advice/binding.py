"""What keeps a machine from doing a profile's work: memory, time, or nothing."""

from __future__ import annotations

from truelimit.advice.nouns import Candidate, Limit, Performance
from truelimit.advice.profile import Profile
from truelimit.domain.message import said


def binding(machine: Candidate, profile: Profile) -> tuple[Limit, tuple[str, ...]]:
    """Return what binds on a machine for the jobs of a profile, and the reasons in words.

    Memory binds before time: what does not fit is not slow but impossible; a prompt that is not read is never answered,
    so time binds before decode. A job whose fit or time is not known makes
    the answer unknown, unless another is known to fail.
    """
    limits = [_limit(item, profile) for item in machine.performances]
    for wanted in (Limit.MEMORY, Limit.TIME, Limit.DECODE, Limit.UNKNOWN):
        reasons = tuple(reason for limit, reason in limits if limit is wanted)
        if reasons:
            return wanted, reasons
    return Limit.NONE, tuple(reason for _, reason in limits)


def _limit(item: Performance, profile: Profile) -> tuple[Limit, str]:
    job = item.job
    what = said("{model} at {context:,} tokens", model=job.model, context=job.context)
    if item.fits is False:
        return Limit.MEMORY, said("{what} does not fit: {reason}", what=what, reason=item.reason)
    if item.fits is None:
        return Limit.UNKNOWN, said("whether {what} fits is not known: {reason}", what=what, reason=item.reason)
    if item.prefill is None:
        return Limit.UNKNOWN, said("how long a cold prompt of {what} is read is not known", what=what)
    spent, allowed = item.prefill, profile.deadline
    text = said(
        "a cold prompt of {what} is read in {spent:,.0f} s ({low:,.0f} to {high:,.0f})",
        what=what,
        spent=spent.value,
        low=spent.low,
        high=spent.high,
    )
    if spent.value > allowed:
        return Limit.TIME, said("{text}, the deadline is {allowed:,.0f} s", text=text, allowed=allowed)
    return _decode_limit(item, profile, said("{text}, within {allowed:,.0f} s", text=text, allowed=allowed))


def _decode_limit(item: Performance, profile: Profile, text: str) -> tuple[Limit, str]:
    if item.decode is None:
        return Limit.UNKNOWN, said("{text}; how fast it writes is not known", text=text)
    rate, least = item.decode.value, profile.least_decode
    if rate < least:
        return Limit.DECODE, said(
            "{text}; it writes {rate:,.1f} tokens/s, less than {least:g}", text=text, rate=rate, least=least
        )
    return Limit.NONE, said("{text}; it writes {rate:,.1f} tokens/s", text=text, rate=rate)
