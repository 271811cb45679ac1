"""Incidents of prompts that the server cut in silence: the agent saw an answer, and no error."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Event, MessagesDropped, PromptTruncated
from truelimit.domain.session import Call, Cause, Incident, Outcome
from truelimit.limits.causes import Judgement, Scene
from truelimit.limits.dropped import dropped_messages
from truelimit.limits.silent import (
    constant_calculation,
    constant_runs,
    cut_counts,
    event_calculation,
    fingerprint,
    truncation_events,
)
from truelimit.limits.timeline import Timeline, busy_in, instant, span_of
from truelimit.limits.turns import Turn, by_session

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.facts import Stack
    from truelimit.units import Tokens

_SAME_STREAK = 600.0  # s between cuts that a log shows without a transcript: one conversation


@dataclass(frozen=True, slots=True)
class _Cut:
    """One cut prompt: its call, the words, the calculation, the size before the cut where known."""

    call: Call
    words: str
    calculation: Calculation | None
    prompt: Known[Tokens] | None


def truncated_by_log(turn: Turn, scene: Scene) -> Judgement | None:
    """A failed turn in which the server cut the prompt, and nothing else is known: still not explained."""
    del scene
    events = truncation_events(turn.events)
    if not events or turn.match is not None or turn.aborted:
        return None
    reason = said("the server cut the prompt ({where}), which by itself ends no request", where=events[0].where)
    return Judgement(Cause.UNEXPLAINED, False, (reason,), _calculations(events))


def _calculations(events: Sequence[Event]) -> tuple[Calculation, ...]:
    return tuple(event_calculation(event) for event in events if isinstance(event, PromptTruncated))[:1]


def cut_prompts(stack: Stack, served: Known[Tokens] | None, failed: Sequence[Turn] = ()) -> list[Incident]:
    """Return one incident for each run of answered calls whose prompts were cut, and for cuts that only a log shows.

    A cut within one of the ``failed`` turns is told with that turn.
    """
    found: list[Incident] = []
    logged = Timeline(truncation_events(stack.server.events if stack.server else ()))
    any_may_be, counts = bool(logged), cut_counts(served, stack.server)
    for calls in by_session(stack.calls):
        suspects = calls if any_may_be else [call for call in calls if _counts_one_of(call, counts)]
        cuts = {id(call): cut for call in suspects if (cut := _cut(stack, call, served, logged)) is not None}
        for run in constant_runs(calls):
            if not any(id(call) in cuts for call in run):
                words: str = said("{run} turns in a row counted the same tokens, though each adds some", run=len(run))
                cuts |= {id(call): _Cut(call, words, constant_calculation(run), None) for call in run}
        for call, words, calculation in dropped_messages(calls, served, stack.server):
            cuts.setdefault(id(call), _Cut(call, words, calculation, None))
        found += [_incident(stack, run) for run in _runs(calls, cuts)] if cuts else []
    return found + _loose_cuts(stack, failed)


def _counts_one_of(call: Call, counts: Set[int]) -> bool:
    return call.prompt_tokens is not None and call.prompt_tokens.value in counts


def _cut(stack: Stack, call: Call, served: Known[Tokens] | None, timeline: Timeline) -> _Cut | None:
    if call.outcome is not Outcome.DONE:
        return None
    span = span_of(call) if timeline else None
    events = truncation_events(timeline.during(*span)) if span else []
    for event in events:
        if isinstance(event, PromptTruncated):
            words = said(
                "the server cut {prompt:,} tokens to {kept:,} ({where})",
                prompt=event.prompt,
                kept=event.kept,
                where=event.where,
            )
            return _Cut(call, words, event_calculation(event), Known(event.prompt, event.where, Basis.REPORTED))
    mark = fingerprint(call, served, stack.server)
    if mark is not None:
        return _Cut(call, said("{mark}: a cut that is answered with HTTP 200", mark=mark[0]), mark[1], None)
    if events:
        return _Cut(
            call, said("the server dropped messages from the front ({where})", where=events[0].where), None, None
        )
    return None


def _runs(calls: Sequence[Call], cuts: dict[int, _Cut]) -> list[list[_Cut]]:
    runs: list[list[_Cut]] = []
    run: list[_Cut] = []
    for call in calls:
        cut = cuts.get(id(call))
        if cut is not None:
            run.append(cut)
            if len(run) == 1:
                runs.append(run)
        elif call.outcome is Outcome.DONE:
            run = []
    return runs


def _incident(stack: Stack, run: Sequence[_Cut]) -> Incident:
    first = run[0]
    more = (said("{run} answers in a row came from a cut prompt", run=len(run)),) if len(run) > 1 else ()
    return Incident(
        id="",
        time=first.call.started or first.call.ended,
        session=first.call.session,
        model=stack.route.ref if stack.route else stack.model,
        cause=Cause.TRUNCATION,
        explained=True,
        attempts=1,
        hidden_attempts=0,
        prompt_tokens=first.prompt or first.call.prompt_tokens,
        seconds=first.call.seconds,
        attempt_seconds=first.call.seconds,
        calculations=tuple(cut.calculation for cut in run[:1] if cut.calculation is not None),
        reasons=(first.words, *more),
        where=first.call.where,
    )


def _loose_cuts(stack: Stack, failed: Sequence[Turn]) -> list[Incident]:
    """Cuts in the log that fall into no call: of another client, or of calls whose transcript is not there."""
    events = truncation_events(stack.server.events if stack.server else ())
    if not events:
        return []
    busy = busy_in(stack.calls)
    known = {id(event) for turn in failed for event in turn.events}
    loose = [
        event
        for event in events
        if id(event) not in known and not (busy.at(instant(event.time)) if event.time else bool(busy))
    ]
    streaks: list[list[PromptTruncated | MessagesDropped]] = []
    for event in loose:
        if streaks and _continues(streaks[-1][-1], event):
            streaks[-1].append(event)
        else:
            streaks.append([event])
    return [_loose_incident(stack, streak) for streak in streaks]


def _continues(before: Event, event: Event) -> bool:
    if before.time is None or event.time is None:
        return before.time is None and event.time is None
    return abs(instant(event.time) - instant(before.time)) <= _SAME_STREAK


def _loose_incident(stack: Stack, streak: Sequence[PromptTruncated | MessagesDropped]) -> Incident:
    cut = max(
        (event for event in streak if isinstance(event, PromptTruncated)), key=lambda e: e.prompt - e.kept, default=None
    )
    first = streak[0]
    words = (
        said(
            "the server cut {prompt:,} tokens to {kept:,} ({where})", prompt=cut.prompt, kept=cut.kept, where=cut.where
        )
        if cut is not None
        else said("the server dropped messages from the front of a conversation ({where})", where=first.where)
    )
    more = (said("{streak} such lines in a row", streak=len(streak)),) if len(streak) > 1 else ()
    return Incident(
        id="",
        time=first.time,
        session=None,
        model=stack.route.ref if stack.route else stack.model,
        cause=Cause.TRUNCATION,
        explained=True,
        attempts=1,
        hidden_attempts=0,
        prompt_tokens=Known(cut.prompt, cut.where, Basis.REPORTED) if cut is not None else None,
        seconds=None,
        attempt_seconds=None,
        calculations=(event_calculation(cut),) if cut is not None else (),
        reasons=(words, *more),
        where=first.where,
    )
