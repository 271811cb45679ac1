"""Trajectory events of September 2026: when a prompt was sent, when the model was done, which timer ended it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.error_reading import AGENT_KEY, SEPTEMBER, read_error
from truelimit.adapters.agents.openclaw.prompt_size import FLOOR_SEPTEMBER, PromptEvidence, prompt_of
from truelimit.adapters.agents.openclaw.transcript import AGENT
from truelimit.adapters.agents.openclaw.transcript_lines import cached_count, prompt_count, text_chars
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import Call, CallError, ErrorKind, Outcome
from truelimit.units import Tokens

MARK = said("trajectory event")
_AFTER = timedelta(seconds=2)
_WANTED = re.compile(rb'"type"\s*:\s*"(?:prompt\.submitted|model\.completed)"')
_PREFIX = 2048
# A shorter one was cut; the floor of this generation says more.
_LEAST_SYSTEM_PROMPT = 4000
_UNCLEAR = {ErrorKind.OTHER, ErrorKind.CANCELLED, ErrorKind.CONNECTION}


@dataclass(frozen=True, slots=True)
class _Submitted:
    """A prompt on its way: characters of its system prompt, and those of history and message."""

    time: datetime | None
    fixed_chars: int
    added_chars: int


@dataclass(frozen=True, slots=True)
class Window:
    """One submission up to its end: a turn of one or more model calls, of which the last one ended it."""

    call: Call
    externally_aborted: bool
    by_run_budget: bool


def is_wanted(raw: bytes) -> bool:
    """Return whether an event may be one of the two that tell times, judged by its first keys."""
    return _WANTED.search(raw[:_PREFIX]) is not None


class Trajectory:
    """Folds the events of all sessions into windows."""

    def __init__(self) -> None:
        """Start with no window."""
        self.windows: dict[str, list[Window]] = {}
        self._open: dict[tuple[str, str], _Submitted] = {}

    def feed(self, value: object, where: str) -> str | None:
        """Take one event. Returns its session, or None when it is no trajectory event."""
        event = read.mapping(value)
        session, kind = read.name(event.get("sessionId")), event.get("type")
        if not session or not isinstance(kind, str):
            return None
        key = session, read.name(event.get("runId"))
        data = read.mapping(event.get("data"))
        if kind == "prompt.submitted":
            fixed, *added = (text_chars(data.get(part), 4) for part in ("systemPrompt", "prompt", "messages"))
            self._open[key] = _Submitted(read.moment(event.get("ts")), fixed, sum(added))
        elif kind == "model.completed":
            window = _window(event, data, self._open.pop(key, None), where)
            self.windows.setdefault(session, []).append(window)
        return session


def _window(event: Mapping[str, Any], data: Mapping[str, Any], begun: _Submitted | None, where: str) -> Window:
    error = _error(data)
    last = read.mapping(read.mapping(data.get("promptCache")).get("lastCallUsage"))
    usage = last or read.mapping(data.get("usage"))
    fixed = begun.fixed_chars if begun and begun.fixed_chars >= _LEAST_SYSTEM_PROMPT else 0
    added = begun.added_chars if begun else 0
    evidence = PromptEvidence(
        where, prompt_count(usage), error, fixed_chars=fixed, floor=FLOOR_SEPTEMBER, added_chars=lambda: added
    )
    failed = error is not None
    aborted = data.get("aborted") is True
    call = Call(
        read.name(event.get("sessionId")),
        AGENT,
        read.name(event.get("provider")),
        read.name(event.get("modelId")),
        read.name(event.get("modelApi")),
        where,
        begun.time if begun else None,
        read.moment(event.get("ts")),
        (Outcome.ABORTED if aborted else Outcome.ERROR) if failed else Outcome.DONE,
        prompt_of(evidence),
        _optional_tokens(cached_count(usage)),
        _optional_tokens(read.number(usage.get("output"))),
        error,
    )
    return Window(call, data.get("externalAbort") is True, data.get("timedOutByRunBudget") is True)


def _optional_tokens(count: int | None) -> Tokens | None:
    return None if count is None else Tokens(count)


def _error(data: Mapping[str, Any]) -> CallError | None:
    """Return the error that the labels and promptError tell; None for a call that was answered."""
    timed_out = any(data.get(key) is True for key in ("timedOut", "idleTimedOut", "timedOutByRunBudget"))
    text = read.words(data.get("promptError")) or _snapshot_error(data.get("messagesSnapshot"))
    if not (timed_out or text or data.get("aborted") is True or data.get("stopReason") in {"error", "aborted"}):
        return None
    error = read_error(text or "aborted", SEPTEMBER)
    return _labelled(error, data.get("externalAbort") is True, timed_out, data.get("timedOutByRunBudget") is True)


def _snapshot_error(messages: object) -> str:
    if not isinstance(messages, list) or not messages:
        return ""
    return read.words(read.mapping(messages[-1]).get("errorMessage"))


def _labelled(error: CallError, external: bool, timed_out: bool, by_budget: bool) -> CallError:
    """Return the error as the labels have it: a person's abort, or a timer that the text does not name."""
    if external:
        return replace(error, kind=ErrorKind.CANCELLED, text=said("aborted from outside"), advice_key=None)
    if timed_out and error.kind in _UNCLEAR:
        error = replace(error, kind=ErrorKind.TIMEOUT, text=said("timed out (the agent's own label)"))
    return replace(error, advice_key=AGENT_KEY) if by_budget else error


def join(calls: tuple[Call, ...], windows: list[Window]) -> tuple[Call, ...]:
    """Return a session's calls with the times and labels of its windows; a window without a call becomes one."""
    result = list(calls)
    alone = []
    for window in windows:
        inside = [index for index, call in enumerate(result) if _is_inside(call, window.call)]
        if not inside:
            alone.append(window.call)
            continue
        first, last = inside[0], inside[-1]
        if window.call.started is not None:
            result[first] = replace(result[first], started=window.call.started)
        result[last] = _ended(result[last], window.call, only=first == last)
    return tuple(sorted([*result, *alone], key=order_of))


def order_of(call: Call) -> tuple[bool, float]:
    """Return a key that sorts calls by time, those without one last."""
    time = call.ended or call.started
    return (time is None, time.timestamp() if time else 0.0)


def _is_inside(call: Call, window: Call) -> bool:
    if call.ended is None or window.ended is None or (call.provider, call.model) != (window.provider, window.model):
        return False
    began = window.started or window.ended - _AFTER
    return began <= call.ended <= window.ended + _AFTER


def _ended(call: Call, window: Call, only: bool) -> Call:
    if only and window.ended is not None:
        call = replace(call, ended=window.ended)
    if call.error is not None and window.error is not None:
        clearer = (
            window.error if call.error.kind in _UNCLEAR or window.error.kind is ErrorKind.CANCELLED else call.error
        )
        call = replace(call, error=replace(clearer, advice_key=window.error.advice_key or call.error.advice_key))
    return replace(call, prompt_tokens=better_prompt(call.prompt_tokens, window.prompt_tokens))


def better_prompt(ours: Known[Tokens] | None, theirs: Known[Tokens] | None) -> Known[Tokens] | None:
    """Return the prompt size to believe: ours unless it is unknown, or assumed where theirs is counted or larger."""
    if ours is None or theirs is None:
        return ours or theirs
    if ours.basis is not Basis.ASSUMED:
        return ours
    return theirs if theirs.basis is not Basis.ASSUMED or theirs.value > ours.value else ours
