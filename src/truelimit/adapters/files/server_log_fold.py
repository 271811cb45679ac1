"""Gives the lines of a server's log to what reads them: from where an earlier run stopped, where that is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from truelimit.adapters.files.server_log_failures import Failures
from truelimit.adapters.files.server_log_lines import Line, LineFinder
from truelimit.adapters.files.server_log_loads import Loads
from truelimit.adapters.files.server_log_ollama import OllamaLines
from truelimit.adapters.files.server_log_state import Parts, restore, snapshot
from truelimit.adapters.files.server_log_store import EventStore
from truelimit.adapters.files.server_log_tasks import Tasks
from truelimit.adapters.store.evidence_cache import active


def read_lines(path: Path, offset: timedelta | None, *, is_ollama: bool) -> Parts:
    """Return what all lines of a log told. ``offset`` is the one from UTC that holds for lines without one.

    Raises OSError when the file cannot be read.
    """
    cache, reader = active(), f"server log, {is_ollama}, {offset}"
    status = path.stat()
    kept = cache.find(reader, path, status) if cache else None
    parts = _new(path, offset, is_ollama=is_ollama)
    begin = 0
    if kept is not None and restore(parts, kept.state):
        begin = parts.finder.offset
    elif kept is not None:
        parts = _new(path, offset, is_ollama=is_ollama)
    lines = parts.finder.whole_lines()
    if begin and parts.finder.offset > begin and parts.finder.is_over:
        # Reading on keeps other lines than reading all where more were found than are kept.
        parts, begin = _new(path, offset, is_ollama=is_ollama), 0
        lines = parts.finder.whole_lines()
    _see(parts, lines, is_ollama=is_ollama)
    if cache and parts.finder.offset > begin and (state := snapshot(parts)) is not None:
        cache.keep(reader, path, status, parts.finder.offset, state)
    _see(parts, parts.finder.last_line(), is_ollama=is_ollama)
    return parts


def _new(path: Path, offset: timedelta | None, *, is_ollama: bool) -> Parts:
    store = EventStore(path, offset=offset)
    loads, failures, tasks = Loads(store, has_own_end=is_ollama), Failures(store), Tasks(store)
    return Parts(LineFinder(path), store, loads, failures, tasks, OllamaLines(store, loads, failures))


def _see(parts: Parts, lines: Iterable[Line], *, is_ollama: bool) -> None:
    ollama, tasks, loads, failures = parts.ollama, parts.tasks, parts.loads, parts.failures
    for line in lines:
        try:
            _ = (is_ollama and ollama.see(line)) or tasks.see(line) or loads.see(line) or failures.see(line)
        except (KeyError, ValueError, OverflowError):
            parts.store.damaged += 1
