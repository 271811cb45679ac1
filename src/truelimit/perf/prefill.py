"""Prefill: how long reading a prompt takes. T(n) = A*n + B*n**2/2, never a constant rate.

Each token costs A for the linear layers and B for every token before it (attention), so a chunk of m tokens that
starts at depth d costs A*m + B*(d*m + m**2/2). Over llama.cpp's own published series this fits within 2.4 %, where a
constant rate errs by a factor of 2 to 22 at 146,760 tokens (benches/ of llama.cpp b11434).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, worst
from truelimit.domain.rates import PrefillFit
from truelimit.perf.least_squares import Row, fit_two_costs, largest_error, spread
from truelimit.units import Seconds, Tokens

_TELLS_DEPTH = 2.0  # mean depths must differ by this factor before they can tell A from B
_MOST_TOKENS = 10**9  # no prompt is longer: a count beyond it is damage
_QUICKEST = 1e-9  # seconds a token: nothing reads faster, so a shorter time is damage
NEXT_TO_NONE = 0.001  # of the time without it


@dataclass(frozen=True, slots=True)
class PrefillPoint:
    """``tokens`` really evaluated (cached ones never), from a depth, in so many seconds."""

    from_depth: Tokens
    tokens: Tokens
    seconds: Seconds
    where: str
    basis: Basis = Basis.MEASURED


def fit_prefill(points: Sequence[PrefillPoint]) -> PrefillFit | None:
    """Return the fit over the points, or None where none is usable (tokens and seconds above 0).

    Points at one depth only give a single rate (b = 0): a lower bound of the cost deeper down, and ``where`` says so.
    A single point has no error to state: ``error`` is None.
    """
    usable = [point for point in points if _is_usable(point)]
    if not usable:
        return None
    rows = [_row(point) for point in usable]
    one_depth = not tells_depth(usable)
    a, b = (_single_rate(rows), 0.0) if one_depth else fit_two_costs(rows)
    where = (
        usable[-1].where
        if len(usable) == 1
        else said("{usable} measurements, the last {where}", usable=len(usable), where=usable[-1].where)
    )
    return PrefillFit(
        a,
        b,
        None if len(usable) == 1 else largest_error(rows, a, b),
        Tokens(max(p.from_depth + p.tokens for p in usable)),
        len(usable),
        where + (said("; one depth only, so a lower bound of the cost deeper down") if one_depth else ""),
        worst(p.basis for p in usable),
    )


def _is_usable(point: PrefillPoint) -> bool:
    if not (0 < point.tokens <= _MOST_TOKENS and 0 <= point.from_depth <= _MOST_TOKENS):
        return False
    return _QUICKEST <= point.seconds / point.tokens < math.inf


def tells_depth(points: Sequence[PrefillPoint]) -> bool:
    """Return whether the points lie at depths different enough to tell the cost of attention from the rest."""
    return bool(points) and spread([p.from_depth + p.tokens / 2 for p in points]) >= _TELLS_DEPTH


def _row(point: PrefillPoint) -> Row:
    n, d = float(point.tokens), float(point.from_depth)
    return n, n * d + n * n / 2, float(point.seconds)


def _single_rate(rows: Sequence[Row]) -> float:
    return fit_two_costs([(x, 0.0, t) for x, _, t in rows])[0]


def prefill_seconds(fit: PrefillFit, tokens: int, from_depth: int = 0) -> Seconds:
    """Return the seconds to read ``tokens`` that start at ``from_depth`` (what is cached before them)."""
    n, d = float(tokens), float(from_depth)
    return Seconds(fit.a * n + fit.b * (n * d + n * n / 2) + last_batch(fit, tokens))


def last_batch(fit: PrefillFit, tokens: int) -> float:
    """Return the seconds that are paid for the part of a prompt's last batch that it does not fill; 0 for next to none.

    A prompt shorter than a batch costs more a token; of a long one it is nothing that could be measured.
    """
    if fit.batch <= 0 or fit.batch_seconds <= 0:
        return 0.0
    paid = fit.batch_seconds * (-(-tokens // fit.batch) - tokens / fit.batch)
    return paid if paid > NEXT_TO_NONE * fit.a * tokens else 0.0


def largest_prompt(fit: PrefillFit, seconds: float) -> Tokens:
    """Return the tokens of the largest prompt that is read from an empty cache within ``seconds``.

    n = (-A + sqrt(A**2 + 2*B*T)) / B, and as much less as the batch that it would not fill costs. Returns 0 for a time
    of 0 or less, or a fit without cost.
    """
    if seconds <= 0 or (fit.a <= 0 and fit.b <= 0):
        return Tokens(0)
    if fit.b <= 0:
        return _in_batches(fit, math.floor(seconds / fit.a), seconds)
    # (sqrt(a^2 + 2bT) - a) / b without the cancellation that a tiny b would bring
    most = math.floor(2 * seconds / (math.sqrt(fit.a**2 + 2 * fit.b * seconds) + fit.a))
    return _in_batches(fit, most, seconds)


def _in_batches(fit: PrefillFit, most: int, seconds: float) -> Tokens:
    """The largest prompt of at most so many tokens that is read in time, its last batch paid in full."""
    low, high = (most // fit.batch * fit.batch if fit.batch_seconds > 0 and fit.batch > 0 else most), most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if prefill_seconds(fit, middle) <= seconds else (low, middle - 1)
    return Tokens(low)


def extrapolates(fit: PrefillFit, tokens: int) -> bool:
    """Return whether ``tokens`` lie beyond the deepest one that the fit knows."""
    return tokens > fit.deepest


def is_lower_bound(fit: PrefillFit, tokens: int) -> bool:
    """Return whether the fit can only understate the cost of ``tokens``: one rate, used beyond its depth."""
    return fit.b <= 0 and extrapolates(fit, tokens)


def tells_wall(fit: PrefillFit, seconds: float) -> bool:
    """Return whether the fit can say what context a wall is: a single rate cannot, beyond the depth it was seen at."""
    return not is_lower_bound(fit, largest_prompt(fit, seconds))


def prefill_calculation(fit: PrefillFit, tokens: Term, from_depth: int = 0) -> Calculation:
    """Return T(n) as a calculation in seconds; ``tokens`` is the term for n (its name is used as it is)."""
    n = tokens.name
    formula, terms = f"a * {n} + b * {n} ** 2 / 2", [*_costs(fit), tokens]
    if from_depth:
        terms.append(Term("cached_tokens", from_depth, "tokens", tokens.source, tokens.basis))
        formula = f"a * {n} + b * ({n} * cached_tokens + {n} ** 2 / 2)"
    rest = last_batch(fit, round(tokens.value))
    if rest:
        source = said("the last batch of {batch:,} tokens is not full, and costs as much", batch=fit.batch)
        terms.append(Term("last_batch", rest, "s", source, fit.basis))
        formula += " + last_batch"
    return calculate(formula, "s", *terms)


def wall_as_context_calculation(
    fit: PrefillFit, wall: float, where: str = said("the wall that binds"), basis: Basis = Basis.SPECIFIED
) -> Calculation:
    """Return the wall of so many seconds as a context in tokens: the largest cold prompt that is read in time."""
    limit = Term("wall", float(wall), "s", where, basis)
    a, b = _costs(fit)
    if fit.b > 0:
        return calculate("floor(2 * wall / (sqrt(a ** 2 + 2 * b * wall) + a))", "tokens", a, b, limit)
    return calculate("floor(wall / a)", "tokens", a, limit)


def _costs(fit: PrefillFit) -> tuple[Term, Term]:
    return Term("a", fit.a, "s/token", fit.where, fit.basis), Term("b", fit.b, "s/token^2", fit.where, fit.basis)
