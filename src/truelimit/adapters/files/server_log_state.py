"""The state of reading a server's log after some of its lines, in a form that can be kept: events and numbers.

No line is kept: where one is still needed, it is its number, its time, and what of its text may be shown anyway.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Any

from truelimit.adapters.files.server_log_failures import Failures
from truelimit.adapters.files.server_log_lines import Line, LineFinder
from truelimit.adapters.files.server_log_loads import Loads, stamp_in
from truelimit.adapters.files.server_log_ollama import LoggedDevice, OllamaLines, SystemMemory, Tier
from truelimit.adapters.files.server_log_store import KEPT, EventStore
from truelimit.adapters.files.server_log_tasks import Progress, Task, Tasks
from truelimit.adapters.store.evidence_codec import Codec, CodecError
from truelimit.domain import server
from truelimit.domain.provenance import Basis, Known

_EVENTS = tuple(item for item in vars(server).values() if isinstance(item, type) and issubclass(item, server.Event))
_CODEC = Codec(
    *_EVENTS, Line, Task, Progress, Known, Basis, Tier, LoggedDevice, SystemMemory, server.Engine
)  # fmt: skip
_FINDER = ("damaged", "seen", "left_out", "offset", "number", "region_end")
_STORE = ("offset", "counts", "left_out", "damaged", "_sequence")
_LOADS = ("_parts", "_began", "address", "unified", "prompt_cache")
_OLLAMA = (
    "version",
    "engine",
    "environment",
    "environment_where",
    "tier",
    "devices",
    "system_memory",
    "templates",
    "invalid_options",
)


@dataclass(slots=True)
class Parts:
    """Everything that turns the lines of one log into what the log tells."""

    finder: LineFinder
    store: EventStore
    loads: Loads
    failures: Failures
    tasks: Tasks
    ollama: OllamaLines


def snapshot(parts: Parts) -> Any:
    """Return the state after the lines that are complete, or None where it cannot be kept."""
    if not parts.finder.can_go_on:
        return None
    try:
        return {
            "finder": [_CODEC.encode(getattr(parts.finder, name)) for name in _FINDER],
            "time": parts.finder.time.decode("ascii") if parts.finder.time else None,
            "store": [_CODEC.encode(getattr(parts.store, name)) for name in _STORE],
            "events": [_rows(parts.store, list(kept)) for kept in parts.store._events.values()],
            "loads": [_CODEC.encode(getattr(parts.loads, name)) for name in _LOADS],
            "load": _CODEC.encode(_bare(parts.loads._line)),
            "failures": [_CODEC.encode(item) for item in parts.failures.state()],
            "tasks": _tasks(parts.tasks),
            "ollama": [_CODEC.encode(getattr(parts.ollama, name)) for name in _OLLAMA],
        }
    except (CodecError, ValueError):
        return None


def restore(parts: Parts, state: Any) -> bool:
    """Put new parts into a kept state. Returns whether that could be done; if not, they are of no use any more."""
    try:
        _set(parts.finder, _FINDER, state["finder"])
        parts.finder.time = state["time"].encode("ascii") if state["time"] else None
        _set(parts.store, _STORE, state["store"])
        parts.store.counts, parts.store.left_out = Counter(parts.store.counts), Counter(parts.store.left_out)
        parts.store._events = dict(_made_rows(parts.store, form) for form in state["events"])
        _set(parts.loads, _LOADS, state["loads"])
        parts.loads._line = _CODEC.decode(state["load"])
        parts.failures.set_state(*[_CODEC.decode(form) for form in state["failures"]])
        parts.tasks._running, parts.tasks._exhausted = (_CODEC.decode(form) for form in state["tasks"])
        _set(parts.ollama, _OLLAMA, state["ollama"])
    except (CodecError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        return False
    return True


def _set(target: object, names: tuple[str, ...], forms: list[Any]) -> None:
    for name, form in zip(names, forms, strict=True):
        setattr(target, name, _CODEC.decode(form))


def _rows(store: EventStore, kept: list[tuple[int, server.Event]]) -> Any:
    """Return the events of one kind by column, their places as line numbers."""
    first = len(store.place)
    lines = [int(event.where[first:-1]) for _, event in kept]
    table = _CODEC.rows([event for _, event in kept], skip=1)
    return {"sequence": [number for number, _ in kept], "lines": lines, "table": table}


def _made_rows(store: EventStore, form: Any) -> tuple[str, deque[tuple[int, server.Event]]]:
    places = [f"{store.place}{line})" for line in form["lines"]]
    events = _CODEC.made_rows(form["table"], places)
    pairs = zip(form["sequence"], events, strict=True)
    return type(events[0]).__name__, deque(pairs, maxlen=KEPT)


def _tasks(tasks: Tasks) -> list[Any]:
    exhausted = None if tasks._exhausted is None else (_bare(tasks._exhausted[0]), tasks._exhausted[1])
    running = {key: _bare_task(task) for key, task in tasks._running.items()}
    return [_CODEC.encode(running), _CODEC.encode(exhausted)]


def _bare_task(task: Task) -> Task:
    return replace(
        task,
        line=_bare(task.line),
        progress=[replace(item, line=_bare(item.line)) for item in task.progress],
        read=task.read and (_bare(task.read[0]), *task.read[1:]),
        written=task.written and (_bare(task.written[0]), *task.written[1:]),
    )


def _bare(line: Any) -> Any:
    """Return a line without its text, but for the time since the start that a llama-server puts before it."""
    return None if line is None else Line(line.number, stamp_in(line.text), line.time)
