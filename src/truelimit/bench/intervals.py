"""How well the points of a run pin its two costs down: intervals by Student's t over the residuals of the fit.

The fit minimises relative errors: with u = x/t and v = y/t it solves p*u + q*v = 1. Its residuals hold both the noise
between repeats and what the two costs cannot describe, so the intervals cover both. Each is cut off at 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.measurements import CostRanges, Range

if TYPE_CHECKING:
    from truelimit.perf.least_squares import Row

CONFIDENCE = 0.90
# Student's t, 95 % quantile (two-sided 90 %) for 1, 2, ... degrees of freedom: any table of the distribution.
_T95 = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
    1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of the two costs and their covariance, times Student's t squared: half-widths are square roots."""

    base: float
    both: float
    growth: float | None
    degrees: int


def spread_of(rows: Sequence[Row], p: float, q: float) -> Spread | None:
    """Return how far the costs (p, q) of a fit over rows (x, y, t) may be off; None with too few points to tell.

    Rows whose second column is 0 throughout have one cost only.
    """
    scaled = [(x / t, y / t) for x, y, t in rows]
    uu, vv = sum(u * u for u, _ in scaled), sum(v * v for _, v in scaled)
    uv = sum(u * v for u, v in scaled)
    determinant = uu * vv - uv * uv
    two = determinant > 1e-12 * uu * vv
    degrees = len(rows) - (2 if two else 1)
    if degrees < 1 or uu <= 0:
        return None
    noise = sum((p * u + q * v - 1) ** 2 for u, v in scaled) / degrees * student_t(degrees) ** 2
    if not two:
        return Spread(noise / uu, 0.0, None, degrees)
    return Spread(noise * vv / determinant, -noise * uv / determinant, noise * uu / determinant, degrees)


def cost_ranges(rows: Sequence[Row], p: float, q: float) -> CostRanges | None:
    """Return the intervals (90 %) of the costs (p, q), or None with too few points."""
    spread = spread_of(rows, p, q)
    if spread is None:
        return None
    growth = None if spread.growth is None else _around(q, spread.growth)
    return CostRanges(_around(p, spread.base), growth, CONFIDENCE, spread.degrees)


def range_at(rows: Sequence[Row], p: float, q: float, x: float, y: float) -> Range | None:
    """Return the interval (90 %) of p*x + q*y: of a time that the fit predicts, the model being right."""
    spread = spread_of(rows, p, q)
    if spread is None:
        return None
    growth = spread.growth or 0.0
    return _around(p * x + q * y, max(0.0, x * x * spread.base + 2 * x * y * spread.both + y * y * growth))


def student_t(degrees: int) -> float:
    """Return the 95 % quantile of Student's t; that of 30 degrees stands for all above. Raises ValueError below 1."""
    if degrees < 1:
        raise ValueError("Student's t needs at least one degree of freedom")
    return _T95[min(degrees, len(_T95)) - 1]


def _around(value: float, variance: float) -> Range:
    half = math.sqrt(variance)
    return Range(max(0.0, value - half), value + half)
