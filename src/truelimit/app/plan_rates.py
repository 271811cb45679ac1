"""Rates of a plan with their intervals: how far a fit is to be trusted where it was made, and beyond.

Widths are from published series (docs/guides/plan.md): the same model, quantisation and chip in two builds differ by
up to 12 % in decode and 55 % in prefill in nine of ten cases; fits on two depths, used at twice the deepest one,
were off by up to 12 % in decode and 35 % in prefill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from truelimit.app.plan_parts import Rate
from truelimit.domain.estimates import Tier
from truelimit.domain.provenance import Basis
from truelimit.limits.paces import DEEP, Reading, Writing
from truelimit.perf.decode import decode_rate
from truelimit.perf.prefill import largest_prompt, prefill_seconds
from truelimit.units import Tokens

# Relative half-widths where a fit was made, by tier; and what is added from its deepest token to twice that.
_DECODE = {Tier.THIS_STACK: 0.05, Tier.PUBLISHED: 0.12}
_PREFILL = {Tier.THIS_STACK: 0.10, Tier.PUBLISHED: 0.55}
_DECODE_BEYOND, _PREFILL_BEYOND = 0.12, 0.35


def decode_at(found: Writing | None, depth: int) -> Rate | None:
    """Return the rate of writing at a depth, in tokens/s, or None where nothing is known."""
    if found is None:
        return None
    most = ceiling(found, depth)
    value = min(float(decode_rate(found.fit, depth)), most)
    width = 1 + half_widths(found, (depth,))[0]
    return Rate(value, value / width, min(value * width, most), found.fit.basis, found.tier)


def ceiling(found: Writing, depth: int) -> float:
    """Return the rate that physics allows at a depth: all that is read, at the whole bandwidth."""
    if found.least is None:
        return math.inf
    return 1 / (found.least[0] + found.least[1] * depth)


def prefill_at_start(found: Reading | None) -> Rate | None:
    """Return the rate of reading from an empty cache, in tokens/s, or None where nothing is known."""
    if found is None or found.fit.a <= 0:
        return None
    value = 1 / found.fit.a
    width = 1 + half_widths(found, (0,))[0]
    return Rate(value, value / width, value * width, found.fit.basis, found.tier)


def seconds_to_read(found: Reading | None, tokens: int) -> tuple[float, float, float, Basis] | None:
    """Return seconds, shortest, longest and basis for a prompt of so many tokens into an empty cache, or None."""
    if found is None:
        return None
    value = float(prefill_seconds(found.fit, tokens))
    width = 1 + half_widths(found, (tokens,))[0]
    return value, value / width, value * width, found.fit.basis


def read_in(found: Reading | None, seconds: float | None) -> Tokens | None:
    """Return the longest prompt that is read within so many seconds, or None where nothing is known or asked."""
    return None if found is None or seconds is None else largest_prompt(found.fit, seconds)


def half_widths(found: Reading | Writing, depths: Sequence[int]) -> list[float]:
    """Return for each depth the relative half-width h: the rate lies within value / (1 + h) and value * (1 + h)."""
    if found.widths is not None:
        short, deep = found.widths.short, found.widths.deep
        return [deep if depth >= DEEP else short for depth in depths]
    base, beyond = _widths(found)
    deepest = found.fit.deepest or 1
    wide = math.hypot(base, beyond)
    return [
        base if depth <= deepest else wide if depth >= 2 * deepest else math.hypot(base, beyond * (depth / deepest - 1))
        for depth in depths
    ]


def _widths(found: Reading | Writing) -> tuple[float, float]:
    """Return the half-width where a fit was made, and what is added beyond; the two errors are independent."""
    reads = isinstance(found, Reading)
    base = max((_PREFILL if reads else _DECODE).get(found.tier, 0.3), found.fit.error or 0.0)
    return base, _PREFILL_BEYOND if reads else _DECODE_BEYOND
