"""Where a log's events are kept while it is read: bounded, dated, with the place of each."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_slog import slog_time
from truelimit.domain.server import Event

KEPT = 20_000
_LARGEST = 2**53
_NUMBERS = {int, float}


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
    place: str = field(default="", init=False)
    _last_time: tuple[str | None, datetime | None] = (None, None)

    def __post_init__(self) -> None:
        """Keep the file's name as it stands in each event."""
        self.place = f"{self.path} (line "

    def add(self, event: type[Event], at: Line, *, time: datetime | None = None, **fields: Any) -> None:
        """Keep an event of this class with these fields, placed at a line, at ``time`` or at the line's own.

        An event with a number that nothing real has is counted as damaged instead.
        """
        for value in fields.values():
            if type(value) in _NUMBERS and not abs(value) < _LARGEST:
                self.damaged += 1
                return
        name = event.__name__
        kept = self._events.get(name)
        if kept is None:
            kept = self._events[name] = deque(maxlen=KEPT)
        if len(kept) == KEPT:
            self.left_out[name] += 1
        self._sequence += 1
        kept.append((self._sequence, event(self.where(at), time or self.time(at), **fields)))
        self.counts[name] += 1

    def where(self, line: Line) -> str:
        """Return the file and line number."""
        return f"{self.place}{line.number})"

    def time(self, line: Line) -> datetime | None:
        """Return the last time that the log carried at this line; its offset serves for lines without one."""
        text, time = self._last_time
        if line.time != text:
            time = slog_time(line.time)
            self._last_time = line.time, time
        if time is not None:
            self.offset = time.utcoffset()
        return time

    def events(self) -> tuple[Event, ...]:
        """Return all kept events in the order of the log."""
        entries = sorted((entry for kept in self._events.values() for entry in kept), key=itemgetter(0))
        return tuple(event for _, event in entries)
