"""The one fit that rates need: two costs, neither below zero, judged by relative error."""

from __future__ import annotations

from collections.abc import Sequence

Row = tuple[float, float, float]


def fit_two_costs(rows: Sequence[Row]) -> tuple[float, float]:
    """Return (p, q), both >= 0, that minimise the sum of ((p*x + q*y - t) / t)**2 over rows (x, y, t).

    Least squares on relative errors, so that a short measurement counts as much as a long one. With two unknowns the
    non-negative optimum is either the free one or lies on an axis. Rows need t > 0. Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("nothing to fit: no rows")
    scaled = [(x / t, y / t) for x, y, t in rows]
    xx, yy = sum(x * x for x, _ in scaled), sum(y * y for _, y in scaled)
    xy, x1, y1 = sum(x * y for x, y in scaled), sum(x for x, _ in scaled), sum(y for _, y in scaled)
    determinant = xx * yy - xy * xy
    if determinant > 1e-12 * xx * yy:
        p, q = (x1 * yy - y1 * xy) / determinant, (y1 * xx - x1 * xy) / determinant
        if p >= 0 and q >= 0:
            return p, q
    on_axes = [(x1 / xx if xx else 0.0, 0.0), (0.0, y1 / yy if yy else 0.0)]
    return min(on_axes, key=lambda pair: sum(error * error for error in _errors(rows, pair[0], pair[1])))


def largest_error(rows: Sequence[Row], p: float, q: float) -> float:
    """Return the largest relative error of p*x + q*y against t. Raises ValueError without rows."""
    return max(_errors(rows, p, q))


def _errors(rows: Sequence[Row], p: float, q: float) -> list[float]:
    return [abs(p * x + q * y - t) / t for x, y, t in rows]


def spread(depths: Sequence[float]) -> float:
    """Return the largest depth over the smallest (infinite where the smallest is 0 and another is not)."""
    low, high = min(depths), max(depths)
    if low <= 0:
        return float("inf") if high > 0 else 1.0
    return high / low
