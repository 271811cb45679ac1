"""Claude Code's transcripts: ``~/.claude/projects/FOLDER/SESSION.jsonl``, sub-agents in ``SESSION/subagents``.

Recorded from 2.1.330 and 2.1.332; older versions differ in the order of keys. An answer is written as several lines,
one a part, with the id of one message: they become one record, which lasts from the input that it answers (found by
its parent) to its last line: what a person does in between is no part of it. 2.1.332 also writes an ``api-request``
when it asks, with the model and an id that the answer's ``requestRef`` repeats: from then on the model worked.
``input_tokens`` leaves out what was read from or written to a cache: the prompt is the sum of the three. ``api_error``
is an attempt that failed. A session that was resumed may hold copies of older lines, whose ids are the same.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from truelimit.adapters.work.context import LONG, Context, DamagedLine
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.talk import Counts, Talk, restored
from truelimit.adapters.work.values import entry, instant, mapping, name, number, seconds, words
from truelimit.domain.workload import Ending, WorkRequest

SOURCE = "claude-code"
_MARK = re.compile(rb'"uuid"\s*:\s*"([^"\\]{1,64})"\s*,\s*"timestamp"\s*:\s*"([^"\\]{10,40})"')
_SESSION = re.compile(rb'"sessionId"\s*:\s*"([^"\\]{1,100})"')
_AGENT = re.compile(rb'"agentId"\s*:\s*"([^"\\]{1,100})"')
_SIDE = re.compile(rb'"isSidechain"\s*:\s*true')
_ATTACHED = re.compile(rb'"type"\s*:\s*"attachment"')  # what is sent with a prompt, or instead of one
_PROGRESS = re.compile(rb'"type"\s*:\s*"progress"')  # holds copies of what a sub-agent's own transcript tells
_WANTED = (b'"role"', b'"api_error"', b'"compact_boundary"', b'"api-request"')
_HEAD = 600
_MOST_TALKS = 64
_RECENT = 256
_SYNTHETIC = "<synthetic>"
_INTERRUPTED = "[Request interrupted by user]"
_TOOL_REFUSED = "[Request interrupted by user for tool use]"  # no call was under way then
_LOCAL = ("<local-command-", "<bash-")


class ClaudeCode:
    """Folds the lines of one file."""

    def __init__(self, context: Context) -> None:
        """Start with no conversation."""
        self._context = context
        self._talks: OrderedDict[str, Talk] = OrderedDict()
        self._inputs: OrderedDict[str, float] = OrderedDict()
        self._sent: OrderedDict[str, float] = OrderedDict()  # when each request was sent, where that is told
        self._model = ""  # of the latest of them
        self._open: dict[str, dict[str, Any]] = {}
        self._agents: dict[str, str] = {}  # the sub-agent that spoke last, where a result does not name its own early

    def feed(self, line: bytes) -> list[WorkRequest]:
        """Return the records that a line completes or changes."""
        if not (line.startswith(b"{") and line.endswith(b"}")):
            raise DamagedLine
        if b'"tool_result"' in line and self._result(line, line):
            return []
        if not any(mark in line for mark in _WANTED):
            if _ATTACHED.search(line):
                self._attached(line)
            return []
        value = entry(line)
        match value.get("type"):
            case "assistant":
                return self._answer(value, mapping(value.get("message")))
            case "user":
                return self._input(value, mapping(value.get("message")))
            case "system":
                return self._system(value)
            case "attachment":
                self._attached(line)
            case "api-request":
                self._request(value)
        return []

    def feed_cut(self, head: bytes, tail: bytes) -> None:
        """Take a line of many MiB: the result of a tool tells its time; of anything else something is missing."""
        if not (b'"tool_result"' in head and self._result(tail, head)):
            self._context.odd[LONG] += 1

    def _result(self, where: bytes, head: bytes) -> bool:
        """Take the result of a tool without decoding it. Returns whether its marks were found."""
        if _PROGRESS.search(head, 0, _HEAD):
            return True
        found = _MARK.search(where) or _MARK.search(head)
        session = _SESSION.search(head, 0, _HEAD) or _SESSION.search(where)
        if found is None or session is None:
            return False
        agent = _AGENT.search(head, 0, _HEAD)
        side = _SIDE.search(head, 0, _HEAD) is not None
        name_of_session = session[1].decode("utf-8", "replace")
        helper = self._context.name(agent[1].decode("utf-8", "replace")) if agent else ""
        if side and not agent:
            helper = self._agents.get(self._context.name(name_of_session), "")
        talk = self._talk(name_of_session, helper, side)
        self._heard(talk, found[1].decode("utf-8", "replace"), instant(found[2].decode("ascii", "replace")))
        return True

    def _attached(self, line: bytes) -> None:
        """Take an attachment as what may be answered: it stands between a prompt and its answer."""
        found = _MARK.search(line, max(0, line.rfind(b'"uuid"')))
        if found is not None:
            self._input_at(found[1].decode("utf-8", "replace"), instant(found[2].decode("ascii", "replace")))

    def _talk(self, session: str, agent: str, side: bool) -> Talk:
        """Return the conversation of a session, or of an agent (a hash) that it called for help."""
        key = f"{self._context.name(session)} {agent} {side}"
        talk = self._talks.get(key)
        if talk is None:
            names = (session, agent) if side else (session,)
            talk = Talk(SOURCE, SOURCE, self._context.hasher(SOURCE, *names), side)
            self._talks[key] = talk
            if len(self._talks) > _MOST_TALKS:
                _, gone = self._talks.popitem(last=False)
                self._open.pop(gone.session, None)
        self._talks.move_to_end(key)
        return talk

    def _talk_of(self, value: Mapping[str, Any]) -> Talk:
        session, agent = words(value.get("sessionId")), self._context.name(words(value.get("agentId")))
        side = value.get("isSidechain") is True
        if side:
            self._agents = {self._context.name(session): agent}
        talk = self._talk(session, agent, side)
        talk.at_work(words(value.get("cwd")) or None, self._context)
        return talk

    def _heard(self, talk: Talk, uuid: str, at: float | None) -> None:
        talk.heard(at)
        self._input_at(uuid, at)

    def _input_at(self, uuid: str, at: float | None) -> None:
        _remember(self._inputs, self._context.name(uuid), at)

    def _request(self, value: Mapping[str, Any]) -> None:
        self._model = name(mapping(value.get("params")).get("model"))
        _remember(self._sent, self._context.name(words(value.get("id"))), instant(value.get("timestamp")))

    def _began(self, talk: Talk, value: Mapping[str, Any], asked_as: str) -> float | None:
        """Return when a call was asked: when it was sent, the attempt before it was over, or its parent came.

        Where that is not known, the last input, unless it was answered already: since then somebody may have been away.
        """
        if talk.failed:
            return talk.asked
        sent = self._sent.pop(self._context.name(asked_as), None) if asked_as else None
        if sent is not None:
            return sent
        held = self._open.get(talk.session)
        is_answered = held is not None and held["asked"] == talk.asked
        parent = self._context.name(words(value.get("parentUuid")))
        return self._inputs.get(parent, None if is_answered else talk.asked)

    def _input(self, value: Mapping[str, Any], message: Mapping[str, Any]) -> list[WorkRequest]:
        talk, at, uuid = self._talk_of(value), instant(value.get("timestamp")), words(value.get("uuid"))
        text = _text(message.get("content"))
        if text.startswith(_TOOL_REFUSED):
            return []
        if text.startswith(_INTERRUPTED):
            return self._interrupted(talk, at, uuid)
        is_turn = value.get("isMeta") is not True and value.get("isCompactSummary") is not True
        if is_turn and not _has_result(message.get("content")) and not text.lstrip().startswith(_LOCAL):
            turn = self._context.hasher(SOURCE, "turn", words(value.get("promptId")) or uuid)
            if turn != talk.turn:
                talk.user(turn, at)
        self._heard(talk, uuid, at)
        return []

    def _interrupted(self, talk: Talk, at: float | None, uuid: str) -> list[WorkRequest]:
        """The user broke a call off: the one whose answer was begun, else one that had answered nothing yet."""
        held = self._open.get(talk.session)
        is_last = held is not None and held["asked"] == talk.asked
        if held is not None and is_last and held["stop"] is None:
            counts = Counts(*held["counts"])
            return talk.ended(
                held["key"], at, counts, self._context,
                ending=Ending.CANCELLED, began=held["began"], is_timed=held["began"] is not None,
            )  # fmt: skip
        if talk.asked is None or is_last:
            return []
        return talk.ended(self._context.hasher(SOURCE, uuid), at, Counts(), self._context, ending=Ending.CANCELLED)

    def _answer(self, value: Mapping[str, Any], message: Mapping[str, Any]) -> list[WorkRequest]:
        talk, at = self._talk_of(value), instant(value.get("timestamp"))
        if value.get("isApiErrorMessage") is True:
            return self._failed(talk, value, message, at)
        model = name(message.get("model"))
        if model == _SYNTHETIC or not model:
            return []
        held = self._message(talk, value, message)
        talk.model = model
        talk.tools(_calls(message.get("content")), self._context)
        usage = mapping(message.get("usage"))
        talk.tells_cache = talk.tells_cache or bool(number(usage.get("cache_creation_input_tokens")))
        held["counts"] = _counts(usage, held["counts"])
        held["stop"] = held["stop"] or words(message.get("stop_reason")) or None
        began = held["began"]
        return talk.ended(
            held["key"], at, Counts(*held["counts"]), self._context, began=began, is_timed=began is not None
        )

    def _message(self, talk: Talk, value: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is held of the message that a line is part of."""
        uuid = words(value.get("uuid"))
        asked_as = words(value.get("requestId")) or words(value.get("requestRef"))
        of_message = words(message.get("id"))
        identity = self._context.hasher("message", of_message, asked_as)
        held = self._open.get(talk.session)
        if held is None or held["identity"] != identity or not of_message:
            began = self._began(talk, value, asked_as)
            key = self._context.hasher(SOURCE, of_message, asked_as or uuid)
            held = {"identity": identity, "key": key, "began": began, "asked": talk.asked, "stop": None}
            held["counts"] = [None, None, None]
            self._open[talk.session] = held
        return held

    def _failed(
        self, talk: Talk, value: Mapping[str, Any], message: Mapping[str, Any], at: float | None
    ) -> list[WorkRequest]:
        text = f"{words(value.get('errorDetails'))} {_text(message.get('content'))}"
        began = self._began(talk, value, words(value.get("requestRef")))
        ending, prompt = of_text(text, None if at is None or began is None else at - began)
        talk.model = talk.model or self._model
        key = self._context.hasher(SOURCE, words(value.get("uuid")))
        return talk.ended(
            key, at, Counts(prompt), self._context, ending=ending, began=began, is_timed=began is not None
        )

    def _system(self, value: Mapping[str, Any]) -> list[WorkRequest]:
        if value.get("subtype") == "compact_boundary":
            self._talk_of(value).failed = []  # what follows is another prompt
        if value.get("subtype") != "api_error":
            return []
        talk, at, error = self._talk_of(value), instant(value.get("timestamp")), mapping(value.get("error"))
        connection = mapping(error.get("connection"))
        parts = (error.get("formatted"), connection.get("message"), error.get("message"))
        began = self._began(talk, value, words(value.get("requestRef")))
        took = None if at is None or began is None else at - began
        ending, prompt = of_text(" ".join(filter(None, map(words, parts))), took)
        wait = seconds(value.get("retryInMs")) or 0.0
        key = self._context.hasher(SOURCE, words(value.get("uuid")))
        return talk.ended(
            key, at, Counts(prompt), self._context,
            ending=ending, back_off=wait, began=began, is_timed=began is not None,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return the state."""
        talks = {key: talk.state() for key, talk in self._talks.items()}
        told = {"inputs": list(self._inputs.items()), "sent": list(self._sent.items()), "model": self._model}
        return {"talks": talks, "open": self._open, "agents": self._agents} | told

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._talks = OrderedDict((key, restored(item)) for key, item in state["talks"].items())
        self._inputs, self._sent = (OrderedDict((key, at) for key, at in state[of]) for of in ("inputs", "sent"))
        self._model = state["model"]
        self._open, self._agents = dict(state["open"]), dict(state["agents"])


def _remember(times: OrderedDict[str, float], key: str, at: float | None) -> None:
    if at is not None:
        times[key] = at
        if len(times) > _RECENT:
            times.popitem(last=False)


def _counts(usage: Mapping[str, Any], before: list[int | None]) -> list[int | None]:
    """Return [prompt, cached, output] of an answer so far: its lines repeat them, growing."""
    fresh, read, written = (
        number(usage.get(key)) for key in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    prompt = None if fresh is None else fresh + (read or 0) + (written or 0)
    found = (prompt, read, number(usage.get("output_tokens")))
    return [_larger(old, new) for old, new in zip(before, found, strict=True)]


def _larger(old: int | None, new: int | None) -> int | None:
    return max((value for value in (old, new) if value is not None), default=None)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    for part in content if isinstance(content, list) else ():
        text = mapping(part).get("text")
        if isinstance(text, str):
            return text
    return ""


def _has_result(content: object) -> bool:
    return isinstance(content, list) and any(mapping(part).get("type") == "tool_result" for part in content)


def _calls(content: object) -> list[tuple[str, object]]:
    parts = [mapping(part) for part in content] if isinstance(content, list) else []
    return [(words(part.get("name")), part.get("input")) for part in parts if part.get("type") == "tool_use"]
