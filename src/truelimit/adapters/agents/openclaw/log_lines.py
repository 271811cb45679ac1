"""OpenClaw's log files: JSON lines (tslog) and the plain lines that a service keeps of the console.

JSON: ``"0"`` holds the subsystem, ``"1"`` a message or fields, ``"2"`` a message after fields; September adds
``message``, an offset in ``time``, and ``traceId``. Plain: time, [subsystem], message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.call_merge import LOG_MARK
from truelimit.adapters.agents.openclaw.log_calls import Line, LogCalls
from truelimit.adapters.agents.openclaw.transcript import AGENT
from truelimit.adapters.agents.openclaw.transcript_lines import read_lines
from truelimit.app.ports import Evidence
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.domain.session import Call, Session

SNIFFED = 65_536
# Plain searches: several times as fast as one pattern of alternatives, and most of a log is passed over.
_WANTED = (
    b"embedded run timeout",
    b"embedded run agent end",
    b"embedded_run_",
    b"[context-overflow-",
    b"fetch timeout",
    b"blocked model (context",
    b"transient same-model retry",
    b"transient retry window",
)
_PLAIN = re.compile(rb"(\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:\d\d)) \[[\w/-]{1,60}\] (.*)", re.DOTALL)


def read_log_file(path: Path) -> Evidence:
    """Return the failed calls that a log of OpenClaw tells of, grouped by session. Never raises.

    A file that is no such log gives nothing: another reader may know it.
    """
    log = LogCalls()
    try:
        if not path.is_file():
            return Evidence(missing=(Missing(said("calls in the log"), said("{path}: no such file", path=path)),))
        with path.open("rb", buffering=2**20) as stream:
            if not is_openclaw_log(stream.read(SNIFFED)):
                return Evidence()
            stream.seek(0)
            lines, damaged = feed_lines(log.feed, stream, path)
    except OSError as error:
        return Evidence(
            missing=(Missing(said("calls in the log"), f"{path}: {error.strerror or type(error).__name__}"),)
        )
    return _evidence(path, log, lines, damaged)


def is_openclaw_log(head: bytes) -> bool:
    """Return whether the first bytes of a file hold a line of OpenClaw's log."""
    return any(_is_json_line(line) or _PLAIN.match(line) for line in head.split(b"\n")[:50])


def _is_json_line(line: bytes) -> bool:
    value = read.mapping(read.parse(line)) if line.startswith(b"{") else {}
    return "_meta" in value and ("time" in value or "0" in value)


def feed_lines(take: Callable[[Line], None], stream: BinaryIO, path: Path) -> tuple[int, int]:
    """Give all lines that may tell something to ``take``; return how many lines there were and how many damaged."""
    number = damaged = 0
    for number, (_, _, raw, whole) in enumerate(read_lines(stream), 1):
        if not any(words in raw for words in _WANTED):
            continue
        line = _line(raw, f"{path}: {LOG_MARK} {number}") if whole else None
        if line is None:
            damaged += 1
        else:
            take(line)
    return number, damaged


def _line(raw: bytes, where: str) -> Line | None:
    plain = _PLAIN.match(raw)
    if plain is not None:
        time = read.moment(plain.group(1).decode("ascii", "replace"))
        return Line(time, plain.group(2).decode("utf-8", "replace").strip(), {}, "", where) if time else None
    value = read.parse(raw)
    return _json_line(value, where) if isinstance(value, dict) else None


def _json_line(value: Mapping[str, Any], where: str) -> Line | None:
    time = read.moment(value.get("time")) or read.moment(read.mapping(value.get("_meta")).get("date"))
    if time is None:
        return None
    parts = [value.get(key) for key in ("1", "0", "2")]
    fields = next((part for part in parts if isinstance(part, dict)), {})
    texts = [part for part in (value.get("message"), *parts) if isinstance(part, str) and not part.startswith('{"')]
    return Line(time, texts[0] if texts else "", fields, read.name(value.get("traceId")), where)


def _evidence(path: Path, log: LogCalls, lines: int, damaged: int) -> Evidence:
    by_session: dict[str, list[Call]] = {}
    for call in log.calls:
        by_session.setdefault(call.session, []).append(call)
    sessions = tuple(Session(name or path.name, AGENT, str(path), tuple(calls)) for name, calls in by_session.items())
    rest = said(", {damaged} damaged", damaged=damaged) if damaged else ""
    rest += (
        said(", {without_model} timeouts that name no model", without_model=log.without_model)
        if log.without_model
        else ""
    )
    return Evidence(
        sessions=sessions,
        examined=(
            said(
                "{path}: {calls} failed calls in {lines} lines{rest}",
                path=path,
                calls=len(log.calls),
                lines=lines,
                rest=rest,
            ),
        ),
    )
