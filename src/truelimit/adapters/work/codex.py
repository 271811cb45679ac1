"""Codex's transcripts: ``~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl``.

Recorded from 0.169.0, which writes a ``token_usage_record`` for each answer; older versions tell the same in
``token_count`` events. ``input_tokens`` is the whole prompt, ``cached_input_tokens`` the part that was cached. A turn
that ends with an error after its last answer had one more call, which failed. Attempts that the client repeated by
itself are not written, but for a ``token_count`` without numbers when one ends: one that comes 300 s after its attempt
began (the silence that Codex bears, measured 300.3 s) is taken as such. ``time_to_first_token_ms`` is of a turn's
first call. Results of tools are not decoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from truelimit.adapters.work.context import LONG, Context, DamagedLine
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.schema import request, row
from truelimit.adapters.work.talk import NOTHING, Counts, Talk, restored
from truelimit.adapters.work.values import entry, instant, instant_in, mapping, name, number, seconds, words
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Seconds

SOURCE = "codex"
_IDLE = (299.0, 303.0)
_HEAD = 400
_OUTPUT = re.compile(rb'"type"\s*:\s*"(?:function|custom_tool|local_shell)_call_output"')
_SKIPPED = re.compile(
    rb'"type"\s*:\s*"(?:reasoning|world_state|agent_message\w*|agent_reasoning\w*|exec_command_\w+|mcp_tool_call_\w+'
    rb'|patch_apply_\w+|web_search_\w+|turn_diff)"|"type"\s*:\s*"response_item"\s*,\s*"payload"\s*:\s*\{\s*'
    rb'"type"\s*:\s*"message"'
)
_USAGE_KEYS = ("input_tokens", "cached_input_tokens", "output_tokens")


class Codex:
    """Folds the lines of one rollout."""

    def __init__(self, context: Context) -> None:
        """Start with no session."""
        self._context = context
        self._talk = Talk(SOURCE, SOURCE, "")
        self._thread = ""
        self._records_usage = False
        self._answered = False
        self._first: WorkRequest | None = None
        self._seen: str | None = None

    def feed(self, line: bytes) -> list[WorkRequest]:
        """Return the records that a line completes or changes."""
        if not (line.startswith(b"{") and line.endswith(b"}")):
            raise DamagedLine
        head = line[:_HEAD]
        if _OUTPUT.search(head):
            self._heard(head)
            return []
        if _SKIPPED.search(head):
            return []
        value = entry(line)
        at, payload = instant(value.get("timestamp")), mapping(value.get("payload"))
        match value.get("type"):
            case "session_meta":
                self._session(payload)
            case "turn_context":
                self._settings(payload)
            case "token_usage_record":
                return self._record(payload, at)
            case "response_item":
                self._item(payload)
            case "event_msg":
                return self._event(payload, at)
            case "compacted":
                self._talk.failed = []
        return []

    def feed_cut(self, head: bytes, tail: bytes) -> None:
        """Take a line of many MiB: the result of a tool tells its time; of anything else something is missing."""
        _ = tail
        if _OUTPUT.search(head[:_HEAD]):
            self._heard(head)
        else:
            self._context.odd[LONG] += 1

    def _heard(self, head: bytes) -> None:
        self._talk.heard(instant_in(head))
        self._answered = False

    def _session(self, payload: Mapping[str, Any]) -> None:
        self._named(words(payload.get("id")) or words(payload.get("session_id")))
        source = payload.get("source")
        self._talk.side = (isinstance(source, dict) and "subagent" in source) or payload.get(
            "thread_source"
        ) == "subagent"
        self._talk.at_work(words(payload.get("cwd")) or None, self._context)

    def _named(self, thread: str) -> None:
        if thread and not self._thread:
            self._thread = self._context.name(thread)
            self._talk.session = self._context.hasher(SOURCE, thread)

    def _settings(self, payload: Mapping[str, Any]) -> None:
        self._talk.model = name(payload.get("model")) or self._talk.model
        self._talk.at_work(words(payload.get("cwd")) or None, self._context)

    def _record(self, payload: Mapping[str, Any], at: float | None) -> list[WorkRequest]:
        self._records_usage = True
        self._named(words(payload.get("thread_id")))
        whole = mapping(payload.get("thread_token_usage"))
        key = (words(payload.get("turn_id")), words(payload.get("response_id")), _sum(whole))
        return self._used(key, mapping(payload.get("usage")), at)

    def _count(self, payload: Mapping[str, Any], at: float | None) -> list[WorkRequest]:
        info = payload.get("info")
        if info is None:
            return self._silent(at)
        if self._records_usage:
            return []
        usage, whole = (mapping(mapping(info).get(key)) for key in ("last_token_usage", "total_token_usage"))
        mark = _sum(whole) if whole else f"{at}"
        if not number(usage.get("input_tokens")) or mark == self._seen:
            return []
        self._seen = mark
        return self._used((self._thread, mark), usage, at)

    def _used(self, key: tuple[str, ...], usage: Mapping[str, Any], at: float | None) -> list[WorkRequest]:
        counts = Counts(*(number(usage.get(item)) for item in _USAGE_KEYS))
        if number(usage.get("cache_write_input_tokens")):
            self._talk.tells_cache = True
        is_first = self._first is None and not self._talk.failed
        found = self._talk.ended(self._context.hasher(SOURCE, *key), at, counts, self._context)
        self._first = found[0] if is_first else self._first
        self._answered = True
        self._talk.asked = at if at is not None else self._talk.asked
        return found

    def _silent(self, at: float | None) -> list[WorkRequest]:
        """A count without numbers: the end of an attempt, where it comes when the client's patience is over."""
        asked = self._talk.asked
        if at is None or asked is None or not _IDLE[0] <= at - asked <= _IDLE[1]:
            return []
        key = self._context.hasher(SOURCE, self._thread, "silent", f"{at:.3f}")
        return self._talk.ended(key, at, NOTHING, self._context, ending=Ending.TIMED_OUT)

    def _item(self, payload: Mapping[str, Any]) -> None:
        match payload.get("type"):
            case "function_call":
                call: tuple[str, object] = (words(payload.get("name")), payload.get("arguments"))
            case "custom_tool_call":
                call = (words(payload.get("name")), payload.get("input"))
            case "local_shell_call":
                call = ("local_shell", mapping(payload.get("action")))
            case _:
                return
        self._talk.tools([call], self._context)

    def _event(self, payload: Mapping[str, Any], at: float | None) -> list[WorkRequest]:
        kind = payload.get("type")
        if kind in {"task_started", "turn_started"}:
            self._turn(payload, at)
        elif kind == "thread_settings_applied":
            self._named(words(payload.get("thread_id")))
            self._settings(mapping(payload.get("thread_settings")))
        elif kind == "token_count":
            return self._count(payload, at)
        elif kind == "user_message" or mapping(payload.get("item")).get("type") == "UserMessage":
            self._named(words(payload.get("thread_id")))
            self._heard_user(payload, at)
        elif kind in {"task_complete", "turn_complete"}:
            return self._complete(payload, at)
        elif kind == "turn_aborted":
            return self._failed(payload, at, Ending.CANCELLED)
        return []

    def _turn(self, payload: Mapping[str, Any], at: float | None) -> None:
        self._talk.user(self._context.hasher(SOURCE, "turn", words(payload.get("turn_id")) or f"{at}"), at)
        self._first, self._answered = None, False

    def _heard_user(self, payload: Mapping[str, Any], at: float | None) -> None:
        """Take what the user wrote. The time to the first token counts from the turn's begin, a moment earlier."""
        if self._talk.turn is None or self._answered:  # versions that do not tell when a turn begins
            self._turn({"turn_id": payload.get("turn_id")}, at)

    def _complete(self, payload: Mapping[str, Any], at: float | None) -> list[WorkRequest]:
        found = self._told_first(payload)
        if payload.get("error") is not None:
            found += self._failed(payload, at, None)
        return found

    def _told_first(self, payload: Mapping[str, Any]) -> list[WorkRequest]:
        """Return the turn's first call with the time to its first token, which is told when the turn is over."""
        first, took = self._first, seconds(payload.get("time_to_first_token_ms"))
        self._first = None
        if first is None or took is None or (first.duration is not None and took > first.duration + 1):
            return []
        return [replace(first, first_token=Seconds(took))]

    def _failed(self, payload: Mapping[str, Any], at: float | None, ending: Ending | None) -> list[WorkRequest]:
        if self._answered:  # nothing was under way
            return []
        prompt = None
        if ending is None:
            error = mapping(payload.get("error"))
            text = f"{words(error.get('message'))} {words(error.get('codex_error_info'))}"
            took = None if at is None or self._talk.asked is None else at - self._talk.asked
            ending, prompt = of_text(text, took)
        key = self._context.hasher(SOURCE, self._thread, words(payload.get("turn_id")), "failed", f"{at}")
        return self._talk.ended(key, at, Counts(prompt), self._context, ending=ending)

    def state(self) -> dict[str, Any]:
        """Return the state."""
        return {
            "talk": self._talk.state(),
            "thread": self._thread,
            "records": self._records_usage,
            "answered": self._answered,
            "seen": self._seen,
            "first": row(self._first) if self._first else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._talk, self._thread = restored(state["talk"]), state["thread"]
        self._records_usage, self._answered, self._seen = state["records"], state["answered"], state["seen"]
        self._first = request(state["first"]) if state["first"] else None


def _sum(usage: Mapping[str, Any]) -> str:
    return f"{usage.get('input_tokens')} {usage.get('output_tokens')} {usage.get('total_tokens')}"[:100]
