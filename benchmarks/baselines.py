"""What simple rules give: the roofline, one constant, a table by family. The same cases, the same left-out chips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.left_out import chip
from benchmarks.runs import Run
from benchmarks.scores import Miss
from truelimit.perf.rates.device import bandwidth, matrix_rate

GLOBAL_SHARE = 0.64


def limit_of(run: Run) -> float:
    """Return the rate at an efficiency of one: bandwidth over bytes, or matrix rate over operations."""
    shape, device = run.case.shape, run.case.device
    if run.kind == "tg":
        return bandwidth(device).value / shape.read_bytes
    return matrix_rate(device).value / (2 * (shape.layer_parameters or shape.active_parameters))


def share(run: Run) -> float:
    """Return the share of the limit that a run reached."""
    return run.rate / limit_of(run)


def constant(runs: Sequence[Run], value: float) -> list[Miss]:
    """Return the misses of one share for all."""
    return [Miss(run, value / share(run) - 1) for run in runs]


def table(runs: Sequence[Run], label_of: Callable[[Run], str]) -> list[Miss]:
    """Return the misses of a table of median shares by label, made without the run's chip.

    A label that no other chip has takes the median of all.
    """
    found = []
    for run in runs:
        others = [other for other in runs if chip(other) != chip(run)]
        same = [share(other) for other in others if label_of(other) == label_of(run)]
        middle = float(np.median(same or [share(other) for other in others]))
        found.append(Miss(run, middle / share(run) - 1))
    return found
