"""Incidents of a stack: failed turns, prompts cut in silence, and failures that only the server's log shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from truelimit.domain.message import joined, said
from truelimit.domain.session import Cause, ErrorKind, Incident
from truelimit.limits.addresses import address_of
from truelimit.limits.answers import kind_of
from truelimit.limits.causes import Judge, Judgement, Scene, cancelled, engine_failed, exceeds_window, overflow
from truelimit.limits.causes_gone import engine_gone
from truelimit.limits.causes_time import loading, prefill_exceeds_wall, queued
from truelimit.limits.cut import cut_prompts, truncated_by_log
from truelimit.limits.loose import loose_turns
from truelimit.limits.timeline import Timeline
from truelimit.limits.turns import Turn, failed_turns
from truelimit.limits.walls import attempt_walls, run_walls
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.limits import MemoryLadder
    from truelimit.domain.provenance import Known
    from truelimit.domain.rates import DecodeFit, PrefillFit

_JUDGES: tuple[Judge, ...] = (
    engine_failed,
    engine_gone,
    overflow,
    loading,
    queued,
    prefill_exceeds_wall,
    truncated_by_log,
    cancelled,
)

_BY_THE_CLOCK = {Cause.PREFILL_EXCEEDS_WALL, Cause.LOAD_EXCEEDS_WALL, Cause.QUEUE_EXCEEDS_WALL}


def incidents(
    stack: Stack,
    served: Known[Tokens] | None,
    prefill: PrefillFit | None,
    decode: DecodeFit | None,
    memory: MemoryLadder | None = None,
) -> tuple[Incident, ...]:
    """Return what went wrong on the stack, in order of time, each with its cause or as unexplained."""
    timeline = Timeline(stack.server.events if stack.server else ())
    scene = Scene(stack, served, prefill, decode, memory)
    turns = [turn for turn in failed_turns(stack, timeline) if not (_elsewhere(stack) and _about_service(turn))]
    turns += loose_turns(stack, timeline)
    found = [_incident(stack, turn, judge(turn, scene)) for turn in turns]
    found += cut_prompts(stack, served, turns)
    found.sort(key=lambda item: (item.time is None, item.time.timestamp() if item.time else 0.0))
    return tuple(replace(item, id=f"{_name(stack)} #{number}") for number, item in enumerate(found, 1))


def _name(stack: Stack) -> str:
    model = stack.route.ref if stack.route else stack.model
    return f"{stack.agent.name} {model}" if stack.agent else model


def _elsewhere(stack: Stack) -> bool:
    """The model runs at a provider, not on a machine of one's own."""
    route = stack.route
    if route is None or stack.server is not None or kind_of(route.provider, route.api, route.base_url) is not None:
        return False
    address = address_of(route.base_url)
    return address is None or not address.is_near


def _about_service(turn: Turn) -> bool:
    """Failures that tell of a provider's accounts and rates, not of limits of context or time."""
    limits = (ErrorKind.OVERFLOW, ErrorKind.TIMEOUT, ErrorKind.WINDOW_TOO_SMALL)
    return not turn.has(*limits) and not turn.aborted


def judge(turn: Turn, scene: Scene) -> Judgement:
    """Return the judgement of the first judge that the evidence supports, else that the turn is unexplained."""
    found = next((result for judged in _JUDGES if (result := judged(turn, scene)) is not None), None)
    if found is None:
        return _unexplained(turn, scene)
    also = exceeds_window(turn, scene) if found.cause in _BY_THE_CLOCK else None
    if also is None:
        return found
    return Judgement(
        found.cause, found.explained, (*found.reasons, *also.reasons), (*found.calculations, *also.calculations)
    )


def _unexplained(turn: Turn, scene: Scene) -> Judgement:
    walls = [*attempt_walls(scene.stack), *run_walls(scene.stack)]
    known = joined(", ", (said("{timer} {seconds:,.0f} s", timer=w.name, seconds=w.seconds.value) for w in walls))
    words = (said('the error says "{error}"', error=turn.error.text),) if turn.error is not None else ()
    if turn.seconds is None:
        return Judgement(Cause.UNEXPLAINED, False, (*words, said("how long it took is not recorded")))
    lasted = said("it lasted {seconds:,.1f} s", seconds=turn.seconds)
    tried = (
        said("{lasted}, which matches no timer that is known ({known})", lasted=lasted, known=known)
        if known
        else said("{lasted}, and no timer is known", lasted=lasted)
    )
    quiet = said("the log shows no crash, no refusal and no long load then")
    log = quiet if turn.events else said("no log of that time was found")
    return Judgement(Cause.UNEXPLAINED, False, (*words, tried, log))


def _incident(stack: Stack, turn: Turn, found: Judgement) -> Incident:
    return Incident(
        id="",
        time=_time(turn),
        session=turn.session,
        model=stack.route.ref if stack.route else stack.model,
        cause=found.cause,
        explained=found.explained,
        attempts=turn.attempts,
        hidden_attempts=turn.attempts - turn.visible,
        prompt_tokens=found.prompt or turn.prompt,
        seconds=Seconds(turn.seconds) if turn.seconds is not None else None,
        attempt_seconds=Seconds(turn.attempt_seconds) if turn.attempt_seconds is not None else None,
        calculations=found.calculations,
        reasons=found.reasons,
        error=turn.error,
        where=turn.where,
    )


def _time(turn: Turn) -> datetime | None:
    """When the turn began, in the zone of its transcript where it has one."""
    own = turn.calls[0].started or turn.calls[0].ended if turn.calls else None
    if own is not None or turn.start is None:
        return own
    return datetime.fromtimestamp(turn.start, UTC)


def by_cause(found: Sequence[Incident], *causes: Cause) -> tuple[Incident, ...]:
    """Return the incidents with one of these causes."""
    return tuple(item for item in found if item.cause in causes)
