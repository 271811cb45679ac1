"""Fits the effects of ``perf/rates`` to runs: robust least squares on the logarithm of time, pooled by priors.

Each effect has a prior around zero with its group's spread, so that a family of one device is drawn to its vendor's
backend, and that to all. Nuisance effects (a device's own, an engine's on one family) absorb what belongs to one device
and are left out of the shipped table. Needs numpy: a dependency of development alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.runs import Run
from truelimit.perf.rates.costs import SHARPNESS, CostModel, Costs, Effect, group_of

Array = Any


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is fitted: spread of each group's prior, noise, robustness, weights of rows.

    ``means`` are the priors' means (0 where a group is not listed). ``power``: a device with n rows weighs
    n ** (1 - power). ``others``: weight of engines other than llama.cpp, and of several devices.
    """

    priors: Mapping[str, float]
    means: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.05
    huber: float = 0.12
    power: float = 0.4
    others: float = 0.1
    deep: float = 0.3


@dataclass(slots=True)
class Design:
    """Runs as arrays: base seconds by part, and for each run its effects: which, of which part, with which weight.

    ``part`` is the number of parts for an effect on the whole. Rows are padded with effects of weight 0.
    """

    names: list[str]
    base: Array
    column: Array
    part: Array
    weight: Array
    target: Array
    floors: Array

    def rows(self, kept: Array) -> Design:
        """Return the design of some runs, without the effects that none of them has."""
        weight, column = self.weight[kept], self.column[kept]
        used = np.unique(column[weight != 0])
        place = np.zeros(len(self.names), int)
        place[used] = np.arange(len(used))
        names = [self.names[number] for number in used]
        return Design(names, self.base[:, kept], place[column], self.part[kept], weight, self.target[kept], self.floors)


CostsOf = Callable[[Run], Costs]
Entry = tuple[int, int, float]


def design(runs: Sequence[Run], costs_of: CostsOf, nuisances: Callable[[Run], list[str]]) -> Design:
    """Return the arrays of runs. ``nuisances`` gives further effects on the whole."""
    index: dict[str, int] = {}
    costs = [costs_of(run) for run in runs]
    parts = {name: number for number, name in enumerate(sorted({part.name for row in costs for part in row.parts}))}
    base, floors = np.zeros((len(parts), len(runs))), np.zeros((len(parts), 1), bool)
    entries: list[list[Entry]] = []
    for number, (run, row) in enumerate(zip(runs, costs, strict=True)):
        whole = [*row.overall, *((name, 1.0) for name in nuisances(run))]
        found = [(index.setdefault(name, len(index)), len(parts), weight) for name, weight in whole]
        for part in row.parts:
            at = parts[part.name]
            base[at, number], floors[at] = part.seconds, part.floor
            found += [(index.setdefault(name, len(index)), at, weight) for name, weight in part.effects]
        entries.append(found)
    column, part, weight = _padded(entries)
    return Design(list(index), base, column, part, weight, np.log([1 / run.rate for run in runs]), floors)


def _padded(entries: list[list[Entry]]) -> tuple[Array, Array, Array]:
    width = max(len(row) for row in entries)
    rows = [[*row, *[(0, 0, 0.0)] * (width - len(row))] for row in entries]
    table = np.array(rows, dtype=float)
    return table[:, :, 0].astype(int), table[:, :, 1].astype(int), table[:, :, 2]


def predict(of: Design, theta: Array) -> tuple[Array, Array]:
    """Return the logarithm of time of each run, and its slope in each of its effects."""
    parts, count = of.base.shape
    row = np.arange(count)[:, None]
    moved = np.bincount(
        (of.part * count + row).ravel(), (theta[of.column] * of.weight).ravel(), minlength=(parts + 1) * count
    ).reshape(parts + 1, count)
    logs, pass_on = _floored(moved[:-1], of.floors)
    seconds = of.base * np.exp(logs)
    total = seconds.sum(0)
    share = np.vstack([pass_on * seconds / total, np.ones(count)])
    return np.log(total) + moved[-1], of.weight * share[of.part, row]


