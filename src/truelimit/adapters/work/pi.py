"""Pi's transcripts: ``~/.pi/agent/sessions/--FOLDER--/TIME_ID.jsonl``, version 3, recorded from 0.73.1.

An answer has its own line with ``usage``: ``input`` leaves out what was read from or written to a cache, the prompt is
the sum of the three. The line's ``timestamp`` is when the answer ended, ``message.timestamp`` when it was asked for.
Results of tools are not decoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from truelimit.adapters.work.context import LONG, Context, DamagedLine
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.talk import Counts, Talk, restored
from truelimit.adapters.work.values import entry, instant, instant_in, mapping, name, number, words
from truelimit.domain.workload import Ending, WorkRequest

SOURCE = "pi"
_HEAD = 600
_RESULT = re.compile(rb'"role"\s*:\s*"(?:toolResult|bashExecution)"')
_DONE = frozenset({"stop", "toolUse", "length"})


class Pi:
    """Folds the lines of one session file."""

    def __init__(self, context: Context, source: str = SOURCE) -> None:
        """Start with no session; ``source`` names an agent that writes the same format."""
        self._context = context
        self._talk = Talk(source, source, "")
        self._copied_until: float | None = None

    def feed(self, line: bytes) -> list[WorkRequest]:
        """Return the records that a line completes or changes."""
        if not (line.startswith(b"{") and line.endswith(b"}")):
            raise DamagedLine
        head = line[:_HEAD]
        if _RESULT.search(head):
            self._heard(head)
            return []
        value = entry(line)
        at, message = instant(value.get("timestamp")), mapping(value.get("message"))
        match value.get("type"):
            case "session":
                self._session(value, at)
            case "model_change":
                self._talk.model = name(value.get("modelId")) or self._talk.model
            case "compaction" | "branch_summary":
                self._talk.failed = []
            case "message" if message.get("role") == "user":
                turn = self._context.hasher(self._talk.source, "turn", self._talk.session, words(value.get("id")))
                self._talk.user(turn, at)
            case "message" if message.get("role") == "assistant":
                return self._answer(value, message, at)
        return []

    def feed_cut(self, head: bytes, tail: bytes) -> None:
        """Take a line of many MiB: the result of a tool tells its time; of anything else something is missing."""
        _ = tail
        if _RESULT.search(head[:_HEAD]):
            self._heard(head)
        else:
            self._context.odd[LONG] += 1

    def _heard(self, head: bytes) -> None:
        self._talk.heard(instant_in(head))

    def _session(self, value: Mapping[str, Any], at: float | None) -> None:
        self._talk.session = self._context.hasher(self._talk.source, words(value.get("id")))
        self._talk.at_work(words(value.get("cwd")) or None, self._context)
        self._copied_until = at if isinstance(value.get("parentSession"), str) else None

    def _answer(self, value: Mapping[str, Any], message: Mapping[str, Any], at: float | None) -> list[WorkRequest]:
        if self._copied_until is not None and at is not None and at < self._copied_until:
            return []  # a fork holds copies of what another session asked
        talk, usage = self._talk, mapping(message.get("usage"))
        talk.model = name(message.get("model")) or talk.model
        talk.tools(_calls(message.get("content")), self._context)
        fresh, read, written, output = (
            number(usage.get(key)) for key in ("input", "cacheRead", "cacheWrite", "output")
        )
        talk.tells_cache = talk.tells_cache or bool(written)
        prompt = sum(count or 0 for count in (fresh, read, written)) or None
        began = instant(message.get("timestamp")) if talk.asked is None or talk.failed else talk.asked
        ending, told = self._ending(message, None if at is None or began is None else at - began)
        counts = Counts(prompt, read, output) if ending is Ending.DONE or prompt else Counts(told)
        key = self._context.hasher(talk.source, talk.session, words(value.get("id")))
        found = talk.ended(key, at, counts, self._context, ending=ending, began=began)
        if ending is Ending.DONE:  # answered: what comes without a new input was not asked then
            talk.asked = None
        return found

    def _ending(self, message: Mapping[str, Any], took: float | None) -> tuple[Ending, int | None]:
        stop, error = message.get("stopReason"), words(message.get("errorMessage"))
        if stop in _DONE or (not error and stop not in {"error", "aborted"}):
            return Ending.DONE, None
        if stop == "aborted":
            return Ending.CANCELLED, None
        return of_text(error, took)

    def state(self) -> dict[str, Any]:
        """Return the state."""
        return {"talk": self._talk.state(), "copied": self._copied_until}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._talk, self._copied_until = restored(state["talk"]), state["copied"]


def _calls(content: object) -> list[tuple[str, object]]:
    parts = [mapping(part) for part in content] if isinstance(content, list) else []
    return [(words(part.get("name")), part.get("arguments")) for part in parts if part.get("type") == "toolCall"]
