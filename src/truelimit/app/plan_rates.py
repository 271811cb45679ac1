"""The rates of a plan as it shows them. What they are is asked of ``limits.rates_at``, as every command does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.app.plan_parts import Kind, Rate
from truelimit.domain.estimates import Tier
from truelimit.limits.rate_case import rate_case
from truelimit.limits.rates_at import reading_half_widths, written
from truelimit.limits.rates_carried import carried_writing
from truelimit.limits.rates_estimated import estimated_writing
from truelimit.perf.prefill import largest_prompt, prefill_seconds

if TYPE_CHECKING:
    from truelimit.domain.estimates import Estimate
    from truelimit.domain.facts import Stack
    from truelimit.domain.provenance import Basis
    from truelimit.limits.paces import Reading, Writing
    from truelimit.perf.placement import Placement
    from truelimit.units import Tokens


def decode_at(found: Writing | None, depth: int) -> Rate | None:
    """Return the rate of writing at a depth, in tokens/s, or None where nothing is known."""
    return _rate(written(found, depth)) if found is not None else None


def decode_by(planned: Stack, placed: Placement | None, depth: int, tier: Tier | None, kind: Kind) -> float | None:
    """Return tokens/s at a depth by the estimate that tells a change of this kind, with this tier.

    It is corrected by a published series where the change's rate is, and as far; else plain. None: nothing is known.
    """
    told = estimated_writing(planned, placed)
    if tier is Tier.CORRECTED:
        told = carried_writing(planned, told, rate_case(planned), other_file=kind is Kind.FILE) or told
    rate = decode_at(told, depth)
    return rate.value if rate else None


def prefill_at_start(found: Reading | None) -> Rate | None:
    """Return the rate of reading from an empty cache, in tokens/s, or None where nothing is known."""
    if found is None or found.fit.a <= 0:
        return None
    value = 1 / found.fit.a
    width = 1 + reading_half_widths(found, (0,))[0]
    return Rate(value, value / width, value * width, found.fit.basis, found.tier)


def seconds_to_read(found: Reading | None, tokens: int) -> tuple[float, float, float, Basis] | None:
    """Return seconds, shortest, longest and basis for a prompt of so many tokens into an empty cache, or None."""
    if found is None:
        return None
    value = float(prefill_seconds(found.fit, tokens))
    width = 1 + reading_half_widths(found, (tokens,))[0]
    return value, value / width, value * width, found.fit.basis


def read_in(found: Reading | None, seconds: float | None) -> Tokens | None:
    """Return the longest prompt that is read within so many seconds, or None where nothing is known or asked."""
    return None if found is None or seconds is None else largest_prompt(found.fit, seconds)


def _rate(found: Estimate) -> Rate:
    return Rate(found.value, found.low, found.high, found.basis, found.tier)
