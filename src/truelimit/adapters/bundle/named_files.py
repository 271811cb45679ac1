"""Files that the user named with --log, --session and --model-file, told apart by content as their readers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.session_counters import LARGEST_FILE
from truelimit.adapters.agents.openclaw.session_file import is_rows
from truelimit.adapters.agents.openclaw.sqlite_store import MAGIC
from truelimit.adapters.agents.openclaw.transcript_lines import entry_of, read_lines
from truelimit.adapters.bundle.files import STATE, BundleFiles
from truelimit.adapters.bundle.model_headers import copy_header
from truelimit.adapters.bundle.openclaw_entries import entry_json, trajectory_json
from truelimit.adapters.bundle.openclaw_logs import write_log
from truelimit.adapters.bundle.openclaw_sessions import (
    compact,
    counters_json,
    write_counters,
    write_store,
    write_transcript,
)
from truelimit.adapters.bundle.server_logs import write_server_log
from truelimit.adapters.files.gguf.error import GgufError
from truelimit.domain.message import said

_SNIFFED = 65_536


def write_logs(paths: tuple[Path, ...], files: BundleFiles) -> None:
    """Write logs of servers or of OpenClaw."""
    for number, path in enumerate(paths, 1):
        is_servers = write_server_log(path, f"{STATE}/logs/server-{number:03}.log", files) is not None
        if not is_servers and not write_log(path, f"{STATE}/logs/openclaw-{number:03}.log", files):
            files.unreadable(path, ValueError(said("not recognised")))


def write_session_files(paths: tuple[Path, ...], files: BundleFiles) -> None:
    """Write transcripts, stores, counters and decoded rows."""
    for number, path in enumerate(paths, 1):
        try:
            with path.open("rb") as stream:
                head = stream.read(_SNIFFED)
        except OSError as error:
            files.unreadable(path, error)
            continue
        target = f"{STATE}/sessions/named-{number:03}"
        first = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if head.startswith(MAGIC):
            write_store(path, f"{target}.sqlite", files)
        elif first.startswith(b"["):
            _write_node_rows(path, f"{target}.json", files)
        elif first.startswith((b"{\n", b"{\r\n")):
            write_counters(path, f"{target}.json", files)
        elif is_rows(head):
            _write_rows(path, f"{target}.jsonl", files)
        else:
            write_transcript(path, f"{target}.jsonl", files)


def _write_node_rows(source: Path, target: str, files: BundleFiles) -> None:
    value = read.parse(source.read_bytes()) if source.stat().st_size <= LARGEST_FILE else None
    rows = [read.mapping(row) for row in value] if isinstance(value, list) else []
    redact = files.redact
    files.json(
        target,
        [
            {
                "session_key": redact.session_key(read.name(row.get("session_key"))),
                "entry": counters_json(row.get("entry"), redact),
            }
            for row in rows
        ],
    )


def _write_rows(source: Path, target: str, files: BundleFiles) -> None:
    with source.open("rb") as stream, files.open(target) as out:
        for _, _, raw, whole in read_lines(stream):
            out.write((compact(_row(raw, files)) if whole and not raw.isspace() else b"") + b"\n")


def _row(raw: bytes, files: BundleFiles) -> dict[str, Any]:
    row = read.mapping(read.parse(raw))
    event = row.get("event", row)
    if read.mapping(event).get("traceSchema") is not None:
        found = trajectory_json(read.mapping(event), files.redact) or {}
        return {"session_id": found.get("sessionId", ""), "event": found}
    session = read.name(row.get("session_id"))
    version = read.number(read.mapping(event).get("version"))
    return {"session_id": files.redact.session(session), "event": entry_json(entry_of(event), version, files.redact)}


def write_model_files(paths: tuple[Path, ...], files: BundleFiles) -> None:
    """Write the headers of model files, and how large the files are."""
    sizes: dict[str, int] = {}
    for path in paths:
        name = files.redact.path(str(path)).rpartition("/")[2]
        target = f"{STATE}/models/{name}"
        try:
            header = copy_header(path, files.place(target), files.redact)
        except (GgufError, ValueError, OSError) as error:
            files.forget(target)
            files.unreadable(path, error)
            continue
        sizes[name] = header.file_bytes or 0
    if sizes:
        files.json(f"{STATE}/models.json", sizes)