def _floored(logs: Array, floors: Array) -> tuple[Array, Array]:
    """Return logarithms of factors with floors, as in ``perf.rates.costs``, and how they follow the effects."""
    high = np.exp(np.clip(SHARPNESS * logs, -50, 50))
    return np.where(floors, np.log1p(high) / SHARPNESS, logs), np.where(floors, high / (1 + high), 1.0)


def weights_of(runs: Sequence[Run], settings: Settings) -> Array:
    """Return the weight of each run."""
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.device] = counts.get(run.device, 0) + 1
    found = [counts[run.device] ** -settings.power for run in runs]
    for number, run in enumerate(runs):
        if run.engine not in {"llama.cpp", "llama-server"} or run.case.devices > 1:
            found[number] *= settings.others
        if run.depth >= 2200:
            found[number] *= settings.deep
    return np.array(found)


@dataclass(slots=True)
class Fitted:
    """Effects with their standard deviations, and residuals of the runs that they were fitted on."""

    model: CostModel
    residuals: Array


def fit(of: Design, weights: Array, settings: Settings, start: Mapping[str, Effect] | None = None) -> Fitted:
    """Return the effects that fit best, each with the deviation that its runs leave it.

    ``start``: effects of a fit nearby, from which the search begins.
    """
    mean, spread = _priors(of.names, settings)
    theta = mean.copy()
    if start is not None:
        theta = np.array([start[name].value if name in start else mean[at] for at, name in enumerate(of.names)])
    pull = spread**-2.0
    for turn in range(4):
        robust = np.ones(len(of.target))
        if turn or start is not None:
            robust = 1 / np.maximum(1, np.abs(predict(of, theta)[0] - of.target) / settings.huber)
        share = weights * robust / settings.noise**2
        theta = _steps(of, theta, share, mean, pull)
    log, slope = predict(of, theta)
    deviations = np.diag(_curve(of, slope, share, pull)) ** -0.5  # the others held: what its own runs leave open
    effects = {
        name: Effect(float(value), float(deviation))
        for name, value, deviation in zip(of.names, theta, deviations, strict=True)
    }
    priors = {
        group: Effect(settings.means.get(group, 0.0), value)
        for group, value in settings.priors.items()
        if not group.startswith("nuisance")
    }
    return Fitted(CostModel(effects, priors, {}, 1.645), log - of.target)


def _curve(of: Design, slope: Array, share: Array, pull: Array) -> Array:
    """Return the matrix of second slopes (Gauss-Newton), summed over the few effects of each run."""
    size = len(pull)
    place = (of.column[:, :, None] * size + of.column[:, None, :]).ravel()
    value = (slope[:, :, None] * slope[:, None, :] * share[:, None, None]).ravel()
    return np.bincount(place, value, minlength=size * size).reshape(size, size) + np.diag(pull)


def _priors(names: Sequence[str], settings: Settings) -> tuple[Array, Array]:
    missing = {group_of(name) for name in names} - set(settings.priors)
    if missing:
        raise ValueError(f"no prior is set for {', '.join(sorted(missing))}")
    mean = np.array([settings.means.get(group_of(name), 0.0) for name in names])
    return mean, np.array([settings.priors[group_of(name)] for name in names])


def _steps(of: Design, theta: Array, share: Array, mean: Array, pull: Array, most: int = 10) -> Array:
    """Return the minimum found by damped Gauss-Newton steps."""
    damping = 1e-3

    def cost(value: Array) -> float:
        return float(share @ (predict(of, value)[0] - of.target) ** 2 + pull @ (value - mean) ** 2)

    best = cost(theta)
    for _ in range(most):
        log, slope = predict(of, theta)
        curve = _curve(of, slope, share, pull)
        lean = (slope * (share * (log - of.target))[:, None]).ravel()
        down = np.bincount(of.column.ravel(), lean, minlength=len(theta)) + pull * (theta - mean)
        for _ in range(6):
            step = np.linalg.solve(curve + damping * np.diag(np.diag(curve)), -down)
            found = cost(theta + step)
            if found < best:
                break
            damping *= 10
        else:
            return theta
        gained, theta, best, damping = best - found, theta + step, found, max(damping / 10, 1e-9)
        if gained < 1e-4 * best:
            break
    return theta
