"""Transcript entries and trajectory events written anew: times, names, counts, kinds of errors, lengths of texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.transcript_lines import (
    Answer,
    Compaction,
    Entry,
    Header,
    Input,
    ModelChosen,
    PromptError,
    cached_count,
    prompt_count,
    text_chars,
)
from truelimit.adapters.bundle.error_text import reduced
from truelimit.adapters.bundle.redact import Redactor

DAMAGED = "!"
_STOPS = ("stop", "toolUse", "length", "error", "aborted")
_LABELS = ("aborted", "externalAbort", "timedOut", "idleTimedOut", "timedOutByRunBudget", "timedOutDuringCompaction")
_LONGEST_SUMMARY = 65_536


def entry_json(entry: Entry, version: int | None, redact: Redactor) -> dict[str, Any]:
    """Return an entry that the reader takes for the same one. What tells nothing about calls becomes ``{}``."""
    match entry:
        case Header():
            return _header(entry, redact)
        case ModelChosen():
            data = _without_empty(
                provider=redact.name(entry.provider), modelId=redact.name(entry.model), modelApi=redact.name(entry.api)
            )
            return {**_start("custom", entry.time), "customType": "model-snapshot", "data": data}
        case Input():
            redact.drop("messages of users and results of tools (their text)")
            role = "user" if entry.from_user else "toolResult"
            return {**_start("message", entry.time), "message": {"role": role, "content": length(entry.chars or 0)}}
        case PromptError():
            data = {"error": reduced(entry.error, version)}
            return {**_start("custom", entry.time), "customType": "openclaw:prompt-error", "data": data}
        case Compaction():
            return _compaction(entry, redact)
        case Answer():
            return {**_start("message", entry.time), "message": _answer(entry, version, redact)}
    return {}


def _start(kind: str, time: datetime | None) -> dict[str, Any]:
    return _without_empty(type=kind, timestamp=stamp(time))


def _header(entry: Header, redact: Redactor) -> dict[str, Any]:
    copied = {"parentSession": "(removed)"} if entry.copied else {}
    found = _without_empty(version=entry.version, id=redact.session(entry.session))
    return {**_start("session", entry.time), **found, **copied}


def _compaction(entry: Compaction, redact: Redactor) -> dict[str, Any]:
    redact.drop("summaries of conversations (their text)")
    kept: dict[str, Any] = {"tokensAfter": entry.tokens_after}
    if entry.tokens_after is None:
        # The reader counts the characters of a summary: dots, which a zip folds to nothing, stand for them.
        kept = {"summary": "." * min(entry.summary_chars, _LONGEST_SUMMARY)}
    return {**_start("compaction", entry.time), **kept}


def _answer(entry: Answer, version: int | None, redact: Redactor) -> dict[str, Any]:
    redact.drop("answers of models (their text and tool calls)")
    return {
        "role": "assistant",
        **_without_empty(
            timestamp=stamp(entry.clock),
            provider=redact.name(entry.provider),
            model=redact.name(entry.model),
            api=redact.name(entry.api),
            stopReason=entry.stop if entry.stop in _STOPS else "",
            errorMessage=reduced(entry.error, version),
        ),
        "usage": _usage(entry.prompt, entry.cached, entry.output),
    }


def _usage(prompt: int, cached: int | None, output: int | None) -> dict[str, Any]:
    """Return counts in a form that is read back to the token, whatever form they had."""
    counted = {"contextUsage": {"state": "available", "promptTokens": prompt}} if prompt else {}
    told = {} if cached is None else {"cacheRead": cached, "cacheTelemetry": {"state": "available"}}
    return {**counted, **told, **({} if output is None else {"output": output})}


def length(chars: int) -> object:
    """Return content in the form that the agent itself uses for a text that it had cut: only its length."""
    return {"truncated": True, "originalChars": chars} if chars else []


def stamp(time: datetime | None) -> str:
    """Return a time as the readers take it; empty for none."""
    return time.isoformat() if time is not None else ""


def _without_empty(**members: object) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value not in (None, "")}


def trajectory_json(event: Mapping[str, Any], redact: Redactor) -> dict[str, Any] | None:
    """Return a trajectory event with what the reader uses, or None for one of a kind that it passes over."""
    kind, session = event.get("type"), read.name(event.get("sessionId"))
    if not session or kind not in {"prompt.submitted", "model.completed"}:
        return None
    data = read.mapping(event.get("data"))
    run = read.name(event.get("runId"))
    head = _without_empty(
        type=kind,
        sessionId=redact.session(session),
        runId=f"run-{redact.number('runs', run)}" if run else "",
        ts=stamp(read.moment(event.get("ts"))),
        **{key: redact.name(read.name(event.get(key))) for key in ("provider", "modelId", "modelApi")},
    )
    body = _submitted(data, redact) if kind == "prompt.submitted" else _completed(data)
    return {"traceSchema": 1, **head, "data": body}


def _submitted(data: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    redact.drop("prompts as they were sent (their text)")
    chars = {part: text_chars(data.get(part), 4) for part in ("systemPrompt", "prompt", "messages")}
    return {part: length(count) for part, count in chars.items()}


def _completed(data: Mapping[str, Any]) -> dict[str, Any]:
    usage = read.mapping(read.mapping(data.get("promptCache")).get("lastCallUsage"))
    usage = usage or read.mapping(data.get("usage"))
    stop = data.get("stopReason")
    return {
        **{key: True for key in _LABELS if data.get(key) is True},
        **({"stopReason": stop} if stop in _STOPS else {}),
        **_without_empty(promptError=reduced(_error(data))),
        "usage": _usage(prompt_count(usage), cached_count(usage), read.number(usage.get("output"))),
    }


def _error(data: Mapping[str, Any]) -> str:
    """Return the error's text, which may stand in the last message of the snapshot (the snapshot is left out)."""
    text = read.words(data.get("promptError"))
    messages = data.get("messagesSnapshot")
    if text or not isinstance(messages, list) or not messages:
        return text
    return read.words(read.mapping(messages[-1]).get("errorMessage"))
