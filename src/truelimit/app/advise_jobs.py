"""How one job of a profile does on one machine: the plan's own numbers, nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.advice.nouns import Performance, Span
from truelimit.app.plan import Wanted, needed, plan
from truelimit.domain.message import said
from truelimit.units import Seconds, to_gib

if TYPE_CHECKING:
    from truelimit.advice.profile import Job
    from truelimit.app.plan_parts import ModelPlan
    from truelimit.domain.facts import Stack
    from truelimit.domain.machine import Machine


def check(stack: Stack, job: Job) -> None:
    """Raise ValueError with the reason where no machine could run a job: a cache of no known type, say."""
    needed(stack, _wanted(job))


def _wanted(job: Job, deadline: Seconds | None = None) -> Wanted:
    return Wanted(job.context, kv_type=job.kv_type, deadline=deadline)


def performance(stack: Stack, machine: Machine, job: Job, deadline: Seconds) -> Performance:
    """Return how a job does with a model (its stack, in the job's quantisation) on a machine."""
    try:
        made = plan(replace(stack, machine=machine), _wanted(job, deadline))
    except ValueError as error:
        return Performance(job, None, str(error))
    if made.native_context is not None and job.context > made.native_context:
        return Performance(
            job,
            False,
            said("it was trained for {native_context:,} tokens", native_context=made.native_context),
            None,
            made.largest_context,
        )
    return Performance(
        job,
        made.fits,
        _reason(made),
        made.room.headroom if made.room else None,
        made.largest_context,
        _decode(made) if made.fits else None,
        _prefill(made) if made.fits else None,
        _held_outside(made) if made.fits else 0,
    )


def _reason(made: ModelPlan) -> str:
    if made.room is None:
        return said("the memory of the machine is not known")
    if made.fits:
        return _outside(made)
    short = said(
        "{total:,.1f} GiB are needed, {headroom:,.1f} GiB more than there is room for",
        total=to_gib(made.total),
        headroom=to_gib(-made.room.headroom),
    )
    return (
        said("{short}; {largest_context:,} tokens would fit", short=short, largest_context=made.largest_context)
        if made.largest_context
        else short
    )


def _outside(made: ModelPlan) -> str:
    """What lies in main memory beside the cards: memory that must be there, and is in no card's price."""
    held = _held_outside(made)
    if not held or made.placement is None:
        return ""
    if len(made.placement.devices) > 1:
        return said("{held:,.1f} GiB of it in main memory beside the cards", held=to_gib(held))
    return said("{held:,.1f} GiB of it in main memory beside the card", held=to_gib(held))


def _held_outside(made: ModelPlan) -> int:
    """Bytes in main memory, be they whole blocks or the experts of some; the input embedding alone counts as none."""
    host = made.placement.host if made.placement else None
    return host.total if host is not None and (host.last > host.first or host.experts_of) else 0


def _decode(made: ModelPlan) -> Span | None:
    rate = made.decode[-1][1] if made.decode else None
    return Span(rate.value, rate.low, rate.high, rate.basis, rate.tier) if rate else None


def _prefill(made: ModelPlan) -> Span | None:
    return Span(*made.prefill_seconds, made.prefill_tier) if made.prefill_seconds else None
