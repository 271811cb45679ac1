"""One session file that the user named, told apart by its content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.session_counters import LARGEST_FILE, Counters, by_session, counters_of
from truelimit.adapters.agents.openclaw.sessions import read_transcript
from truelimit.adapters.agents.openclaw.sessions_json import read_sessions_json
from truelimit.adapters.agents.openclaw.sqlite_store import MAGIC, read_store, sessions_of
from truelimit.adapters.agents.openclaw.trajectory import MARK, Trajectory
from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_lines import Damaged, entry_of, read_lines
from truelimit.app.ports import Evidence
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

_SNIFFED = 65_536


def read_session_file(path: Path) -> Evidence:
    """Return the sessions of a file: a transcript, decoded rows of a store, counters, or a store. Never raises."""
    try:
        if not path.is_file():
            return Evidence(missing=(Missing("session", said("{path}: no such file", path=path)),))
        with path.open("rb") as stream:
            head = stream.read(_SNIFFED)
    except OSError as error:
        return Evidence(missing=(Missing("session", f"{path}: {error.strerror or type(error).__name__}"),))
    if head.startswith(MAGIC):
        return read_store(path)
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if first.startswith((b"[", b"{\n", b"{\r\n")):
        return _read_counters(path)
    return _read_rows(path) if is_rows(head) else read_transcript(path)


def is_rows(head: bytes) -> bool:
    """Return whether the first lines of a file are decoded rows of a store or trajectory events."""
    line = head.lstrip().partition(b"\n")[0][:2048]
    keys = (b'"session_id"', b'"event"') if b'"event"' in line else (b'"traceSchema"',)
    return all(key in line for key in keys)


def _read_rows(path: Path) -> Evidence:
    transcripts: dict[str, Transcript] = {}
    trajectory = Trajectory()
    lost = 0
    try:
        for number, line in _lines(path):
            lost += not _take(read.parse(line), f"{path}: ", number, transcripts, trajectory)
    except OSError as error:
        return Evidence(missing=(Missing("session", f"{path}: {error.strerror or type(error).__name__}"),))
    sessions = tuple(sessions_of(str(path), transcripts, trajectory, {}))
    calls = sum(len(session.calls) for session in sessions)
    examined = said(
        "{path}: {sessions} sessions, {calls} calls, {lost} damaged rows",
        path=path,
        sessions=len(sessions),
        calls=calls,
        lost=lost,
    )
    missing = (
        (Missing(said("session rows"), said("{path}: {lost} damaged rows", path=path, lost=lost)),) if lost else ()
    )
    return Evidence(sessions=sessions, missing=missing, examined=(examined,))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        for number, (_, _, line, whole) in enumerate(read_lines(stream), 1):
            if not line.isspace():
                yield number, line if whole else b""


def _take(value: object, where: str, number: int, transcripts: dict[str, Transcript], trajectory: Trajectory) -> bool:
    """Give one row to its session. Returns whether it was a row."""
    row = read.mapping(value)
    event = row.get("event", row)
    if read.mapping(event).get("traceSchema") is not None:
        return trajectory.feed(event, f"{where}{MARK} {number}") is not None
    session = read.name(row.get("session_id"))
    if not session:
        return False
    if session not in transcripts:
        transcripts[session] = Transcript(session, where.removesuffix(": "))
    entry = entry_of(event)
    transcripts[session].feed(entry, f"{where}line {number}")
    transcripts[session].session = session
    return not isinstance(entry, Damaged)


def _read_counters(path: Path) -> Evidence:
    """Return the sessions of a sessions.json, or of decoded rows of session_nodes: counters without calls."""
    counted = read_sessions_json(path)
    counters, count, missing = dict(counted.counters), counted.sessions, counted.missing
    if not counters:
        try:
            value = read.parse(path.read_bytes()) if path.stat().st_size <= LARGEST_FILE else None
        except OSError as error:
            return Evidence(missing=(Missing("session", f"{path}: {error.strerror or type(error).__name__}"),))
        counters, missing = _counters_of_rows(value, str(path)), ()
        count = len(counters)
    if not counters:
        return Evidence(
            missing=(Missing("session", said("{path}: neither a transcript nor session counters", path=path)),)
        )
    sessions = tuple(sessions_of(str(path), {}, Trajectory(), counters))
    return Evidence(
        sessions=sessions,
        missing=missing,
        examined=(said("{path}: {number} session counters", path=path, number=count),),
    )


def _counters_of_rows(value: object, where: str) -> dict[str, Counters]:
    rows = value if isinstance(value, list) else []
    pairs = [(read.name(read.mapping(row).get("session_key")), read.mapping(row).get("entry")) for row in rows]
    found = (counters_of(key, entry, where) for key, entry in pairs)
    return by_session(item for item in found if item is not None)
