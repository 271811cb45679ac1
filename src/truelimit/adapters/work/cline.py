"""Cline's sessions ``~/.cline/data/sessions/ID/ID.messages.json`` (3.0.65), and tasks of its older extension.

An answer's ``metrics.inputTokens`` is the whole prompt in the new form; where more was read from a cache than that,
it was left out, and the prompt is the sum. In the older form (``ui_messages.json``, Roo Code's too) ``tokensIn``
leaves out what was read from or written to a cache. The files are rewritten at each step, so they are read whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.talk import Counts, Talk
from truelimit.adapters.work.values import instant, mapping, name, number, words
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import MIB

SOURCE = "cline"
LARGEST = 256 * MIB


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the calls of one session file of either form. Never raises."""
    _ = memory
    value, why = _value(path)
    if why:
        return Reading(damaged=1, missing=(Missing("session", f"{path}: {why}"),))
    found: dict[str, WorkRequest] = {}
    requests = _old(value, path, context) if isinstance(value, list) else _new(mapping(value), path, context)
    for item in requests:
        found[item.id] = item
    return Reading(list(found.values()))


def _value(path: Path) -> tuple[Any, str]:
    try:
        if path.stat().st_size > LARGEST:
            return None, f"larger than {LARGEST // MIB} MiB"
        return json.loads(path.read_bytes()), ""
    except OSError as error:
        return None, error.strerror or type(error).__name__
    except (ValueError, RecursionError, MemoryError):
        return None, "no JSON (half-written or damaged)"


def _new(value: Mapping[str, Any], path: Path, context: Context) -> Iterator[WorkRequest]:
    session = words(value.get("sessionId")) or path.name.partition(".")[0]
    talk = Talk(SOURCE, SOURCE, context.hasher(SOURCE, session), side=value.get("agent") not in {None, "lead"})
    talk.at_work(_folder(path), context)
    messages = value.get("messages")
    for message in messages if isinstance(messages, list) else ():
        yield from _message(mapping(message), session, talk, context)


def _folder(path: Path) -> str | None:
    """Return the folder that a session worked in: it stands in the file beside it."""
    value, _ = _value(path.with_name(path.name.replace(".messages.json", ".json")))
    return words(mapping(value).get("cwd")) or None


def _message(message: Mapping[str, Any], session: str, talk: Talk, context: Context) -> Iterator[WorkRequest]:
    at, content = instant(message.get("ts")), message.get("content")
    parts = [mapping(part) for part in content] if isinstance(content, list) else []
    if message.get("role") != "assistant":
        of_tools = (
            any(part.get("type") in {"tool_result", "tool-result"} for part in parts) or message.get("role") == "tool"
        )
        if of_tools or mapping(message.get("metadata")).get("userRunSpan") == 0:  # 0: Cline itself asks to go on
            talk.heard(at)
        else:
            talk.user(context.hasher(SOURCE, "turn", session, words(message.get("id"))), at)
        return
    talk.model = name(mapping(message.get("modelInfo")).get("id")) or talk.model
    key = context.hasher(SOURCE, session, words(message.get("id")))
    if mapping(message.get("metadata")).get("displayRole") == "error":
        text = " ".join(words(part.get("text")) for part in parts)
        took = None if at is None or talk.asked is None else at - talk.asked
        ending, prompt = of_text(text, took)
        yield from talk.ended(key, at, Counts(prompt), context, ending=ending)
        return
    talk.tools(_calls(parts), context)
    metrics = mapping(message.get("metrics"))
    if metrics:
        yield from talk.ended(key, at, _counts(metrics, talk), context)
        talk.asked = at


def _calls(parts: list[Mapping[str, Any]]) -> list[tuple[str, object]]:
    kinds = {"tool_use", "tool-call"}
    return [
        (words(part.get("name")) or words(part.get("toolName")), part.get("input"))
        for part in parts
        if part.get("type") in kinds
    ]


def _counts(metrics: Mapping[str, Any], talk: Talk) -> Counts:
    whole, read, written = (number(metrics.get(key)) for key in ("inputTokens", "cacheReadTokens", "cacheWriteTokens"))
    talk.tells_cache = talk.tells_cache or bool(written)
    if whole is not None and (read or 0) > whole:
        whole += (read or 0) + (written or 0)
    return Counts(whole, read, number(metrics.get("outputTokens")))


def _old(value: list[Any], path: Path, context: Context) -> Iterator[WorkRequest]:
    source = "roo-code" if "roo" in str(path).lower() else SOURCE
    session = path.parent.name
    talk = Talk(source, source, context.hasher(SOURCE, session))
    asked: tuple[float | None, Mapping[str, Any]] | None = None
    for message in map(mapping, value):
        at, text = instant(message.get("ts")), words(message.get("text"))
        if message.get("say") == "api_req_started":
            yield from _old_call(asked, at, session, talk, context)
            asked = at, _json(text)
        elif message.get("say") in {"text", "task", "user_feedback"} and message.get("say") != "text":
            yield from _old_call(asked, at, session, talk, context)
            asked = None
            talk.user(context.hasher(SOURCE, "turn", session, f"{at}"), at)
        elif message.get("say") == "tool" or message.get("ask") == "tool":
            talk.tools([_old_tool(_json(text))], context)
    yield from _old_call(asked, None, session, talk, context)


def _old_call(
    asked: tuple[float | None, Mapping[str, Any]] | None,
    until: float | None,
    session: str,
    talk: Talk,
    context: Context,
) -> Iterator[WorkRequest]:
    """Yield the call that an ``api_req_started`` told of. When it ended is not recorded: no duration."""
    _ = until
    if asked is None:
        return
    at, told = asked
    fresh, written, read, output = (
        number(told.get(key)) for key in ("tokensIn", "cacheWrites", "cacheReads", "tokensOut")
    )
    key = context.hasher(SOURCE, session, f"{at}")
    failed = words(told.get("streamingFailedMessage"))
    ending, prompt = of_text(failed) if failed else (Ending.DONE, None)
    if told.get("cancelReason") == "user_cancelled":
        ending = Ending.CANCELLED
    if fresh is None and ending is Ending.DONE:
        ending = Ending.UNKNOWN
    talk.tells_cache = talk.tells_cache or bool(written)
    whole = prompt if fresh is None else fresh + (written or 0) + (read or 0)
    talk.asked = None
    yield from talk.ended(key, at, Counts(whole or None, read, output), context, ending=ending)


def _old_tool(told: Mapping[str, Any]) -> tuple[str, object]:
    names = {"editedExistingFile": "edit", "newFileCreated": "write", "appliedDiff": "edit", "readFile": "read"}
    return names.get(words(told.get("tool")), ""), told


def _json(text: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}
