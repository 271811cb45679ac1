"""OpenClaw's logs written anew: only lines that tell of a failed call, with their numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.log_calls import Line
from truelimit.adapters.agents.openclaw.log_lines import SNIFFED, feed_lines, is_openclaw_log
from truelimit.adapters.bundle.error_text import reduced
from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.openclaw_sessions import compact
from truelimit.adapters.bundle.redact import Redactor

_FIELD = re.compile(r"(\w{1,40})=(\S{1,400})")
_RETRY = re.compile(r"transient (same-model retry|retry window elapsed).{0,20}? for (\S{1,200})")
_REASON = re.compile(r"reason=(\w{1,40})")
_BLOCKED = re.compile(r"blocked model \(context window too small\): (\S{1,200}) ctx=(\d{1,9})")
_REFS, _COUNTS = ("provider", "model"), ("timeoutMs", "estimatedPromptTokens", "observedTokens", "elapsedMs")
_MARKS = ("[context-overflow-precheck]", "embedded run timeout", "[context-overflow-diag]", "embedded run agent end")
_MODEL_PATHS = ("/api/chat", "/api/generate", "/completions", "/responses", "/messages")
_DAMAGED = b'{"embedded run timeout\n'
_EVENTS = ("embedded_run_agent_end", "embedded_run_failover_decision")


def write_log(source: Path, target: str, files: BundleFiles) -> bool:
    """Write what a log of OpenClaw tells; returns False, and writes nothing, for a file that is no such log."""
    redact = files.redact
    try:
        with source.open("rb", buffering=2**20) as stream:
            if not is_openclaw_log(stream.read(SNIFFED)):
                return False
            stream.seek(0)
            with files.open(target) as out:
                _, damaged = feed_lines(lambda line: _write(out, line, redact), stream, source)
                out.write(_DAMAGED * damaged)
    except OSError as error:
        files.unreadable(source, error)
    redact.drop("logs of OpenClaw (all lines that tell of no failed call)")
    return True


def _write(out: BinaryIO, line: Line, redact: Redactor) -> None:
    out.write(compact(_reduced(line, redact)) + b"\n")


def _reduced(line: Line, redact: Redactor) -> dict[str, Any]:
    fields = _fields(line.fields, redact)
    trace = {"traceId": f"trace-{redact.number('traces', line.trace)}"} if line.trace else {}
    parts: dict[str, Any] = {"1": fields, "2": _text(line, redact)} if fields else {"1": _text(line, redact)}
    return {"time": line.time.isoformat(), "_meta": {}, **parts, **trace}


def _fields(fields: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    found: dict[str, Any] = {key: fields[key] for key in ("isError", "timedOut") if isinstance(fields.get(key), bool)}
    found |= {key: number for key in ("timeoutMs", "elapsedMs") if (number := read.number(fields.get(key))) is not None}
    found |= {key: redact.name(name) for key in _REFS if (name := read.name(fields.get(key)))}
    found |= {key: reduced(text) for key in ("error", "rawErrorPreview") if (text := read.words(fields.get(key)))}
    if fields.get("event") in _EVENTS:
        found["event"] = fields["event"]
    if url := read.words(fields.get("url")):
        found["url"] = _url(url, redact)
    return found


def _url(url: str, redact: Redactor) -> str:
    path = url.partition("?")[0].rstrip("/")
    end = next((end for end in _MODEL_PATHS if path.endswith(end)), "/other")
    return redact.url(url).removesuffix("/v1") + end


def _text(line: Line, redact: Redactor) -> str:
    """Return the message in the form that its reader looks for, with the fields that it reads."""
    text = line.text
    if (retry := _RETRY.search(text)) is not None:
        reason = _REASON.search(text)
        told = f" reason={reason[1]}" if reason and reason[1] in {"timeout", "rate_limit", "unknown"} else ""
        return f"transient {retry[1]} for {redact.name(retry[2].rstrip(';,:'))}{told}"
    if (blocked := _BLOCKED.search(text)) is not None:
        return f"blocked model (context window too small): {redact.name(blocked[1])} ctx={blocked[2]}"
    named = _named(text.partition(" error=")[0], redact)
    if "fetch timeout" in text:
        url = _FIELD.search(text[text.find("url=") :]) if "url=" in text else None
        told = f" url={_url(url[2], redact)}" if url and url[1] == "url" else ""
        known = reduced(text)
        return f"{known if 'fetch timeout' in known else 'fetch timeout'}{named}{told}"
    mark = next((mark for mark in _MARKS if mark in text), "")
    if not mark:
        return ""
    error = text.partition(" error=")[2]
    return f"{mark}:{named}" + (f" error={reduced(error)}" if error else "")


def _named(text: str, redact: Redactor) -> str:
    """Return the fields in a text, as `` key=value`` each."""
    found = []
    for key, value in _FIELD.findall(text[:4000]):
        if key in _COUNTS and value.isascii() and value.isdecimal():
            found.append(f"{key}={value}")
        elif key in _REFS:
            found.append(f"{key}={redact.name(value.rstrip(';,:'))}")
        elif key == "isError" and value in {"true", "false"}:
            found.append(f"{key}={value}")
        elif key == "sessionId":
            found.append(f"{key}={redact.session(read.name(value))}")
        elif key == "sessionKey":
            found.append(f"{key}={redact.session_key(value)}")
        elif key == "sessionFile" and value.endswith(".jsonl"):
            name = value.replace("\\", "/").rpartition("/")[2].removesuffix(".jsonl")
            found.append(f"{key}={redact.session(name)}.jsonl")
    return "".join(f" {item}" for item in found)
