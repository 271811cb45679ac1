"""OpenClaw's sessions written anew: counters, transcripts of both versions, the store, each in its place."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.session_counters import LARGEST_FILE, SENT_AS_IT_WAS
from truelimit.adapters.agents.openclaw.trajectory import is_wanted
from truelimit.adapters.agents.openclaw.transcript_lines import Damaged, Entry, Header, Input, entry_of, read_lines
from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.openclaw_entries import DAMAGED, entry_json, trajectory_json
from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.bundle.store_rows import StoreRows, store_rows

_NUMBERS = ("inputTokens", "outputTokens", "totalTokens", "contextTokens", "compactionCount")
_TABLES = """
CREATE TABLE session_nodes (session_key TEXT, entry_json TEXT);
CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, event_json TEXT);
CREATE TABLE trajectory_runtime_events (session_id TEXT, seq INTEGER, event_json TEXT);
"""


def write_counters(source: Path, target: str, files: BundleFiles) -> None:
    """Write a sessions.json with the counters alone; one that is no JSON object is written as damaged as it was."""
    try:
        value = read.parse(source.read_bytes()) if source.stat().st_size <= LARGEST_FILE else None
    except OSError as error:
        files.unreadable(source, error)
        return
    if not isinstance(value, dict):
        files.text(target, DAMAGED)
        return
    redact = files.redact
    entries = {redact.session_key(str(key)): counters_json(entry, redact) for key, entry in value.items()}
    files.json(target, entries)


def counters_json(value: object, redact: Redactor) -> dict[str, Any]:
    """Return one entry of counters with what the reader uses."""
    entry = read.mapping(value)
    status, report = read.mapping(entry.get("contextBudgetStatus")), read.mapping(entry.get("systemPromptReport"))
    system, tools = read.mapping(report.get("systemPrompt")), read.mapping(report.get("tools"))
    names = {key: redact.name(read.name(entry.get(key))) for key in ("modelOverride", "providerOverride")}
    fresh = entry.get("totalTokensFresh")
    found = {
        "sessionId": redact.session(read.name(entry.get("sessionId"))),
        "updatedAt": _time(entry.get("updatedAt")),
        **{key: read.number(entry.get(key)) for key in _NUMBERS},
        "totalTokensFresh": fresh if isinstance(fresh, bool) else None,
        **names,
        "contextBudgetStatus": _estimate(status, redact) or None,
        "systemPromptReport": {
            "systemPrompt": {"chars": read.number(system.get("chars"))},
            "tools": {"schemaChars": read.number(tools.get("schemaChars"))},
        },
    }
    return {key: item for key, item in found.items() if item not in (None, "")}


def _estimate(status: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    if not status:
        return {}
    names = {key: redact.name(read.name(status.get(key))) for key in ("provider", "model")}
    tokens = read.number(status.get("estimatedPromptTokens"))
    route = {"route": SENT_AS_IT_WAS} if read.name(status.get("route")) == SENT_AS_IT_WAS else {}
    return {"updatedAt": _time(status.get("updatedAt")), "estimatedPromptTokens": tokens, **route, **names}


def _time(value: object) -> str | None:
    time = read.moment(value)
    return None if time is None else time.isoformat()


def write_transcript(source: Path, target: str, files: BundleFiles) -> None:
    """Write a transcript with one short line for each line of the original, so that line numbers hold."""
    try:
        with source.open("rb", buffering=2**20) as stream, files.open(target) as out:
            version = None
            for _, size, raw, whole in read_lines(stream):
                entry = _entry(size, raw, whole)
                version = entry.version if isinstance(entry, Header) else version
                out.write(b"\n" if whole and raw.isspace() else _line(entry, version, files.redact) + b"\n")
    except OSError as error:
        files.unreadable(source, error)


def _entry(size: int, raw: bytes, whole: bool) -> Entry:
    """Return the entry of a line; one too long to be read counts as its bytes, as the reader has it."""
    if whole:
        return entry_of(read.parse(raw))
    return Input(None, b'"role":"user"' in raw[:400], size) if b'"message"' in raw[:400] else Damaged()


def _line(entry: Entry, version: int | None, redact: Redactor) -> bytes:
    if isinstance(entry, Damaged):
        redact.drop("damaged lines of transcripts (kept as damaged)")
        return DAMAGED.encode()
    return compact(entry_json(entry, version, redact))


def compact(value: object) -> bytes:
    """Return JSON in one line."""
    return json.dumps(value, separators=(",", ":")).encode()


def write_store(source: Path, target: str, files: BundleFiles) -> None:
    """Write the store with the three tables that the reader asks, reduced row by row."""
    try:
        with store_rows(source) as rows, _new_store(files.place(target)) as store:
            # Numbers in the order of the names: sessions then keep their order.
            for name in rows.sessions():
                files.redact.session(name)
            store.executemany("INSERT INTO session_nodes VALUES (?, ?)", _nodes(rows, files.redact))
            store.executemany("INSERT INTO transcript_events VALUES (?, ?, ?)", _events(rows, files.redact))
            store.executemany("INSERT INTO trajectory_runtime_events VALUES (?, ?, ?)", _trajectory(rows, files.redact))
            store.commit()
    except (OSError, sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError) as error:
        files.unreadable(source, error)


@contextlib.contextmanager
def _new_store(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as store:
        store.executescript(_TABLES)
        yield store


def _nodes(rows: StoreRows, redact: Redactor) -> Iterator[tuple[str, str]]:
    for key, raw in rows.nodes():
        yield redact.session_key(key), compact(counters_json(read.parse(raw or b""), redact)).decode()


def _events(rows: StoreRows, redact: Redactor) -> Iterator[tuple[str, int, str]]:
    versions: dict[str, int | None] = {}
    for session, seq, raw in rows.events():
        entry = entry_of(read.parse(raw)) if raw is not None else Damaged()
        if isinstance(entry, Header):
            versions[session] = entry.version
        yield redact.session(session), seq, _line(entry, versions.get(session), redact).decode()


def _trajectory(rows: StoreRows, redact: Redactor) -> Iterator[tuple[str, int, str]]:
    for session, seq, raw in rows.trajectory():
        if raw is None or not is_wanted(raw):
            continue
        value = trajectory_json(read.mapping(read.parse(raw)), redact)
        if value is not None:
            yield redact.session(session), seq, compact(value).decode()
