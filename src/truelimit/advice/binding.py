"""What keeps a machine from doing a profile's work: memory, time, or nothing."""

from __future__ import annotations

from truelimit.advice.nouns import Candidate, Limit, Performance
from truelimit.advice.profile import Profile


def binding(machine: Candidate, profile: Profile) -> tuple[Limit, tuple[str, ...]]:
    """Return what binds on a machine for the jobs of a profile, and the reasons in words.

    Memory binds before time: what does not fit is not slow but impossible. A job whose fit or time is not known makes
    the answer unknown, unless another is known to fail.
    """
    limits = [_limit(item, profile) for item in machine.performances]
    for wanted in (Limit.MEMORY, Limit.TIME, Limit.UNKNOWN):
        reasons = tuple(reason for limit, reason in limits if limit is wanted)
        if reasons:
            return wanted, reasons
    return Limit.NONE, tuple(reason for _, reason in limits)


def _limit(item: Performance, profile: Profile) -> tuple[Limit, str]:
    job = item.job
    what = f"{job.model} at {job.context:,} tokens"
    if item.fits is False:
        return Limit.MEMORY, f"{what} does not fit: {item.reason}"
    if item.fits is None:
        return Limit.UNKNOWN, f"whether {what} fits is not known: {item.reason}"
    if item.prefill is None:
        return Limit.UNKNOWN, f"how long a cold prompt of {what} is read is not known"
    spent, allowed = item.prefill, profile.deadline
    text = f"a cold prompt of {what} is read in {spent.value:,.0f} s ({spent.low:,.0f} to {spent.high:,.0f})"
    if spent.value > allowed:
        return Limit.TIME, f"{text}, the deadline is {allowed:,.0f} s"
    return Limit.NONE, f"{text}, within {allowed:,.0f} s"
