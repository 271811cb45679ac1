"""Failures as the user met them: one turn with all its attempts, those that the transcript shows and those it hides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Event, PromptRefused, PromptStarted, PromptTruncated
from truelimit.domain.session import Call, CallError, ErrorKind, Outcome
from truelimit.limits.remembered import Remembered
from truelimit.limits.timeline import Timeline, span_of
from truelimit.limits.walls import Match, match_call, match_run
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack

_SAME_TURN = 60.0  # s between a failed attempt and its retry: longer than any back-off of the agents examined
_MOST_QUICK = 16  # failed calls in a row that may be one turn, where the agent's number of attempts is not known
_COUNTED = {Basis.MEASURED, Basis.REPORTED}


@dataclass(frozen=True, slots=True)
class Turn:
    """One failed turn. ``start`` and ``end`` in seconds since 1970, None where no time was recorded.

    ``attempts`` counts all, ``visible`` those that a transcript or access log shows. ``attempt_seconds`` is their mean.
    ``match`` is the wall that ended them, None where none is known to. ``calls`` is empty for a turn that only the
    server's log shows; ``status`` is then the HTTP status it logged.
    """

    calls: tuple[Call, ...]
    start: float | None
    end: float | None
    attempts: int
    visible: int
    attempt_seconds: float | None
    match: Match | None
    prompt: Known[Tokens] | None
    error: CallError | None
    events: tuple[Event, ...]
    where: str
    session: str | None = None
    status: int | None = None

    @property
    def seconds(self) -> float | None:
        """The whole duration, waiting between attempts included."""
        return self.end - self.start if self.start is not None and self.end is not None else None

    @property
    def aborted(self) -> bool:
        """Whether agent or user ended the last call."""
        cancelled = self.error is not None and self.error.kind is ErrorKind.CANCELLED
        return cancelled or (bool(self.calls) and self.calls[-1].outcome is Outcome.ABORTED)

    def has(self, *kinds: ErrorKind) -> bool:
        """Return whether a call of the turn failed with an error of one of these kinds."""
        return any(call.error is not None and call.error.kind in kinds for call in self.calls)


def failed_turns(stack: Stack, timeline: Timeline) -> list[Turn]:
    """Return the failed turns of the stack's calls."""
    found = []
    for calls in by_session(stack.calls):
        groups = _groups(stack, calls)
        before = _counted_before(calls) if groups else {}
        found += [_turn(stack, group, timeline, before[id(group[0])]) for group in groups]
    return found


def _counted_before(calls: Sequence[Call]) -> dict[int, Known[Tokens] | None]:
    """For each call of a session, by identity, the last prompt that was counted before it."""
    found: dict[int, Known[Tokens] | None] = {}
    last: Known[Tokens] | None = None
    for call in calls:
        found[id(call)] = last
        last = _counted(call) or last
    return found


def _of_each_session(calls: Iterable[Call]) -> list[list[Call]]:
    sessions: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        sessions.setdefault((call.agent, call.session), []).append(call)
    return list(sessions.values())


by_session: Remembered[Iterable[Call], list[list[Call]]] = Remembered(_of_each_session)
"""The calls of each session, in their order, found once for one tuple of calls. The lists are not to be changed."""


def _groups(stack: Stack, calls: Sequence[Call]) -> list[list[Call]]:
    """Failed calls in a row, each begun within a minute of the end of the last, as many as the agent tries."""
    most = _most_visible(stack)
    groups: list[list[Call]] = []
    open_group: list[Call] = []
    for call in calls:
        if call.outcome is Outcome.DONE:
            open_group = []
        elif open_group and len(open_group) < _most(call, most) and _retries(open_group[-1], call):
            open_group.append(call)
        else:
            open_group = [call]
            groups.append(open_group)
    return groups


def _most(call: Call, most: int) -> int:
    """What is known of the number of attempts holds for timers; errors that return at once are tried more often."""
    quick = call.error is not None and call.error.kind not in {ErrorKind.TIMEOUT, ErrorKind.CONNECTION}
    return _MOST_QUICK if quick else most


def _most_visible(stack: Stack) -> int:
    route = stack.route
    if route is None or route.attempts is None:
        return _MOST_QUICK
    hidden = route.hidden_attempts.value if route.hidden_attempts else 0
    return max(1, route.attempts.value - hidden)


def _retries(before: Call, call: Call) -> bool:
    """A prompt that is too long is refused at the first attempt: such a refusal begins or ends no row of others."""
    return _follows(before, call) and _refused(before) == _refused(call)


def _refused(call: Call) -> bool:
    return call.error is not None and call.error.kind in {ErrorKind.OVERFLOW, ErrorKind.WINDOW_TOO_SMALL}


def _follows(before: Call, call: Call) -> bool:
    one, two = span_of(before), span_of(call)
    return one is not None and two is not None and -1.0 <= two[0] - one[1] <= _SAME_TURN


