"""A provider's model as a stack of a replay: window, prices, end, tokens a minute, and its speed where it is told."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

from truelimit.app.replay_stacks import Built
from truelimit.domain.message import said
from truelimit.perf.cloud_cost import MILLION
from truelimit.workload.stack import ReplayStack

if TYPE_CHECKING:
    from truelimit.domain.cloud import CloudModel, PriceTier, Speed
    from truelimit.domain.provenance import Known

# Assumed where nobody tells it: 1,000 to 20,000 tokens/s read, 20 to 200 written. The middle is the geometric mean.
_READS, _READS_SPREAD = 4_472.0, 3.472
_WRITES, _WRITES_SPREAD = 63.2, 2.162
_NOBODY_TELLS = said("assumed: a provider reads 1,000 to 20,000 tokens/s and writes 20 to 200")


def cloud_stack(model: CloudModel, on: date, *, takes_private: bool) -> Built:
    """Return a provider's model as a stack. Without a window or a price ``stack`` is None, and ``unknown`` says which.

    A model whose prices rise with the prompt costs those of its highest tier: never less than it will.
    """
    if model.context is None:
        return Built(None, unknown=(said("{id}: its window is not known", id=model.id),))
    held = model.prices_on(on)
    tier = held.tiers[-1] if held is not None and held.tiers else None
    if tier is None or tier.input is None or tier.output is None:
        return Built(None, unknown=(said("{id}: its prices are not known", id=model.id),))
    notes = _notes(model, on, len(held.tiers) if held else 0)
    return Built(_stack(model, on, tier, takes_private), _rests_on(model), context=model.context.value, notes=notes)


def _stack(model: CloudModel, on: date, tier: PriceTier, takes_private: bool) -> ReplayStack:
    cached = tier.input if tier.cached_input is None else tier.cached_input
    speed, limit = model.speed, model.limit
    reads, writes = (speed.reads, speed.writes) if speed is not None else (None, None)
    window = model.context.value if model.context else 0
    return ReplayStack(
        model.id,
        prompt_limit=model.max_input.value if model.max_input else window,
        served_context=window,
        prefill_a=1 / (reads.value if reads else _READS),
        prefill_spread=speed.spread if speed and reads else _READS_SPREAD,
        decode_c=1 / (writes.value if writes else _WRITES),
        decode_spread=speed.spread if speed and writes else _WRITES_SPREAD,
        slots=MILLION,  # a provider serves everybody at once
        takes_private=takes_private,
        usd_per_new=(tier.input or 0.0) / MILLION,
        usd_per_cached=(cached or 0.0) / MILLION,
        usd_per_output=(tier.output or 0.0) / MILLION,
        ends=0.0 if model.is_shut_down(on) else math.inf,  # gone for all of the work: what counts is what there is now
        tokens_per_minute=float(limit.tokens_per_minute.value) if limit else math.inf,
        counts_cached=limit.counts_cached if limit else True,
    )


def _rests_on(model: CloudModel) -> str:
    """What the speed rests on, each part by itself: told by somebody, else assumed as an interval."""
    speed = model.speed
    if speed is None or (speed.reads is None and speed.writes is None):
        return _NOBODY_TELLS
    return said(
        "reads {reads}; writes {writes}",
        reads=_told(speed, speed.reads, said("1,000 to 20,000")),
        writes=_told(speed, speed.writes, said("20 to 200")),
    )


def _told(speed: Speed, rate: Known[float] | None, otherwise: str) -> str:
    if rate is None:
        return said("{otherwise} tokens/s (assumed)", otherwise=otherwise)
    low, high = rate.value / (1 + speed.spread), rate.value * (1 + speed.spread)
    return said(
        "{value:,.0f} tokens/s ({basis}, {day}; reckoned with as {low:,.0f} to {high:,.0f}: {where})",
        value=rate.value, basis=said(rate.basis.value), day=speed.as_of, low=low, high=high, where=rate.where,
    )  # fmt: skip


def _let_in(model: CloudModel) -> str:
    limit = model.limit
    if limit is None:
        return said("how many tokens a minute it lets in is not known: nobody waits for that here")
    held = limit.tokens_per_minute
    return said(
        "lets in {count:,} tokens a minute ({basis}, {day}: {what}; {where})",
        count=held.value, basis=said(held.basis.value), day=limit.as_of, what=limit.what, where=held.where,
    )  # fmt: skip


def _notes(model: CloudModel, on: date, tiers: int) -> tuple[str, ...]:
    found: list[str] = []
    if model.is_shut_down(on) and model.shutdown is not None:
        found.append(said("shut down on {date}", date=model.shutdown.date))
    elif model.shutdown is not None:
        found.append(said("ends on {date}", date=model.shutdown.date))
    if model.deprecated is not None:
        found.append(said("deprecated"))
    found.append(_let_in(model))
    if tiers > 1:
        found.append(said("priced at its tier for the longest prompts"))
    if model.is_stale(on):
        found.append(said("looked up {on} days ago: look again", on=model.age(on)))
    return tuple(found)
