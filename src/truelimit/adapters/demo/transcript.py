"""Lines of a transcript as OpenClaw 2026.2.17 writes them, texts left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from truelimit.adapters.demo.history import Asked, Conversation, Tool

MODEL = "qwen3-coder-30b:v-128k"
_LEFT_OUT = "(left out)"
_FREE = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0}
Entry = dict[str, object]


def transcript(talk: Conversation, folder: str) -> str:
    """Return the text of a conversation's file; ``folder`` is the agent's workspace."""
    header, *entries = _entries(talk, folder)
    made, parent = [header], None
    for number, entry in enumerate(entries):
        name = sha256(f"{talk.name} {number}".encode()).hexdigest()[:8]
        made.append(_linked(entry, name, parent))
        parent = name
    return "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in made)


def index(talk: Conversation, agent: str) -> str:
    """Return sessions.json of an agent whose latest conversation this is."""
    last = talk.calls[-1]
    entry = {
        "sessionId": talk.name,
        "updatedAt": _millis(last.began + last.seconds),
        "modelProvider": "ollama",
        "model": MODEL,
        "contextTokens": 131_072,
        "abortedLastRun": False,
        "inputTokens": last.prompt,
        "outputTokens": last.output,
        "totalTokens": last.prompt,
        "totalTokensFresh": True,
        "compactionCount": 0,
    }
    return json.dumps({f"agent:{agent}:main": entry}, indent=1) + "\n"


def _linked(entry: Mapping[str, object], name: str, parent: str | None) -> Entry:
    """The entry with its id and its parent's, where OpenClaw puts them: before the time."""
    made: Entry = {}
    for key, value in entry.items():
        if key == "timestamp":
            made |= {"id": name, "parentId": parent}
        made[key] = value
    return made


def _entries(talk: Conversation, folder: str) -> Iterator[Entry]:
    at = talk.opened
    yield {"type": "session", "version": 3, "id": talk.name, "timestamp": _time(at), "cwd": folder}
    yield {"type": "model_change", "timestamp": _time(at + 0.005), "provider": "ollama", "modelId": MODEL}
    yield {"type": "thinking_level_change", "timestamp": _time(at + 0.005), "thinkingLevel": "off"}
    yield {
        "type": "custom",
        "customType": "model-snapshot",
        "data": {
            "timestamp": _millis(at + 0.008), "provider": "ollama", "modelApi": "openai-completions", "modelId": MODEL,
        },
        "timestamp": _time(at + 0.008),
    }  # fmt: skip
    for number, call in enumerate(talk.calls):
        yield from _call(call, f"{talk.name} {number}", folder)


def _call(call: Asked, key: str, folder: str) -> Iterator[Entry]:
    if call.message is not None:
        yield _message(call.began, {"role": "user", "content": [_text()], "timestamp": _millis(call.began - 0.005)})
    ended = call.began + call.seconds
    ids = [f"call_{sha256(f'{key} {place}'.encode()).hexdigest()[:8]}" for place in range(len(call.tools))]
    yield _message(ended, _answer(call, ids))
    for name, tool in zip(ids, call.tools, strict=True):
        ended += 0.4 + 9 * (tool.name == "exec")
        yield _message(ended, _result(name, tool, ended, folder))


def _answer(call: Asked, ids: list[str]) -> Entry:
    usage = {
        "input": call.prompt, "output": call.output, "cacheRead": 0, "cacheWrite": 0,
        "totalTokens": call.prompt + call.output, "cost": _FREE,
    }  # fmt: skip
    tools = [
        {"type": "toolCall", "id": name, "name": tool.name, "arguments": _arguments(tool)}
        for name, tool in zip(ids, call.tools, strict=True)
    ]
    return {
        "role": "assistant", "content": tools or [_text()], "api": "openai-completions", "provider": "ollama",
        "model": MODEL, "usage": usage, "stopReason": "toolUse" if tools else "stop", "timestamp": _millis(call.began),
    }  # fmt: skip


def _arguments(tool: Tool) -> Entry:
    if tool.name == "exec":
        return {"command": tool.target}
    more = {"oldText": _LEFT_OUT, "newText": _LEFT_OUT} if tool.name == "edit" else {}
    return {"path": tool.target, **more}


def _result(name: str, tool: Tool, at: float, folder: str) -> Entry:
    details: dict[str, Entry] = {
        "edit": {"diff": _LEFT_OUT, "firstChangedLine": 1},
        "exec": {"status": "completed", "exitCode": 0, "durationMs": 9_000, "aggregated": _LEFT_OUT, "cwd": folder},
    }
    found = {"details": details[tool.name]} if tool.name in details else {}
    return {
        "role": "toolResult", "toolCallId": name, "toolName": tool.name, "content": [_text()], **found,
        "isError": False, "timestamp": _millis(at - 0.001),
    }  # fmt: skip


def _message(at: float, message: Entry) -> Entry:
    return {"type": "message", "timestamp": _time(at), "message": message}


def _text() -> Entry:
    return {"type": "text", "text": _LEFT_OUT}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _millis(at: float) -> int:
    return round(at * 1000)
