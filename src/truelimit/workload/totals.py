"""What a replay comes to: counts by outcome, hours waited, USD; and the same over an interval of the rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truelimit.workload.columns import Columns
from truelimit.workload.replay import blocks
from truelimit.workload.stack import Outcome, ReplayStack

Counts = NDArray[np.int64]

# A request whose prompt nobody recorded tells nothing of a stack: it is counted apart and in no share.
_COUNTED = tuple(item for item in Outcome if item is not Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Totals:
    """One stack's result: requests by outcome, seconds waited in all, median and 90th percentile, USD in all."""

    stack: str
    counts: tuple[int, ...]
    seconds: float
    median: float
    p90: float
    usd: float

    def count(self, outcome: Outcome) -> int:
        """Return the requests with an outcome."""
        return self.counts[outcome]

    @property
    def known(self) -> int:
        """The requests whose outcome can be told."""
        return sum(self.counts[item] for item in _COUNTED)

    def share(self, outcome: Outcome) -> float:
        """Return the share of an outcome among the known, 0 to 1; 0 where nothing is known."""
        return self.counts[outcome] / self.known if self.known else 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """The totals at the expected rates and at both ends of their intervals."""

    expected: Totals
    slow: Totals
    fast: Totals


def totals(work: Columns, stack: ReplayStack) -> Totals:
    """Return the totals of the work on a stack. The percentiles are over the requests that were sent, to 1 %."""
    counts, waits = np.zeros(len(Outcome), np.int64), np.zeros(_BINS, np.int64)
    seconds = usd = 0.0
    for part in blocks(work, stack):
        counts += np.bincount(part.outcome, minlength=len(Outcome))
        waits += np.bincount(
            np.abs(part.seconds.astype(np.float32, copy=False)).view(np.int32) >> _DROPPED, minlength=_BINS
        )
        seconds += float(part.seconds.sum(dtype=np.float64))
        usd += float(part.usd.sum(dtype=np.float64))
    waits[0] = 0  # what was never sent was not waited for
    return Totals(stack.id, tuple(counts.tolist()), seconds, _percentile(waits, 0.5), _percentile(waits, 0.9), usd)


# The upper bits of a float32 above 0 are a logarithmic scale: with 7 bits of the fraction a bin is 0.8 % wide at most.
_DROPPED = 16
_BINS = 1 << (32 - 1 - _DROPPED)


def _percentile(waits: Counts, share: float) -> float:
    """The middle of the bin that holds the percentile of a count by bins."""
    total = int(waits.sum())
    if not total:
        return 0.0
    place = int(np.searchsorted(np.cumsum(waits), math.ceil(share * total)))
    edges = (np.array([place, place + 1], dtype=np.int32) << _DROPPED).view(np.float32)
    return float(edges.mean(dtype=np.float64))


def span(work: Columns, stack: ReplayStack) -> Span:
    """Return the totals of a stack with the interval that its rates allow."""
    expected, slow, fast = (totals(work, item) for item in (stack, stack.slower(), stack.faster()))
    return Span(expected, slow, fast)
