"""A provider's tokens a minute over all requests, as a bucket that fills evenly: how long each has to wait."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from truelimit.units import MINUTE
from truelimit.workload.columns import Clock, Floats


@dataclass(slots=True)
class Bucket:
    """What was taken so far. ``per_minute`` tokens may be taken at once, and come back within a minute.

    Lindley's recursion (1952), b = n + max(0, b' - r * dt) with r tokens a second, written with running sums: whoever
    finds b above what the bucket holds waits until the rest is back.
    """

    per_minute: float
    start: float | None = None
    taken: float = 0.0
    low: float = math.inf

    def waits(self, time: Clock, tokens: Floats) -> Floats:
        """Return the seconds that each request waits. Those that ask for nothing do not wait."""
        if not len(time):
            return np.zeros(0, np.float32)
        self.start = float(time[0]) if self.start is None else self.start
        rate = self.per_minute / MINUTE
        asked = tokens.astype(np.float64)
        sums, back = self.taken + np.cumsum(asked), rate * (time - self.start)
        low = np.minimum(np.minimum.accumulate(sums - asked - back), self.low)
        self.taken, self.low = float(sums[-1]), float(low[-1])
        late = np.maximum(sums - back - low - self.per_minute, 0) / rate
        found: Floats = np.where(asked > 0, late, 0).astype(np.float32)
        return found
