"""Reading the prompt takes longer than somebody waits.

## What it does
Finds failures whose attempts ended at a known wall while the server was still reading, and prints T(n) = a*n + b*n**2/2
against the wall: by a fit of the server's own log, else by the incident itself (the average rate that it implies, as
an upper bound). Also says what the wall means as a context: the longest cold prompt that is read in time.

## Why it matters
It looks like a crash every five minutes. Nothing crashed: the client hung up. The same prompt would have been answered.

## Fix safety
Safe where every timer that ends such a reading has a key that this version accepts: a longer wait breaks nothing, and
all of them are raised at once. Where no key moves the wall, manual: see TIM002.

## Sources
Node's fetch (300 s without headers); OpenClaw 2026.2.17 and 2026.9.6 (every timer on the path); llama.cpp's published
depth series (why one rate in tokens/s does not describe a long prompt).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import ABSENT, Applicability, ConfigEdit, Finding, FixIdea, Severity
from truelimit.domain.message import counted, said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import Cause, Incident
from truelimit.limits.time import COMMAND, bounds_prefill, timers
from truelimit.limits.words import rung_words, told
from truelimit.perf.prefill import prefill_seconds, tells_wall, wall_as_context_calculation
from truelimit.rules.rule import Rule, caused_by, ids, seconds, tokens

if TYPE_CHECKING:
    from truelimit.domain.agent import ConfigPlace, Timeout
    from truelimit.domain.calculation import Calculation
    from truelimit.limits.view import StackView
    from truelimit.units import Tokens

_MARGIN = 1.5  # a key is set to the computed time with half as much again, to the full minute


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding for all incidents in which reading outlasted a wall."""
    hit = caused_by(view.incidents, Cause.PREFILL_EXCEEDS_WALL)
    wall = view.time.binding
    if not hit or wall is None:
        return
    biggest = max(hit, key=lambda item: item.prompt_tokens.value if item.prompt_tokens else 0)
    yield Finding(
        "TIM001",
        "prefill-exceeds-wall",
        Severity.FAILS,
        _message(view, hit, biggest),
        view.stack.model,
        evidence=(
            *(reason for item in hit for reason in item.reasons[:1]),
            *(
                said("{rung}: {where}", rung=rung_words(rung.name), where=rung.where)
                for rung in (wall, *view.time.tied)
            ),
        ),
        calculations=_calculations(view, biggest),
        fix=_fix(view, biggest),
        incidents=ids(hit),
    )


def _message(view: StackView, hit: tuple[Incident, ...], biggest: Incident) -> str:
    wall = view.time.binding
    attempts = sum(item.attempts for item in hit)
    size = size_of(biggest.prompt_tokens)
    text = counted(
        "{count} attempt ended at the wall of {wall} ({told}) while the server was still reading {size}: "
        "no crash, the client hung up.",
        "{count} attempts ended at the wall of {wall} ({told}) while the server was still reading {size}: "
        "no crash, the client hung up.",
        attempts,
        wall=seconds(wall.value) if wall else "?",
        told=told((wall, *view.time.tied)) if wall else "?",
        size=size,
    )
    if view.prefill is None:
        return text
    limit = (
        wall_as_context_calculation(view.prefill, wall.value) if wall and tells_wall(view.prefill, wall.value) else None
    )
    more = (
        said(" At this stack's rate that wall is a context of {result} tokens.", result=tokens(limit.result))
        if limit
        else ""
    )
    return text + more


def size_of(prompt: Known[Tokens] | None) -> str:
    """Return the size of a prompt for people: an estimate is called one."""
    if prompt is None:
        return said("a prompt of unknown size")
    return said(
        "{text}{prompt} tokens", text="about " if prompt.basis is Basis.ASSUMED else "", prompt=tokens(prompt.value)
    )


def _calculations(view: StackView, biggest: Incident) -> tuple[Calculation, ...]:
    found = list(biggest.calculations)
    wall = view.time.binding
    if view.prefill is not None and wall is not None and tells_wall(view.prefill, wall.value):
        found.append(wall_as_context_calculation(view.prefill, wall.value))
    return tuple(found)


def wall_timers(view: StackView) -> tuple[Timeout, ...]:
    """Return the agent's timers behind the binding rung of the time ladder: one, or all that end in that second."""
    wall = view.time.binding
    if wall is None or view.route is None:
        return ()
    names = {wall.name, *(rung.name for rung in view.time.tied)}
    return tuple(item for item in view.route.timeouts if item.name in names and item.seconds.value == wall.value)


def _fix(view: StackView, biggest: Incident) -> FixIdea | None:
    """Raise every timer that would end such a reading: the one that did, those in the same second, and the next."""
    walls, needed = wall_timers(view), _needed(view, biggest)
    if not walls or needed is None or any(timer.place is None for timer in walls):
        return None
    value = max(60, math.ceil(needed * _MARGIN / 60) * 60)
    if any(timer.bounds == COMMAND for timer in walls):  # its key holds for other turns too, which wait far longer
        steps = tuple(
            said("{remedy}; at least {value}", remedy=timer.remedy, value=value)
            for timer in walls
            if timer.bounds == COMMAND
        )
        return FixIdea(said("Let the command wait {value}", value=seconds(value)), Applicability.MANUAL, steps=steps)
    short = [t for t in timers(view.stack) if bounds_prefill(t.bounds, view.server) and t.seconds.value < value]
    edits = {str(timer.place): _edit(timer, timer.place, value) for timer in short if timer.place is not None}
    left = tuple(_next(timer) for timer in short if timer.place is None)
    title = said("Wait {value} instead of {seconds}", value=seconds(value), seconds=seconds(walls[0].seconds.value))
    return FixIdea(title, Applicability.SAFE, tuple(edits.values()), left)


def _next(timer: Timeout) -> str:
    remedy = timer.remedy or said("raise it too")
    return said(
        "{timer} of {seconds} would end it next: {remedy}",
        timer=rung_words(timer.name),
        seconds=seconds(timer.seconds.value),
        remedy=remedy,
    )


def _edit(timer: Timeout, place: ConfigPlace, value: int) -> ConfigEdit:
    current = round(timer.seconds.value) if place.line is not None else ABSENT
    why = said("reading such a prompt takes this long, with half as much again")
    return ConfigEdit(place.file, place.path, current, value, why, at_least=True)


def _needed(view: StackView, biggest: Incident) -> float | None:
    if view.prefill is not None and biggest.prompt_tokens is not None:
        return max(prefill_seconds(view.prefill, biggest.prompt_tokens.value), float(biggest.seconds or 0))
    return biggest.seconds and float(biggest.seconds) * 2


RULE = Rule("TIM001", "prefill-exceeds-wall", check, __doc__ or "")
