"""Failures that only the server's log shows: requests that no transcript has, grouped to turns like calls are.

Ollama has no timeout of its own for a request (http.Server without one): a 500 after a round duration is the client
that hung up while its prompt was read, 499 one that hung up before (measured on 0.24.0 and 0.33.0-rc2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from truelimit.domain.agent import Timeout
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import (
    EngineFailed,
    Event,
    PoolExhausted,
    PromptRefused,
    RequestCancelled,
    RequestEnded,
    ServerKind,
)
from truelimit.domain.session import ErrorKind, Outcome
from truelimit.limits.log_events import of_kinds
from truelimit.limits.loose_cancels import cancelled_turns
from truelimit.limits.timeline import Timeline, busy_in, instant
from truelimit.limits.turns import Turn, prompt_in
from truelimit.limits.walls import ROUND_WALLS, Match, match_call
from truelimit.units import Seconds

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack

_Told = EngineFailed | PromptRefused | PoolExhausted  # failures that a log tells in words
_PATHS = ("/api/chat", "/api/generate", "/v1/", "/completion", "/chat/completions")
_FAILED = {499, 500, 502, 504}
_BUSY = 503  # the queue was full: an answer at once
_SAME_TURN = 60.0  # s
_LONG = 10.0  # s: a failure that took longer was a wait, not an answer of the server
_LATE = 3.5  # s


def loose_turns(stack: Stack, timeline: Timeline) -> list[Turn]:
    """Return the failed turns of requests, engines and refusals in the log that fall into no call of the stack."""
    events = stack.server.events if stack.server else ()
    told = _told_kinds(stack)
    failed = [event for event in of_kinds(events, RequestEnded) if _failed(event)]
    requests = [event for event in failed if _is_alone(event, stack, told)]
    turns = [_of_requests(stack, group, timeline) for group in _groups(requests)]
    spans = [(turn.start, turn.end) for turn in turns]
    others = [e for e in _told_in(events) if _is_alone(e, stack, told) and not _inside(e, spans)]
    turns += [_of_events(group) for group in _streaks(others)]
    if stack.server is not None and stack.server.kind is ServerKind.LLAMA_SERVER:
        turns += cancelled_turns(events, lambda event: _is_alone(event, stack, told))
    return turns


def _told_in(events: Sequence[Event]) -> list[_Told]:
    found: list[_Told] = of_kinds(events, EngineFailed, PromptRefused, PoolExhausted)
    return found


def _told_kinds(stack: Stack) -> set[type[Event]]:
    """The kinds of events that the stack's failed calls tell of already: undated lines of these may be theirs."""
    told: set[type[Event]] = set()
    for call in stack.calls:
        if call.outcome is not Outcome.DONE:
            told |= {RequestCancelled, EngineFailed}
        if call.error is not None and call.error.kind is ErrorKind.OVERFLOW:
            told |= {PromptRefused, PoolExhausted}
    return told


def _is_alone(event: Event, stack: Stack, told: set[type[Event]]) -> bool:
    """No call was running then; without a time, only where no call tells of the like."""
    if event.time is None:
        return isinstance(event, _Told | RequestCancelled) and type(event) not in told
    return not busy_in(stack.calls).at(instant(event.time))


def _failed(event: RequestEnded) -> bool:
    if event.status != _BUSY and not (event.status in _FAILED and event.seconds >= _LONG):
        return False
    return any(part in event.path for part in _PATHS)


def _groups(requests: Sequence[RequestEnded]) -> list[list[RequestEnded]]:
    """Requests of like length in a row, each begun within a minute of the end of the last: attempts at one turn."""
    groups: list[list[RequestEnded]] = []
    for event in sorted(requests, key=_end):
        before = groups[-1][-1] if groups else None
        if (
            before is not None
            and abs(_end(event) - event.seconds - _end(before)) <= _SAME_TURN
            and _alike(before, event)
        ):
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _alike(one: RequestEnded, other: RequestEnded) -> bool:
    same = one.path == other.path and (one.status == _BUSY) == (other.status == _BUSY)
    return same and abs(one.seconds - other.seconds) <= _LATE


def _end(event: Event) -> float:
    return instant(event.time) if event.time is not None else 0.0


def _of_requests(stack: Stack, group: Sequence[RequestEnded], timeline: Timeline) -> Turn:
    start, end = _end(group[0]) - group[0].seconds, _end(group[-1])
    events = tuple(timeline.during(start, end))
    mean = sum(float(event.seconds) for event in group) / len(group)
    known = match_call(mean, stack) if stack.route is not None else None
    once = known if known is not None and known.attempts == 1 else None
    return Turn(
        (),
        start,
        end,
        len(group),
        len(group),
        mean,
        once or _round_wall(group),
        prompt_in(events),
        None,
        events,
        group[0].where,
        None,
        group[-1].status,
    )


def _round_wall(group: Sequence[RequestEnded]) -> Match | None:
    """A round time just below all durations is the client's own timer, whose name the log doesn't know."""
    for wall in ROUND_WALLS:
        if all(-0.5 <= event.seconds - wall <= _LATE for event in group):
            where = said(
                "the durations in the server's log ({where}): a round time that no setting of the server has",
                where=group[0].where,
            )
            known = Known(Seconds(float(wall)), where, Basis.DERIVED)
            return Match(Timeout("client's timeout", known, SetBy.CLIENT_LIBRARY, "request"), 1)
    return None


def _inside(event: Event, spans: Iterable[tuple[float | None, float | None]]) -> bool:
    time = instant(event.time) if event.time is not None else None
    return time is not None and any(a is not None and b is not None and a - 2 <= time <= b + 5 for a, b in spans)


def _streaks(events: Sequence[_Told]) -> list[list[_Told]]:
    streaks: list[list[_Told]] = []
    for event in events:
        before = streaks[-1][-1] if streaks else None
        near = before is not None and abs(_end(event) - _end(before)) <= _SAME_TURN
        if before is not None and near and type(before) is type(event):
            streaks[-1].append(event)
        else:
            streaks.append([event])
    return streaks


def _of_events(group: Sequence[_Told]) -> Turn:
    first, last = group[0], group[-1]
    start = _end(first) if first.time is not None else None
    end = _end(last) if last.time is not None else None
    prompt = prompt_in(group)
    return Turn((), start, end, len(group), len(group), None, None, prompt, None, tuple(group), first.where)
