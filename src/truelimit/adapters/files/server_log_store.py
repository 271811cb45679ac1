"""Where a log's events are kept while it is read: bounded, dated, with the place of each."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_slog import slog_time
from truelimit.domain.server import Event

KEPT = 20_000
_LARGEST = 2**53


@dataclass(slots=True)
class EventStore:
    """Keeps the newest ``KEPT`` events of each kind; ``left_out`` counts the older ones that it let go."""

    path: Path
    offset: timedelta | None = None
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    _events: dict[str, deque[tuple[int, Event]]] = field(default_factory=dict)
    _sequence: int = 0

    def add(self, event: type[Event], at: Line, *, time: datetime | None = None, **fields: Any) -> None:
        """Keep an event of this class with these fields, placed at a line, at ``time`` or at the line's own.

        An event with a number that nothing real has is counted as damaged instead.
        """
        if not all(_is_sane(value) for value in fields.values()):
            self.damaged += 1
            return
        kept = self._events.setdefault(event.__name__, deque(maxlen=KEPT))
        if len(kept) == KEPT:
            self.left_out[event.__name__] += 1
        self._sequence += 1
        kept.append((self._sequence, event(self.where(at), time or self.time(at), **fields)))
        self.counts[event.__name__] += 1

    def where(self, line: Line) -> str:
        """Return the file and line number."""
        return f"{self.path} (line {line.number})"

    def time(self, line: Line) -> datetime | None:
        """Return the last time that the log carried at this line; its offset serves for lines without one."""
        time = slog_time(line.time)
        if time is not None:
            self.offset = time.utcoffset()
        return time

    def events(self) -> tuple[Event, ...]:
        """Return all kept events in the order of the log."""
        entries = sorted((entry for kept in self._events.values() for entry in kept), key=lambda entry: entry[0])
        return tuple(event for _, event in entries)


def _is_sane(value: object) -> bool:
    return not isinstance(value, int | float) or abs(value) < _LARGEST
