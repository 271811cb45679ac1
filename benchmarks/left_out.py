"""Predictions for devices that the fit has never seen: each chip is left out in turn, with all its variants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.fitting import Kind, fitted_runs, nuisances
from benchmarks.regression import Settings, design, fit, weights_of
from benchmarks.runs import Run, is_scored
from benchmarks.silicon import chip_of
from truelimit.perf.rates.costs import CostModel, seconds, spread
from truelimit.perf.rates.interval import noise_kinds

GroupOf = Callable[[Run], str]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A run, the rate that a fit without its device gives, its deviation, and the classes whose noise adds to that."""

    run: Run
    rate: float
    deviation: float
    kinds: tuple[str, ...] = ("all",)

    @property
    def error(self) -> float:
        """The relative error, positive where the prediction is too fast."""
        return self.rate / self.run.rate - 1

    @property
    def log_error(self) -> float:
        """The logarithm of prediction over measurement."""
        return math.log(self.rate / self.run.rate)


def chip(run: Run) -> str:
    """Return the chip of a run's device."""
    return chip_of(run.device)


def family(run: Run) -> str:
    """Return the family of a run's device."""
    return run.case.device.family


def predictions(
    runs: Sequence[Run],
    kind: Kind,
    group_of: GroupOf = chip,
    *,
    settings: Settings | None = None,
    scored: Callable[[Run], bool] = is_scored,
) -> list[Prediction]:
    """Return a prediction for every scored run, from a fit on the other groups."""
    fitted, chosen = fitted_runs(runs, kind), settings or kind.settings
    whole = design(fitted, kind.costs_of, nuisances)
    weights = weights_of(fitted, chosen)
    start = fit(whole, weights, chosen).model.effects
    groups = np.array([group_of(run) for run in fitted])
    found: list[Prediction] = []
    for name in sorted({group_of(run) for run in fitted if scored(run)}):
        kept = groups != name
        model = fit(whole.rows(kept), weights[kept], chosen, start).model
        found += [predicted(model, run, kind) for run in fitted if group_of(run) == name and scored(run)]
    return found


def predicted(model: CostModel, run: Run, kind: Kind) -> Prediction:
    """Return the prediction of a model for a run."""
    costs = kind.costs_of(run)
    kinds = noise_kinds(model, run.case, run.depth)
    return Prediction(run, 1 / seconds(model, costs), spread(model, costs, ()), kinds)
