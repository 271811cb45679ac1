"""Errors in numbers: each device counts once, by the median of its cases; beside it every case once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.runs import Run


@dataclass(frozen=True, slots=True)
class Miss:
    """A run, and the relative error of some prediction of it."""

    run: Run
    error: float


@dataclass(frozen=True, slots=True)
class Score:
    """Median and 90th percentile of relative errors, over devices and over cases."""

    name: str
    devices: int
    median: float
    p90: float
    cases: int
    case_median: float
    case_p90: float

    def line(self) -> str:
        """Return one line of a table."""
        device = f"{self.devices:4d} devices {self.median:7.1%} {self.p90:7.1%}"
        return f"{self.name:44s} {device}   {self.cases:5d} cases {self.case_median:7.1%} {self.case_p90:7.1%}"


def score(name: str, misses: Sequence[Miss]) -> Score | None:
    """Return the score of misses, or None for none."""
    if not misses:
        return None
    by_device: dict[str, list[float]] = {}
    for miss in misses:
        by_device.setdefault(miss.run.device, []).append(abs(miss.error))
    devices = np.array([np.median(errors) for errors in by_device.values()])
    cases = np.abs([miss.error for miss in misses])
    parts = (devices, cases)
    (median, p90), (case_median, case_p90) = ((float(np.median(x)), float(np.quantile(x, 0.9))) for x in parts)
    return Score(name, len(devices), median, p90, len(cases), case_median, case_p90)


def split(name: str, misses: Sequence[Miss], label_of: Callable[[Run], str]) -> Iterable[Score]:
    """Yield the score of each label, in order of the labels."""
    for label in sorted({label_of(miss.run) for miss in misses}):
        found = score(f"{name} {label}".strip(), [miss for miss in misses if label_of(miss.run) == label])
        if found:
            yield found
