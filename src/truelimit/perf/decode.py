"""Decode: how long writing one token takes: c + d*depth, as the cache that is read for it grows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, worst
from truelimit.domain.rates import DecodeFit
from truelimit.perf.least_squares import fit_two_costs, largest_error, spread
from truelimit.units import Seconds, Tokens, TokensPerSecond

_TELLS_DEPTH = 2.0
_MOST = 10**9  # tokens: a count beyond it is damage
_QUICKEST = 1e-9  # seconds a token: nothing writes faster, so a shorter time is damage


@dataclass(frozen=True, slots=True)
class DecodePoint:
    """``tokens`` written from a depth (tokens before the answer) in so many seconds."""

    depth: Tokens
    tokens: Tokens
    seconds: Seconds
    where: str
    basis: Basis = Basis.MEASURED


def fit_decode(points: Sequence[DecodePoint]) -> DecodeFit | None:
    """Return the fit over the points, or None where none is usable. One depth only gives d = 0."""
    usable = [p for p in points if _is_usable(p)]
    if not usable:
        return None
    rows = [(1.0, p.depth + p.tokens / 2, p.seconds / p.tokens) for p in usable]
    one_depth = spread([depth for _, depth, _ in rows]) < _TELLS_DEPTH
    c, d = fit_two_costs([(x, 0.0, t) for x, _, t in rows] if one_depth else rows)
    where = (
        usable[-1].where
        if len(usable) == 1
        else said("{usable} measurements, the last {where}", usable=len(usable), where=usable[-1].where)
    )
    return DecodeFit(
        c,
        d,
        None if len(usable) == 1 else largest_error(rows, c, d),
        Tokens(max(p.depth + p.tokens for p in usable)),
        len(usable),
        where + (said("; one depth only") if one_depth else ""),
        worst(p.basis for p in usable),
    )


def _is_usable(point: DecodePoint) -> bool:
    if not (0 < point.tokens <= _MOST and 0 <= point.depth <= _MOST):
        return False
    return _QUICKEST <= point.seconds / point.tokens < math.inf


def decode_seconds(fit: DecodeFit, tokens: int, depth: int = 0) -> Seconds:
    """Return the seconds to write ``tokens`` after ``depth`` tokens."""
    n = float(tokens)
    filling = fit.window * _mean_fill(fit.window_tokens, depth, n) if fit.window else 0.0
    return Seconds((fit.c + filling) * n + fit.d * (n * depth + n * n / 2))


def _mean_fill(window: int, depth: float, tokens: float) -> float:
    """The mean share of a window that is full while tokens are written."""
    growing = min(max(0.0, window - depth), tokens)
    return (growing * (depth + growing / 2) / max(1, window) + tokens - growing) / tokens if tokens else 1.0


def window_fill(fit: DecodeFit, depth: float) -> float:
    """Return the share of the windows that is full at a depth, from 0 to 1."""
    return min(1.0, depth / max(1, fit.window_tokens))


def decode_rate(fit: DecodeFit, depth: float) -> TokensPerSecond:
    """Return the tokens per second at a depth. Raises ValueError for a fit without cost."""
    cost = fit.c + fit.d * depth + (fit.window * window_fill(fit, depth) if fit.window else 0.0)
    if cost <= 0:
        raise ValueError(said("a decode fit must cost more than nothing"))
    return TokensPerSecond(1 / cost)


def decode_calculation(fit: DecodeFit, depth: Term) -> Calculation:
    """Return the decode rate at a depth as a calculation in tokens/s."""
    c = Term("c", fit.c, "s/token", fit.where, fit.basis)
    d = Term("d", fit.d, "s/token/token", fit.where, fit.basis)
    if fit.window:
        full = fit.window * window_fill(fit, depth.value)
        windows = Term("windows", full, "s/token", said("windowed layers, as full as they are there"), fit.basis)
        return calculate(f"1 / (c + d * {depth.name} + windows)", "tokens/s", c, d, depth, windows)
    return calculate(f"1 / (c + d * {depth.name})", "tokens/s", c, d, depth)
