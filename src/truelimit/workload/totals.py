"""What a replay comes to: counts by outcome, hours waited, USD; and the same over an interval of the rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truelimit.workload.columns import Columns
from truelimit.workload.replay import Replayed, replay
from truelimit.workload.stack import Outcome, ReplayStack

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


def totals(stack: ReplayStack, result: Replayed) -> Totals:
    """Return the totals of a replay. The percentiles are over the requests that were sent."""
    counts = np.bincount(result.outcome, minlength=len(Outcome))
    sent = result.seconds[result.seconds > 0]
    median, p90 = (float(value) for value in np.percentile(sent, (50, 90))) if len(sent) else (0.0, 0.0)
    seconds, usd = float(result.seconds.sum(dtype=np.float64)), float(result.usd.sum(dtype=np.float64))
    return Totals(stack.id, tuple(int(count) for count in counts), seconds, median, p90, usd)


def span(work: Columns, stack: ReplayStack) -> Span:
    """Return the totals of a stack with the interval that its rates allow."""
    expected, slow, fast = (totals(item, replay(work, item)) for item in (stack, stack.slower(), stack.faster()))
    return Span(expected, slow, fast)
