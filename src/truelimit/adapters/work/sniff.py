"""Tells by its content what kind of record a file is."""

from __future__ import annotations

from pathlib import Path

from truelimit.adapters.agents.openclaw.sqlite_store import MAGIC, columns_of, opened_store
from truelimit.adapters.files.server_log import read_server_log
from truelimit.adapters.work import opencode_log, table
from truelimit.domain.provenance import Missing

_SNIFFED = 1 << 18


def reader_of(path: Path) -> str | None:
    """Return the name of the reader for a file, or None where nothing knows it. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(_SNIFFED)
    if head.startswith(MAGIC):
        return _of_database(path)
    if table.is_table(path, head):
        return "table"
    found = _of_text(head)
    if found is None and any(mark in head for mark in opencode_log.MARKS):
        return "opencode-log"
    if found is None and read_server_log(path).kind is not None:
        return "server-log"
    if found is None and table.resembles_table(path, head):
        return "table"
    return found


def _of_database(path: Path) -> str | None:
    import sqlite3

    missing: list[Missing] = []
    try:
        with opened_store(path, missing) as connection:
            kinds = {"activity": "llama-swap", "part": "opencode", "transcript_events": "openclaw"}
            return next((name for of, name in kinds.items() if columns_of(connection, of)), None)
    except (sqlite3.Error, OSError, UnicodeDecodeError):
        return None


def _of_text(head: bytes) -> str | None:
    text = head.replace(b'": ', b'":')
    if b'"traceSchema"' in text or (b'"session_id"' in text and b'"event":{' in text):
        return "openclaw"
    if b'"type":"session"' in text and b'"version"' in text:
        return "openclaw" if b"openclaw" in text or b'"model-snapshot"' in text else "pi"
    if b'"payload":{' in text and b'"timestamp"' in text:
        return "codex"
    if b'"parentUuid"' in text and b'"sessionId"' in text:
        return "qwen-code" if b'"provenance"' in text or b'"systemPayload"' in text else "claude-code"
    if b'"api_req_started"' in text or (b'"messages"' in text and b'"sessionId"' in text):
        return "cline"
    return None