def _turn(stack: Stack, group: Sequence[Call], timeline: Timeline, before: Known[Tokens] | None) -> Turn:
    last = group[-1]
    first_span, last_span = span_of(group[0]), span_of(last)
    start = first_span[0] if first_span else None
    end = last_span[1] if last_span else None
    matches = [_match(call, stack) for call in group]
    match = _match_of(matches, start, end, stack, len(group))
    attempts = sum(item.attempts if item else 1 for item in matches)
    busy = [float(call.seconds) for call in group if call.seconds is not None]
    events = tuple(timeline.during(start, end))
    return Turn(
        tuple(group),
        start,
        end,
        attempts,
        len(group),
        sum(busy) / attempts if busy and len(busy) == len(group) else None,
        match,
        prompt_of(stack, group, events, before),
        next((call.error for call in reversed(group) if call.error is not None), None),
        events,
        last.where,
        last.session,
    )


def _match(call: Call, stack: Stack) -> Match | None:
    """The wall that a call's length tells of. A refusal needs no wall: it comes at once, whatever came before it."""
    return None if not call.seconds or _refused(call) else match_call(float(call.seconds), stack, _told(call))


def _told(call: Call) -> Known[Seconds] | None:
    error = call.error
    if error is None or error.seconds is None or error.seconds <= 0:
        return None
    return Known(error.seconds, said("the error text of {where}", where=call.where), Basis.REPORTED)


def _match_of(
    matches: Sequence[Match | None], start: float | None, end: float | None, stack: Stack, visible: int
) -> Match | None:
    """The wall that ended the attempts; the run's own timer may have ended the last one early."""
    known = [item for item in matches if item is not None]
    run = match_run(end - start, stack) if visible > 1 and start is not None and end is not None else None
    if known and (matches[-1] is not None or run is not None):
        return Match(known[0].wall, known[0].attempts, run or known[-1].run)
    return None


def prompt_of(
    stack: Stack, calls: Sequence[Call], events: Sequence[Event], counted: Known[Tokens] | None
) -> Known[Tokens] | None:
    """Return the size of the prompt: as the call counted it, as its error names it, as the server's log has it.

    Failing these, the agent's estimate for the call, then what is known of its session: the prompt was at least as
    long as that of the answer before (``counted``).
    """
    own = next((c.prompt_tokens for c in reversed(calls) if c.prompt_tokens and _sane(c.prompt_tokens.value)), None)
    if own is not None and own.basis in _COUNTED:
        return own
    for call in reversed(calls):
        if call.error is not None and call.error.prompt and _sane(call.error.prompt):
            return Known(call.error.prompt, said("the error text of {where}", where=call.where), Basis.REPORTED)
    told, before = prompt_in(events), _of_session(stack, calls, counted)
    if told is not None or own is None:
        return told or before
    return before if before is not None and before.value > own.value and not _compacted(stack, calls) else own


def _compacted(stack: Stack, calls: Sequence[Call]) -> bool:
    """Whether the session was cut by its agent at some time: then an earlier prompt says nothing of a later one."""
    found = (item for item in stack.sessions if calls and item.id == calls[-1].session)
    return any(item.compaction_entries or (item.compaction_count and item.compaction_count.value) for item in found)


def _sane(tokens: int) -> bool:
    """Whether a count can be a prompt at all; beyond it is damage."""
    return 0 < tokens <= 10**9


def prompt_in(events: Iterable[Event]) -> Known[Tokens] | None:
    """Return the largest prompt that events of a log name, or None. A cut prompt counts with its size before."""
    sizes = [
        (int(event.prompt), event.where)
        for event in events
        if isinstance(event, PromptTruncated | PromptRefused | PromptStarted) and event.prompt and _sane(event.prompt)
    ]
    if not sizes:
        return None
    size, where = max(sizes)
    return Known(Tokens(size), where, Basis.REPORTED)


def _counted(call: Call) -> Known[Tokens] | None:
    """The size of a call's prompt as it was counted, or as its refusal names it."""
    if call.error is not None and call.error.prompt:
        return Known(call.error.prompt, said("the error text of {where}", where=call.where), Basis.REPORTED)
    return call.prompt_tokens


def _of_session(stack: Stack, calls: Sequence[Call], before: Known[Tokens] | None) -> Known[Tokens] | None:
    if not calls:
        return None
    last = calls[-1]
    session = next((item for item in stack.sessions if item.id == last.session and item.agent == last.agent), None)
    total = session.total_tokens if session and session.calls and session.calls[-1] is last else None
    known = max((item for item in (before, total) if item is not None), key=lambda item: item.value, default=None)
    if known is None or not _sane(known.value):
        return None
    return Known(
        known.value, said("at least, from the session before the call ({where})", where=known.where), Basis.DERIVED
    )
