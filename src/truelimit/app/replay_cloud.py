"""A provider's model as a stack of a replay: its window, prices and end; how fast it is nobody publishes."""

from __future__ import annotations

import math
from datetime import date

from truelimit.app.replay_stacks import Built
from truelimit.domain.cloud import CloudModel, PriceTier
from truelimit.perf.cloud_cost import MILLION
from truelimit.workload.stack import ReplayStack

# Assumed, as no provider states it: 1,000 to 20,000 tokens/s read, 20 to 200 written. The middle is the geometric mean.
_READS, _READS_SPREAD = 4_472.0, 3.472
_WRITES, _WRITES_SPREAD = 63.2, 2.162
_RATES = "assumed: a provider reads 1,000 to 20,000 tokens/s and writes 20 to 200"


def cloud_stack(model: CloudModel, on: date, *, takes_private: bool) -> Built:
    """Return a provider's model as a stack. Without a window or a price ``stack`` is None, and ``unknown`` says which.

    A model whose prices rise with the prompt costs those of its highest tier: never less than it will.
    """
    if model.context is None:
        return Built(None, unknown=(f"{model.id}: its window is not known",))
    held = model.prices_on(on)
    tier = held.tiers[-1] if held is not None and held.tiers else None
    if tier is None or tier.input is None or tier.output is None:
        return Built(None, unknown=(f"{model.id}: its prices are not known",))
    notes = _notes(model, on, len(held.tiers) if held else 0)
    return Built(_stack(model, on, tier, takes_private), _RATES, context=model.context.value, notes=notes)


def _stack(model: CloudModel, on: date, tier: PriceTier, takes_private: bool) -> ReplayStack:
    cached = tier.input if tier.cached_input is None else tier.cached_input
    return ReplayStack(
        model.id,
        served_context=model.context.value if model.context else 0,
        prefill_a=1 / _READS,
        prefill_spread=_READS_SPREAD,
        decode_c=1 / _WRITES,
        decode_spread=_WRITES_SPREAD,
        slots=MILLION,  # a provider serves everybody at once
        takes_private=takes_private,
        usd_per_new=(tier.input or 0.0) / MILLION,
        usd_per_cached=(cached or 0.0) / MILLION,
        usd_per_output=(tier.output or 0.0) / MILLION,
        ends=0.0 if model.is_shut_down(on) else math.inf,  # gone for all of the work: what counts is what there is now
    )


def _notes(model: CloudModel, on: date, tiers: int) -> tuple[str, ...]:
    found = []
    if model.is_shut_down(on) and model.shutdown is not None:
        found.append(f"shut down on {model.shutdown.date}")
    elif model.shutdown is not None:
        found.append(f"ends on {model.shutdown.date}")
    if model.deprecated is not None:
        found.append("deprecated")
    if tiers > 1:
        found.append("priced at its tier for the longest prompts")
    if model.is_stale(on):
        found.append(f"looked up {model.age(on)} days ago: look again")
    return tuple(found)
