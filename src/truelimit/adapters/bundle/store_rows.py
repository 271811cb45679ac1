"""The rows of OpenClaw's SQLite store, as the bundle takes them over: streamed, bounded, read-only."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.sqlite_store import columns_of, opened_store, unpacked


@dataclass(frozen=True, slots=True)
class StoreRows:
    """The three tables of an open store. Each method raises sqlite3.Error as the database does."""

    connection: sqlite3.Connection

    def sessions(self) -> Iterator[str]:
        """Yield the names of the sessions that have a transcript, in order."""
        if "session_id" in columns_of(self.connection, "transcript_events"):
            query = "SELECT DISTINCT session_id FROM transcript_events ORDER BY session_id"
            yield from (_name(row[0]) for row in self.connection.execute(query))

    def nodes(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield (session key, entry) of ``session_nodes``."""
        if {"session_key", "entry_json"} <= columns_of(self.connection, "session_nodes"):
            for key, raw in self.connection.execute("SELECT session_key, entry_json FROM session_nodes"):
                yield _text(key), raw if isinstance(raw, bytes) else None

    def events(self) -> Iterator[tuple[str, int, bytes | None]]:
        """Yield (session, number, entry) of ``transcript_events``, packed entries unpacked; None for a damaged one."""
        columns = columns_of(self.connection, "transcript_events")
        if not {"session_id", "seq", "event_json"} <= columns:
            return
        packed = "event_zstd" if "event_zstd" in columns else "NULL"
        query = f"SELECT session_id, seq, event_json, {packed} FROM transcript_events ORDER BY session_id, seq"  # noqa: S608
        for session, seq, plain, blob in self.connection.execute(query):
            yield _name(session), _whole(seq), plain if isinstance(plain, bytes) else unpacked(blob)

    def trajectory(self) -> Iterator[tuple[str, int, bytes | None]]:
        """Yield (session, number, event) of ``trajectory_runtime_events``."""
        if {"session_id", "seq", "event_json"} <= columns_of(self.connection, "trajectory_runtime_events"):
            query = "SELECT session_id, seq, event_json FROM trajectory_runtime_events ORDER BY session_id, seq"
            for session, seq, raw in self.connection.execute(query):
                yield _name(session), _whole(seq), raw if isinstance(raw, bytes) else None


@contextlib.contextmanager
def store_rows(path: Path) -> Iterator[StoreRows]:
    """Yield the rows of a store. Raises OSError or sqlite3.Error when it cannot be opened."""
    with opened_store(path, []) as connection:
        yield StoreRows(connection)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _name(value: object) -> str:
    return read.name(_text(value))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
