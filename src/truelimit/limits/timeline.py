"""Events and calls in order of time, found by bisection: logs may hold a million lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from truelimit.limits.remembered import Remembered

if TYPE_CHECKING:
    from truelimit.domain.server import Event
    from truelimit.domain.session import Call

BEFORE = 2.0  # s: a server may log a request that little before the agent's clock has it begin
AFTER = 5.0  # s: and that long after the agent has it end


def instant(time: datetime) -> float:
    """Return a time in seconds since 1970. A time without zone counts as UTC."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return time.timestamp()


class Timeline:
    """Events that carry a time, in its order."""

    def __init__(self, events: Sequence[Event]) -> None:
        """Take the events; those without a time are left out. They are sorted when one is first asked for."""
        self._given = events
        self._sorted: tuple[list[float], list[Event]] | None = None

    def __bool__(self) -> bool:
        """Return whether there is any event with a time."""
        return any(event.time is not None for event in self._given)

    def between(self, start: float, end: float) -> Sequence[Event]:
        """Return the events from ``start`` to ``end`` (seconds since 1970, both included)."""
        if self._sorted is None:
            self._sorted = _in_order(self._given)
        times, events = self._sorted
        return events[bisect_left(times, start) : bisect_right(times, end)]

    def during(self, start: float | None, end: float | None) -> Sequence[Event]:
        """Return the events of a call: between its times with the slack of clocks, none where a time is missing."""
        if start is None or end is None or end < start:
            return ()
        return self.between(start - BEFORE, end + AFTER)


def _in_order(events: Iterable[Event]) -> tuple[list[float], list[Event]]:
    """Return the times of the events that have one, and these, in order of time, then of the log."""
    timed = sorted(((instant(e.time), i, e) for i, e in enumerate(events) if e.time is not None), key=lambda x: x[:2])
    return [item[0] for item in timed], [item[2] for item in timed]


class Busy:
    """The times in which calls were running."""

    def __init__(self, calls: Iterable[Call]) -> None:
        """Keep the spans of all calls that have at least one time."""
        spans = [span for span in map(span_of, calls) if span is not None]
        spans.sort()
        self._starts = [start - BEFORE for start, _ in spans]
        self._ends = list(accumulate((end + AFTER for _, end in spans), max))

    def __bool__(self) -> bool:
        """Return whether any call has a time."""
        return bool(self._starts)

    def at(self, time: float) -> bool:
        """Return whether a call was running at a time."""
        index = bisect_right(self._starts, time)
        return index > 0 and self._ends[index - 1] >= time


def span_of(call: Call) -> tuple[float, float] | None:
    """Return when a call began and ended in seconds since 1970; one missing time is taken from the other."""
    begin, end = call.started or call.ended, call.ended or call.started
    if begin is None or end is None:
        return None
    began = instant(begin)
    return began, began if end is begin else max(began, instant(end))


busy_in: Remembered[Sequence[Call], Busy] = Remembered(Busy)
"""The times in which calls were running, made once for one tuple of calls."""
