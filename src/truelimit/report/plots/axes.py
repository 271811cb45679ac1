"""Axes: where a value lies, and round values along a side with the numbers of a language."""

from __future__ import annotations

import math
from dataclasses import dataclass

from truelimit.units import HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Axis:
    """A side from ``low`` (at ``start``, in units of the drawing) to ``high`` (at ``end``)."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value lies; values beyond the axis lie at its end."""
        if self.high <= self.low:
            return self.start
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int, steps: tuple[float, ...] = (1, 2, 5, 10)) -> list[float]:
        """Return some ``about`` round values; ``steps`` are what a step may begin with."""
        step = round_step((self.high - self.low) / max(1, about), steps)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [step * number for number in range(first, last + 1)]


def round_step(least: float, steps: tuple[float, ...] = (1, 2, 5, 10)) -> float:
    """Return the smallest round step that is not below ``least``."""
    if not least > 0 or math.isinf(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * part for part in steps if power * part >= least * 0.999), power * steps[-1])


TIME_STEPS = (10.0, 30.0, *(float(MINUTE * count) for count in (1, 2, 5, 10, 20, 30, 60)))


def time_ticks(high: float, about: int) -> list[float]:
    """Return round times from 0 to ``high`` seconds: steps of whole minutes or hours where they are longer."""
    least = high / max(1, about)
    hours = HOUR * round_step(least / HOUR)
    step = next((item for item in TIME_STEPS if item >= least), hours) if least > 5 else round_step(least)
    return [step * number for number in range(math.floor(high / step + 1e-9) + 1)]
