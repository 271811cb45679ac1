"""What a token costs, as parts whose factors are fitted: time = sum of (physical seconds x exp(sum of effects)).

Each part has seconds as physics gives them at an efficiency of one (bytes over bandwidth, operations over rate), and
effects: the vendor's backend, the family, the quantisation, the engine. An effect that was never seen counts as its
group's prior mean and adds the group's prior spread to the interval. That is a regression on logarithms with partial
pooling; it is fitted by ``benchmarks/calibrate.py`` and shipped as ``tables/calibration.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field

from truelimit.domain.frozen import dataclass

Weighted = tuple[str, float]
SHARPNESS = 25.0  # of a floor: a factor of one becomes 1.03, one of 1.2 stays 1.2
_HELD = 150.0  # of what estimates hold to: 0.5 % above it where the effects give just that


@dataclass(frozen=True, slots=True)
class Effect:
    """The logarithm of a factor on time, and the standard deviation with which it is known."""

    value: float
    spread: float


@dataclass(frozen=True, slots=True)
class Part:
    """One summand of the cost: ``seconds`` at a factor of one, and named effects with their weights.

    ``floor``: the factor cannot fall to one (nothing reads faster than its memory delivers). ``least``: what the factor
    with the effects on the whole cannot fall to either; 0 where nothing bounds it.
    """

    name: str
    seconds: float
    effects: tuple[Weighted, ...]
    floor: bool = False
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """The parts of a cost, and the effects on their sum."""

    parts: tuple[Part, ...]
    overall: tuple[Weighted, ...] = ()


@dataclass(frozen=True, slots=True)
class CostModel:
    """Fitted effects by name (``part/group/level``), priors by group (``part/group``), and what remains unexplained.

    ``noise`` is the standard deviation of the logarithm of time that no effect explains, by class of case;
    ``quantile`` is how many standard deviations hold nine tenths of the devices that were left out.
    """

    effects: Mapping[str, Effect]
    priors: Mapping[str, Effect]
    noise: Mapping[str, float]
    quantile: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted models of decode and prefill, and what they were fitted on."""

    decode: CostModel
    prefill: CostModel
    source: str
    date: str
    rows: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)


def group_of(name: str) -> str:
    """Return the group of an effect: its name without the level."""
    return name.rpartition("/")[0]


def effect(model: CostModel, name: str) -> Effect:
    """Return a fitted effect, or its group's prior where the level was never seen; no effect for an unknown group."""
    found = model.effects.get(name)
    if found is None:
        found = model.priors.get(group_of(name))
    return found or Effect(0.0, 0.0)


def factor(model: CostModel, effects: Iterable[Weighted]) -> float:
    """Return the factor on time of effects together."""
    return math.exp(sum(weight * effect(model, name).value for name, weight in effects))


def part_factor(model: CostModel, part: Part) -> float:
    """Return the factor of a part; above one where the part has a floor, which it nears smoothly."""
    found = factor(model, part.effects)
    return (1.0 + found**SHARPNESS) ** (1.0 / SHARPNESS) if part.floor else found


def held_factor(model: CostModel, costs: Costs, part: Part) -> float:
    """Return the factor of a part with that of the whole in it, above what bounds the part, which it nears smoothly.

    Estimates hold to the bound. The fit does not: there it bends other effects.
    """
    return above(part_factor(model, part) * factor(model, costs.overall), part.least)


def above(value: float, least: float) -> float:
    """Return a value held above ``least``, which it nears smoothly: as it is far above it, and where ``least`` is 0."""
    beyond = _HELD * math.log(value / least) if least > 0 and value > 0 else math.inf
    return value if beyond > _HELD else least * (1.0 + math.exp(beyond)) ** (1.0 / _HELD)


def seconds(model: CostModel, costs: Costs) -> float:
    """Return the seconds of a cost."""
    return sum(part.seconds * held_factor(model, costs, part) for part in costs.parts)


def spread(model: CostModel, costs: Costs, kinds: Iterable[str]) -> float:
    """Return the standard deviation of the logarithm of a cost: effects weighed by their part's share, and the noise.

    ``kinds`` are the classes of the case in ``noise``; their variances add up.
    """
    shares = [(part.effects, part.seconds * held_factor(model, costs, part)) for part in costs.parts]
    total = sum(share for _, share in shares) or 1.0
    gradient: dict[str, float] = dict(costs.overall)
    for effects, share in shares:
        for name, weight in effects:
            gradient[name] = gradient.get(name, 0.0) + weight * share / total
    variance = sum((slope * effect(model, name).spread) ** 2 for name, slope in gradient.items())
    return math.sqrt(variance + sum(model.noise.get(kind, 0.0) ** 2 for kind in kinds))
