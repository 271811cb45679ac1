"""Builds an OpenClaw store of September 2026 from its own DDL and decoded rows."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import zstandard

SAMPLES = Path(__file__).parents[1] / "samples" / "openclaw"
SEPTEMBER = SAMPLES / "2026.9.6"
_TABLES = ("session_nodes", "session_windows", "transcript_events", "trajectory_runtime_events")


def build_store(path: Path, *names: str, wal: bool = False, pack: bool = False) -> sqlite3.Connection:
    """Write the rows of the named samples to a new store, and return the open connection."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    if sqlite3.sqlite_version_info < (3, 43):
        connection.create_function("octet_length", 1, lambda text: len(text.encode()), deterministic=True)
    if wal:
        connection.execute("PRAGMA journal_mode = wal")
    for statement in (SEPTEMBER / "agent-sqlite-ddl.sql").read_text(encoding="utf-8").split("\n\n"):
        made = statement[statement.find("CREATE") :]
        if made.startswith(tuple(f"CREATE TABLE {table} " for table in _TABLES)):
            connection.execute(made)
    for name in names:
        _fill(connection, name, pack)
    connection.commit()
    return connection


def _fill(connection: sqlite3.Connection, name: str, pack: bool) -> None:
    for node in json.loads((SEPTEMBER / f"{name}-session_nodes.json").read_text(encoding="utf-8")):
        values = (node["session_key"], node["current_session_id"], json.dumps(node["entry"]))
        connection.execute(
            "INSERT INTO session_nodes (session_key, current_session_id, entry_json, updated_at) VALUES (?, ?, ?, 0)",
            values,
        )
    for row in _rows(f"{name}-transcript_events.jsonl"):
        text = json.dumps(row["event"], ensure_ascii=False)
        plain, packed = (None, zstandard.compress(text.encode())) if pack else (text, None)
        navigation = _NAVIGATION if pack else None
        values = (
            row["session_id"],
            row["seq"],
            plain,
            row["created_at"],
            packed,
            len(text) if pack else None,
            navigation,
        )
        connection.execute("INSERT INTO transcript_events VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    for row in _rows(f"{name}-trajectory.jsonl"):
        values = (
            row["session_id"],
            row["seq"],
            row["event"].get("runId"),
            json.dumps(row["event"], ensure_ascii=False),
        )
        connection.execute("INSERT INTO trajectory_runtime_events VALUES (?, ?, ?, ?, 0)", values)


def _rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (SEPTEMBER / name).read_text(encoding="utf-8").splitlines()]


_NAVIGATION = json.dumps(
    {
        "version": 1,
        "report": {"kind": "canonical"},
        "navigation": {},
        "reset": {},
        "model": {},
        "modelBytes": 0,
        "modelWithoutCheckpointBytes": 0,
        "withoutCustomDataBytes": 0,
    }
)
