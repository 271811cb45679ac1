"""Qwen Code's transcripts: ``~/.qwen/projects/FOLDER/chats/SESSION.jsonl``.

Recorded from 0.24.4. Each call leaves a telemetry line with its duration, time to the first token and counts;
``input_token_count`` is the whole prompt. An ``api_error`` is one call of the client: the attempts that the client
library made inside it are not told apart. Calls of a sub-agent, such as the memory extractor, are side calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truelimit.adapters.work.context import LONG, Context, DamagedLine
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.talk import Counts, Talk, restored
from truelimit.adapters.work.values import entry, instant, mapping, name, number, seconds, words
from truelimit.domain.workload import Ending, WorkRequest

SOURCE = "qwen-code"
_RESPONSE, _ERROR = "qwen-code.api_response", "qwen-code.api_error"
_WANTED = (_RESPONSE.encode(), _ERROR.encode(), b'"functionCall"', b'"user"')
_MOST_TALKS = 64
_COUNTS = ("input_token_count", "cached_content_token_count", "output_token_count")


class QwenCode:
    """Folds the lines of one chat."""

    def __init__(self, context: Context) -> None:
        """Start with no conversation."""
        self._context = context
        self._talks: dict[str, Talk] = {}

    def feed(self, line: bytes) -> list[WorkRequest]:
        """Return the records that a line completes or changes."""
        if not (line.startswith(b"{") and line.endswith(b"}")):
            raise DamagedLine
        if not any(mark in line for mark in _WANTED):
            return []
        value = entry(line)
        kind, talk = value.get("type"), self._talk(value, "")
        if kind == "system":
            return self._telemetry(value, mapping(mapping(value.get("systemPayload")).get("uiEvent")))
        at = instant(value.get("timestamp"))
        if kind == "assistant":
            return talk.late_tools(_calls(value), self._context)
        if kind == "user" and value.get("provenance", "real_user") == "real_user":
            talk.user(self._context.hasher(SOURCE, "turn", words(value.get("uuid"))), at)
        elif kind in {"user", "tool_result"}:
            talk.heard(at)
        return []

    def feed_cut(self, head: bytes, tail: bytes) -> None:
        """Take a line of many MiB: the result of a tool, as calls carry their own times; or something is missing."""
        _ = tail
        if b'"functionResponse"' not in head:
            self._context.odd[LONG] += 1

    def _talk(self, value: Mapping[str, Any], helper: str) -> Talk:
        session = words(value.get("sessionId"))
        key = self._context.hasher(session, helper)
        talk = self._talks.get(key)
        if talk is None:
            names = (session, helper) if helper else (session,)
            talk = self._talks[key] = Talk(SOURCE, SOURCE, self._context.hasher(SOURCE, *names), side=bool(helper))
            if len(self._talks) > _MOST_TALKS:
                self._talks.pop(next(iter(self._talks)))
        talk.at_work(words(value.get("cwd")) or None, self._context)
        return talk

    def _telemetry(self, value: Mapping[str, Any], event: Mapping[str, Any]) -> list[WorkRequest]:
        kind = event.get("event.name")
        if kind not in {_RESPONSE, _ERROR}:
            return []
        talk = self._talk(value, words(event.get("subagent_id")) or words(event.get("subagent_name")))
        if talk.side and talk.turn is None:
            talk.turn = self._talk(value, "").turn
        at = instant(event.get("event.timestamp")) or instant(value.get("timestamp"))
        took = seconds(event.get("duration_ms"))
        began = None if at is None or took is None else at - took
        talk.model = name(event.get("model")) or talk.model
        key = self._context.hasher(SOURCE, words(value.get("uuid")))
        counts, ending = Counts(*(number(event.get(item)) for item in _COUNTS)), Ending.DONE
        if kind == _ERROR:
            ending, prompt = of_text(words(event.get("error_message")), took)
            counts = Counts(prompt)
        found = talk.ended(
            key, at, counts, self._context, ending=ending, began=began, first_token=seconds(event.get("ttft_ms"))
        )
        talk.asked = at if kind == _RESPONSE else talk.asked
        return found

    def state(self) -> dict[str, Any]:
        """Return the state."""
        return {"talks": {key: talk.state() for key, talk in self._talks.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._talks = {key: restored(item) for key, item in state["talks"].items()}


def _calls(value: Mapping[str, Any]) -> list[tuple[str, object]]:
    parts = mapping(value.get("message")).get("parts")
    calls = [mapping(mapping(part).get("functionCall")) for part in parts] if isinstance(parts, list) else []
    return [(words(call.get("name")), call.get("args")) for call in calls if call]
