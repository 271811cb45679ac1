"""What is asked of a pace: the rate at a depth, over so many tokens, with its interval. Every command asks here.

Widths are from published series (docs/guides/plan.md): the same model, quantisation and chip in two builds differ by
up to 12 % in decode and 55 % in prefill in nine of ten cases; fits on two depths, used at twice the deepest one,
were off by up to 12 % in decode and 35 % in prefill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.estimates import Estimate, Tier
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.limits.paces import DEEP, Reading, Widths, Writing
from truelimit.perf.decode import decode_calculation, decode_rate, window_fill
from truelimit.perf.prefill import last_batch

if TYPE_CHECKING:
    from truelimit.domain.rates import PrefillFit

# Relative half-widths where a fit was made, by tier; and what is added from its deepest token to twice that.
_DECODE = {Tier.THIS_STACK: 0.05, Tier.PUBLISHED: 0.12, Tier.CORRECTED: 0.13}
_PREFILL = {Tier.THIS_STACK: 0.10, Tier.PUBLISHED: 0.55}
_DECODE_BEYOND, _PREFILL_BEYOND = 0.12, 0.35


def written(found: Writing, depth: int, tokens: int = 1) -> Estimate:
    """Return tokens/s while ``tokens`` are written after ``depth`` others, never more than physics allows.

    Raises ValueError for a fit without cost.
    """
    position = depth + (tokens - 1) / 2
    where = said("tokens before one of the answer, on average") if tokens > 1 else said("tokens before it")
    counted = decode_calculation(found.fit, Term("depth", position, "tokens", where, Basis.SPECIFIED))
    most = ceiling(found, position)
    if counted.result > most:
        limit = Term("roofline", most, "tokens/s", said("bandwidth / bytes read for a token"), Basis.DERIVED)
        counted = calculate(f"min(roofline, {counted.formula})", "tokens/s", *counted.terms, limit)
    told = _estimate(found, counted, half_widths(found, (position,))[0], most)
    return replace(told, notes=(*told.notes, *held_back(found, position)))


def held_back(found: Writing, depth: float) -> tuple[str, ...]:
    """Return a note where a rate is more than the memory delivers at a depth, so that the ceiling stands for it."""
    rate, most = float(decode_rate(found.fit, depth)), ceiling(found, depth)
    if rate <= most:
        return ()
    return (
        said(
            "at a depth of {depth:,.0f} tokens its terms give {rate:,.1f} tokens/s, more than the memory delivers: the "
            "ceiling of {most:,.1f} tokens/s stands for it",
            depth=depth,
            rate=rate,
            most=most,
        ),
    )


def read(found: Reading, tokens: int, depth: int = 0) -> Estimate:
    """Return the mean tokens/s while a prompt of ``tokens`` is read after ``depth`` others.

    Raises ValueError for a fit without cost.
    """
    counted = _reading_rate(found.fit, tokens, depth)
    return _estimate(found, counted, reading_half_widths(found, (tokens,), depth)[0], math.inf)


def _reading_rate(fit: PrefillFit, tokens: int, depth: int) -> Calculation:
    before = Term("position", depth + tokens / 2, "tokens", said("mean number of tokens before one"), Basis.SPECIFIED)
    terms = [_cost("a", fit.a, "s/token", fit), _cost("b", fit.b, "s/token^2", fit), before]
    formula = said("a + b * position")
    rest = last_batch(fit, tokens) / tokens
    if rest:
        source = said("the last batch of {batch:,} tokens is not full, and costs as much", batch=fit.batch)
        terms.append(Term("last_batch", rest, "s/token", source, fit.basis))
        formula += said(" + last_batch")
    return calculate(f"1 / ({formula})", "tokens/s", *terms)


def _cost(name: str, value: float, unit: str, fit: PrefillFit) -> Term:
    return Term(name, value, unit, fit.where, fit.basis)


def _estimate(found: Reading | Writing, counted: Calculation, half: float, most: float) -> Estimate:
    value = float(counted.result)
    high = max(value, min(value * (1 + half), most))
    return Estimate(value, value / (1 + half), high, found.fit.basis, found.tier, counted, found.notes)


def ceiling(found: Writing, depth: float) -> float:
    """Return the rate that physics allows at a depth: all that is read, at the whole bandwidth."""
    if found.least is None:
        return math.inf
    windows = found.least_window * window_fill(found.fit, depth) if found.least_window else 0.0
    return 1 / (found.least[0] + found.least[1] * depth + windows)


def reading_half_widths(found: Reading, tokens: Sequence[int], depth: int = 0) -> list[float]:
    """Return the relative half-width for each length of a prompt that starts at a depth.

    An estimate is as sure as it is at the mean position of the prompt's tokens, a fit as it is at their last one.
    """
    at = [depth + count / 2 for count in tokens] if found.widths else [float(depth + count) for count in tokens]
    return half_widths(found, at)


def half_widths(found: Reading | Writing, depths: Sequence[float]) -> list[float]:
    """Return for each depth the relative half-width h: the rate lies within value / (1 + h) and value * (1 + h)."""
    if found.widths is not None:
        return [_interpolated(found.widths, depth) for depth in depths]
    base, beyond = _widths(found)
    deepest = found.fit.deepest or 1
    wide = math.hypot(base, beyond)
    return [
        base if depth <= deepest else wide if depth >= 2 * deepest else math.hypot(base, beyond * (depth / deepest - 1))
        for depth in depths
    ]


def _interpolated(widths: Widths, depth: float) -> float:
    """The half-width at a depth: a step at ``DEEP``, then lines between the depths that are known."""
    if depth < DEEP:
        return widths.short
    last, half = DEEP, widths.deep
    for place, comes in widths.farther:
        if depth < place:
            return half + (comes - half) * (depth - last) / (place - last)
        last, half = place, comes
    return half


def _widths(found: Reading | Writing) -> tuple[float, float]:
    """Return the half-width where a fit was made, and what is added beyond; the two errors are independent."""
    reads = isinstance(found, Reading)
    base = max((_PREFILL if reads else _DECODE).get(found.tier, 0.3), found.fit.error or 0.0)
    return base, _PREFILL_BEYOND if reads else _DECODE_BEYOND
