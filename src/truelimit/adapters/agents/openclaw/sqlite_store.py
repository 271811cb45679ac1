"""OpenClaw's SQLite store of September 2026, read without a byte written beside it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.session_counters import Counters, by_session, counters_of
from truelimit.adapters.agents.openclaw.trajectory import MARK, Trajectory, is_wanted, join
from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_lines import Damaged, entry_of
from truelimit.app.ports import Evidence
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.domain.session import Session

if TYPE_CHECKING:
    import sqlite3

MAGIC = b"SQLite format 3\x00"
LARGEST_VALUE = 64 * 2**20
LARGEST_COPY = 2 * 2**30
# The store's tables are STRICT, which SQLite reads from this version on.
_STRICT_TABLES = (3, 37)
_LOCK_SECONDS = 1.0
_MOST_SECONDS = 120.0
_STEPS_BETWEEN_LOOKS = 100_000


@dataclass(slots=True)
class _Found:
    """What one store gave so far."""

    path: Path
    counters: dict[str, Counters] = field(default_factory=dict)
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    trajectory: Trajectory = field(default_factory=Trajectory)
    damaged_events: int = 0
    missing: list[Missing] = field(default_factory=list)


def read_store(path: Path) -> Evidence:
    """Return the sessions of a store, with what could not be read. Never raises.

    A locked, damaged or foreign database gives a Missing. Rows are streamed; a value may have 64 MiB at most.
    """
    import sqlite3

    found = _Found(path)
    try:
        with opened_store(path, found.missing) as connection:
            _read_tables(connection, found)
    except (sqlite3.Error, OSError, OverflowError, MemoryError, UnicodeDecodeError) as error:
        # UnicodeDecodeError: SQLite quotes a damaged schema in its message, byte for byte.
        found.missing.append(Missing("sessions", f"{path}: {_reason(error)}"))
    return _evidence(found)


def _reason(error: Exception) -> str:
    """Return why a store could not be read, in words that hold nothing of it."""
    import sqlite3

    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    text = {
        "SQLITE_BUSY": said("locked by another program"),
        "SQLITE_NOTADB": said("not a SQLite database"),
        "SQLITE_CORRUPT": "damaged",
        "SQLITE_INTERRUPT": said("gave up after {most_seconds:.0f} s", most_seconds=_MOST_SECONDS),
    }.get(name, said("could not be read"))
    old = (
        said("; this Python's SQLite {sqlite_version} may be too old", sqlite_version=sqlite3.sqlite_version)
        if sqlite3.sqlite_version_info < _STRICT_TABLES
        else ""
    )
    return f"{text} ({name}){old if isinstance(error, sqlite3.Error) else ''}"


@contextlib.contextmanager
def opened_store(path: Path, missing: list[Missing]) -> Iterator[sqlite3.Connection]:
    """Yield a read-only connection whose texts are bytes; notes in ``missing`` what had to be left out.

    SQLite itself would create -wal and -shm files beside a store that nobody has open. Without a write-ahead log the
    file is complete, so it is opened as immutable; with a log that no running program shares, a copy of both is read.
    """
    wal, shared = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    with contextlib.ExitStack() as stack:
        source, options = path, "mode=ro&immutable=1"
        if wal.exists() and wal.stat().st_size:
            if shared.exists():
                options = "mode=ro"
            elif path.stat().st_size + wal.stat().st_size <= LARGEST_COPY:
                source, options = _copy(path, wal, stack), "mode=rw"
            else:
                missing.append(
                    Missing(
                        said("newest session rows"), said("{path}: its write-ahead log was left out (size)", path=path)
                    )
                )
        yield stack.enter_context(contextlib.closing(_connect(source, options)))


def _copy(path: Path, wal: Path, stack: contextlib.ExitStack) -> Path:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="truelimit-", ignore_cleanup_errors=True)))
    for source in (path, wal):
        shutil.copyfile(source, folder / source.name)
    return folder / path.name


def _connect(path: Path, options: str) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, timeout=_LOCK_SECONDS)
    connection.text_factory = bytes
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    connection.execute("PRAGMA query_only = 1")
    end = time.monotonic() + _MOST_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
    return connection


def _read_tables(connection: sqlite3.Connection, found: _Found) -> None:
    columns = {table: columns_of(connection, table) for table in ("session_nodes", "transcript_events")}
    columns["trajectory_runtime_events"] = columns_of(connection, "trajectory_runtime_events")
    if not columns["transcript_events"] and not columns["trajectory_runtime_events"]:
        why = said(
            "{path}: has neither transcript_events nor trajectory_runtime_events (another program's, or newer)",
            path=found.path,
        )
        found.missing.append(Missing("sessions", why))
    if {"session_key", "entry_json"} <= columns["session_nodes"]:
        _read_nodes(connection, found)
    if {"session_id", "seq", "event_json"} <= columns["transcript_events"]:
        _read_transcripts(connection, found, "event_zstd" if "event_zstd" in columns["transcript_events"] else "NULL")
    if {"session_id", "seq", "event_json"} <= columns["trajectory_runtime_events"]:
        _read_trajectory(connection, found)


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the columns of a table; none for a view, which could compute for ever."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    if known.fetchone() is None:
        return set()
    return {_text(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _read_nodes(connection: sqlite3.Connection, found: _Found) -> None:
    rows = connection.execute("SELECT session_key, entry_json FROM session_nodes")
    where = f"{found.path}: session_nodes"
    entries = (counters_of(_text(key), read.parse(raw if isinstance(raw, bytes) else b""), where) for key, raw in rows)
    found.counters = by_session(entry for entry in entries if entry is not None)


def _read_transcripts(connection: sqlite3.Connection, found: _Found, packed: str) -> None:
    query = f"SELECT session_id, seq, event_json, {packed} FROM transcript_events ORDER BY session_id, seq"  # noqa: S608
    for session_id, seq, plain, blob in connection.execute(query):
        session = read.name(_text(session_id))
        where = f"{found.path}: transcript_events {session} {seq}"
        transcript = found.transcripts.get(session)
        if transcript is None:
            transcript = found.transcripts[session] = Transcript(session, str(found.path))
        raw = plain if isinstance(plain, bytes) else unpacked(blob)
        transcript.feed(entry_of(read.parse(raw)) if raw is not None else Damaged(), where)
        transcript.session = session


def unpacked(blob: object) -> bytes | None:
    """Return the bytes of a zstd frame, or None when it is damaged or would need more than 64 MiB."""
    if not isinstance(blob, bytes):
        return None
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=LARGEST_VALUE).stream_reader(blob) as stream:
            raw: bytes = stream.read(LARGEST_VALUE + 1)
    except (zstandard.ZstdError, MemoryError):
        return None
    return raw if len(raw) <= LARGEST_VALUE else None


def _read_trajectory(connection: sqlite3.Connection, found: _Found) -> None:
    query = "SELECT session_id, seq, event_json FROM trajectory_runtime_events ORDER BY session_id, seq"
    for session, seq, raw in connection.execute(query):
        if not isinstance(raw, bytes) or not is_wanted(raw):
            continue
        where = f"{found.path}: {MARK} {read.name(_text(session))} {seq}"
        if found.trajectory.feed(read.parse(raw), where) is None:
            found.damaged_events += 1


def _evidence(found: _Found) -> Evidence:
    sessions = tuple(sessions_of(str(found.path), found.transcripts, found.trajectory, found.counters))
    calls = sum(len(session.calls) for session in sessions)
    damaged = sum(session.damaged_lines for session in sessions) + found.damaged_events
    examined = said(
        "{path}: {sessions} sessions, {calls} calls, {damaged} damaged rows",
        path=found.path,
        sessions=len(sessions),
        calls=calls,
        damaged=damaged,
    )
    return Evidence(sessions=sessions, missing=tuple(found.missing), examined=(examined,))


def sessions_of(
    where: str, transcripts: dict[str, Transcript], trajectory: Trajectory, counters: dict[str, Counters]
) -> Iterator[Session]:
    """Yield one session for each id that any of the three knows of, with the times of the trajectory."""
    from dataclasses import replace

    for session in dict.fromkeys([*transcripts, *trajectory.windows, *counters]):
        known: Any = transcripts.get(session)
        counted = counters.get(session)
        result = (known or Transcript(session, where)).finish(counted)
        if known is None:
            # Without a transcript there is nothing that the count of compactions could be compared with.
            result = replace(result, compaction_count=None)
        yield replace(result, calls=join(result.calls, trajectory.windows.get(session, [])))
