"""How wide intervals must be: from predictions for devices that were left out, each device counting once.

The interval is 1.645 deviations wide on either side. What the fit itself leaves open is known; the noise of each class
of case (all, a family that was never seen, sparse models, depth) is the smallest with which nine tenths are covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.left_out import Prediction
from benchmarks.runs import Run

COVERED = 0.94  # a little above nine tenths: it is an order statistic of few devices
QUANTILE = 1.645
_EXTRA = (
    "uncertain backend", "processor", "unknown family", "unknown shape", "sparse", "deep", "deep on a processor",
)  # fmt: skip
_ALONE = {"uncertain backend", "processor"}  # their cases set nothing but their own noise
# Too few processors are in the data to tell more: two at depth, where two engines on one of them differ by six times.
_LEAST = {
    "tg": {"processor": 0.3, "deep on a processor": 0.5},
    "pp": {"processor": 0.6, "deep on a processor": 0.5},
}
_MOST = 2.0


def spread_of(found: Sequence[Prediction]) -> tuple[dict[str, float], float]:
    """Return the noise by class of case, and the quantile, that together cover nine tenths."""
    noise: dict[str, float] = {}
    noise["all"] = _needed([item for item in found if item.kinds == ("all",)], noise)
    for kind in _EXTRA:
        away = (_ALONE | {"deep"} if kind in _ALONE else _ALONE) - {kind}
        cases = [item for item in found if kind in item.kinds and not away & set(item.kinds)]
        least = _LEAST[found[0].run.kind].get(kind, 0.0)
        noise[kind] = max(least, _needed(cases, noise)) if cases else least
    return noise, QUANTILE


def covered(item: Prediction, noise: dict[str, float], quantile: float) -> bool:
    """Tell whether a measurement lies in the interval of its prediction."""
    return abs(item.log_error) <= quantile * _width(item, noise)


def cross_covered(found: Sequence[Prediction], fold_of: Callable[[Run], str]) -> list[bool]:
    """Return for each prediction whether an interval set on the other folds of devices holds it."""
    folds = {fold_of(item.run) for item in found}
    spreads = {fold: spread_of([item for item in found if fold_of(item.run) != fold]) for fold in folds}
    return [covered(item, *spreads[fold_of(item.run)]) for item in found]


def _width(item: Prediction, noise: dict[str, float]) -> float:
    return float(np.sqrt(item.deviation**2 + sum(noise.get(kind, 0.0) ** 2 for kind in item.kinds)))


def _needed(cases: Sequence[Prediction], noise: dict[str, float]) -> float:
    """Return the further deviation with which nine tenths of the cases are covered; 0 for no cases."""
    if not cases:
        return 0.0
    width = np.array([_width(item, noise) for item in cases])
    need = np.array([abs(item.log_error) for item in cases]) / QUANTILE
    gap = np.sqrt(np.maximum(0.0, need**2 - width**2))
    return min(_MOST, _weighted(gap, _weights(cases)))


def _weights(found: Sequence[Prediction]) -> np.ndarray:  # type: ignore[type-arg]
    counts = Counter(item.run.device for item in found)
    return np.array([1 / counts[item.run.device] for item in found])


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:  # type: ignore[type-arg]
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(len(order) - 1, int(np.searchsorted(share, COVERED)))])
