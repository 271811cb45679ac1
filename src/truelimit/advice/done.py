"""Which jobs a machine does, may miss, or holds in name only; and by how much it falls short."""

from __future__ import annotations

import math

from truelimit.advice.nouns import Candidate, Performance
from truelimit.advice.profile import Profile


def does(job: Performance, profile: Profile, *, slow: bool = False) -> bool:
    """Return whether a job is expected to be done, or at the slow end of the rates; what is not known counts as done.

    A job is not done where it does not fit, is not read within the deadline, or is written too slowly.
    """
    reads = 0.0 if job.prefill is None else job.prefill.high if slow else job.prefill.value
    writes = math.inf if job.decode is None else job.decode.low if slow else job.decode.value
    return job.fits is True and reads <= profile.deadline and writes >= profile.least_decode


def unmet(item: Candidate, profile: Profile, *, slow: bool = False) -> int:
    """Return how many jobs a machine is not expected to do, or may not do at the slow end of the rates."""
    return sum(not does(job, profile, slow=slow) for job in item.performances)


def crawls(job: Performance, profile: Profile) -> bool:
    """Return whether a job fits only with main memory, and is written from there more slowly than the profile asks."""
    slow = job.decode is not None and job.decode.value < profile.least_decode
    return job.fits is True and job.outside > 0 and slow


def held(item: Candidate, profile: Profile) -> int:
    """Return how many jobs a machine holds so that they can be worked with: one that crawls is held in name only."""
    return sum(job.fits is True and not crawls(job, profile) for job in item.performances)


def shortfall(item: Candidate, profile: Profile) -> float:
    """Return how many times too slow the worst job is, 1 where none is; infinity where one does not fit."""
    return max((_times(job, profile) for job in item.performances), default=1.0)


def _times(job: Performance, profile: Profile) -> float:
    return max(1.0, reads_over(job, profile), writes_under(job, profile)) if job.fits else math.inf


def reads_over(job: Performance, profile: Profile) -> float:
    """Return the time of a cold prompt as a multiple of the deadline; 0 where it is not known."""
    if job.prefill is None:
        return 0.0
    return job.prefill.value / profile.deadline if profile.deadline else math.inf


def writes_under(job: Performance, profile: Profile) -> float:
    """Return how many times the slowest answer that will do is faster than this one; 0 where it is not known."""
    if job.decode is None:
        return 0.0
    return profile.least_decode / job.decode.value if job.decode.value else math.inf
