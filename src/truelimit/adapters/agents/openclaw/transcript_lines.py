"""Transcript entries: what a line of a session file, or a row of a store, tells. Text is measured, never kept.

Format of OpenClaw 2026.2.17 (version 3) and 2026.9.6 (version 4): a header, then entries of which each has ``type``,
``timestamp`` (when it was written) and, for messages, ``message.timestamp`` (when the message object was made).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from truelimit.adapters.agents.openclaw import json_values as read

LONGEST_LINE = 8 * 2**20
PREFIX = 4096


@dataclass(frozen=True, slots=True)
class Header:
    """The first entry. ``copied`` is True for a fork, whose older entries were copied from another session."""

    time: datetime | None
    session: str
    version: int | None
    copied: bool = False


@dataclass(frozen=True, slots=True)
class ModelChosen:
    """The model in use from here on."""

    time: datetime | None
    provider: str
    model: str
    api: str


@dataclass(frozen=True, slots=True)
class Input:
    """Something that the next prompt holds: a message of the user, a tool's result, a note.

    ``chars`` are characters of text; None: still to be measured at ``span`` (offset, length) of the file.
    ``exact`` is False when some of it could not be measured.
    """

    time: datetime | None
    from_user: bool
    chars: int | None
    span: tuple[int, int] | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant message: one model call. ``clock`` is message.timestamp; token counts are 0 when none was given."""

    time: datetime | None
    clock: datetime | None
    provider: str
    model: str
    api: str
    stop: str
    error: str
    prompt: int = 0
    cached: int | None = None
    output: int = 0


@dataclass(frozen=True, slots=True)
class Compaction:
    """History was replaced by a summary of ``summary_chars`` characters."""

    time: datetime | None
    tokens_after: int | None
    summary_chars: int


@dataclass(frozen=True, slots=True)
class PromptError:
    """The agent notes that a prompt failed, just before it writes the assistant message in its place."""

    time: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Other:
    """An entry that tells nothing about calls."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line that is no entry: half-written, too long, or no JSON object."""


Entry = Header | ModelChosen | Input | Answer | Compaction | PromptError | Other | Damaged


def read_lines(stream: BinaryIO, offset: int = 0) -> Iterator[tuple[int, int, bytes, bool]]:
    """Yield (offset, length, bytes, whole) for each line of a stream that stands at ``offset``, holding at most 8 MiB.

    ``whole`` is False for a longer line: its first 4 KiB are given and the rest is passed over.
    """
    while line := stream.readline(LONGEST_LINE):
        length = len(line)
        whole = length < LONGEST_LINE or line.endswith(b"\n")
        if not whole:
            line = line[:PREFIX]
            length += _pass_over(stream)
        yield offset, length, line, whole
        offset += length


def _pass_over(stream: BinaryIO) -> int:
    passed = 0
    while rest := stream.readline(LONGEST_LINE):
        passed += len(rest)
        if rest.endswith(b"\n"):
            break
    return passed


def measure(path: Path, spans: list[tuple[int, int]]) -> int:
    """Return the characters of text in the inputs at ``spans`` of a file.

    A line that is too long or no JSON counts as one character a byte. Raises OSError.
    """
    total = 0
    with path.open("rb") as stream:
        for offset, length in spans:
            stream.seek(offset)
            entry = entry_of(read.parse(stream.read(length))) if length <= LONGEST_LINE else Damaged()
            total += entry.chars or 0 if isinstance(entry, Input) else length
    return total


def entry_of(value: object) -> Entry:
    """Return what one decoded entry tells. Fields of a wrong type count as absent."""
    if not isinstance(value, dict):
        return Damaged()
    time = read.moment(value.get("timestamp"))
    match value.get("type"):
        case "message":
            return _message(time, read.mapping(value.get("message")))
        case "session":
            copied = isinstance(value.get("parentSession"), str)
            return Header(time, read.name(value.get("id")), read.number(value.get("version")), copied)
        case "model_change":
            return ModelChosen(time, read.name(value.get("provider")), read.name(value.get("modelId")), "")
        case "custom":
            return _custom(time, value.get("customType"), read.mapping(value.get("data")))
        case "custom_message" | "branch_summary":
            return Input(time, from_user=False, chars=text_chars(value.get("content") or value.get("summary")))
        case "compaction":
            after = read.number(value.get("tokensAfter"))
            return Compaction(time, after, len(read.words(value.get("summary"))))
    return Other()


def _custom(time: datetime | None, kind: object, data: Mapping[str, Any]) -> Entry:
    if kind == "openclaw:prompt-error":
        return PromptError(time, read.words(data.get("error")))
    if kind == "model-snapshot":
        names = (read.name(data.get(key)) for key in ("provider", "modelId", "modelApi"))
        return ModelChosen(time, *names)
    return Other()


def _message(time: datetime | None, message: Mapping[str, Any]) -> Entry:
    role = message.get("role")
    if not isinstance(role, str):
        return Damaged()
    if role != "assistant":
        return Input(time, role == "user", text_chars(message.get("content")))
    usage = read.mapping(message.get("usage"))
    return Answer(
        time,
        read.moment(message.get("timestamp")),
        read.name(message.get("provider")),
        read.name(message.get("model")),
        read.name(message.get("api")),
        read.name(message.get("stopReason")),
        read.words(message.get("errorMessage")) or read.words(message.get("errorBody")),
        prompt_count(usage),
        cached_count(usage),
        read.number(usage.get("output")) or 0,
    )


def prompt_count(usage: Mapping[str, Any]) -> int:
    """Return the tokens of the whole prompt, cached part included: what the provider counted, else the sum; else 0."""
    whole = read.mapping(usage.get("contextUsage"))
    counted = read.number(whole.get("promptTokens")) if whole.get("state") == "available" else None
    if counted:
        return counted
    fresh, cached, kept = (usage.get("input"), usage.get("cacheRead"), usage.get("cacheWrite"))
    return (read.number(fresh) or 0) + (read.number(cached) or 0) + (read.number(kept) or 0)


def cached_count(usage: Mapping[str, Any]) -> int | None:
    """Return the cached tokens, or None: a 0 is written as well where the server does not tell."""
    cached = read.number(usage.get("cacheRead"))
    told = read.mapping(usage.get("cacheTelemetry")).get("state") == "available"
    return cached if cached or told else None


def text_chars(content: object, depth: int = 3) -> int:
    """Return the characters of text in a message's content. Images and tool details count nothing.

    A text that the agent had cut (``{"truncated": true, "originalChars": N}``) counts with its original length.
    """
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list) and depth:
        return sum(text_chars(part, depth - 1) for part in content)
    if isinstance(content, dict) and depth:
        original = read.number(content.get("originalChars"))
        return original or sum(text_chars(content.get(key), depth - 1) for key in ("text", "content"))
    return 0
