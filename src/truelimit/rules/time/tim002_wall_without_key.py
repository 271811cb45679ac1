"""No key of this version moves the wall.

## What it does
Where the wall that ended requests is built into a client library, it says so, and what does help: fewer tokens, a warm
prefix, a version without that wall. Also fires where a key exists but a hidden wall lies below it, or in the same
second: raising that key alone changes nothing.

## Why it matters
Users raise every timeout they find, and the request still dies after 300 s. Hours go into keys that are never read.

## Fix safety
Manual: upgrades and working habits are for a person to decide.

## Sources
Node's fetch (undici): headersTimeout and bodyTimeout of 300 s; OpenClaw 2026.2.17 has no key for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.session import Cause
from truelimit.limits.words import told
from truelimit.perf.prefill import tells_wall, wall_as_context_calculation
from truelimit.rules.rule import Rule, caused_by, ids, seconds, tokens
from truelimit.rules.time.tim001_prefill_exceeds_wall import wall_timers

if TYPE_CHECKING:
    from truelimit.domain.agent import Route, Timeout
    from truelimit.domain.calculation import Calculation
    from truelimit.limits.view import StackView


def check(view: StackView, route: Route) -> Iterator[Finding]:
    """Yield one finding when the binding wall has no key and a request met it or would meet it."""
    walls, hit = wall_timers(view), caused_by(view.incidents, Cause.PREFILL_EXCEEDS_WALL)
    fixed = tuple(timer for timer in walls if timer.place is None)
    if not fixed:
        return
    wall = float(fixed[0].seconds.value)
    calculations = _as_context(view, wall)
    reachable = bool(calculations) and calculations[0].result < route.agent_context.value
    if not hit and not reachable:
        return
    yield Finding(
        "TIM002",
        "wall-without-key",
        Severity.FAILS if hit else Severity.DEGRADES,
        said("No key of this version moves the {fixed} of {wall}", fixed=told(fixed), wall=seconds(wall))
        + (
            said(": a cold prompt above {result} tokens cannot be read here.", result=tokens(calculations[0].result))
            if calculations
            else "."
        ),
        view.stack.model,
        evidence=tuple(timer.seconds.where for timer in fixed),
        calculations=calculations,
        fix=FixIdea(said("Get past a wall that has no key"), Applicability.MANUAL, steps=_steps(view, fixed)),
        incidents=ids(hit),
    )


def _as_context(view: StackView, wall: float) -> tuple[Calculation, ...]:
    if view.prefill is None or not tells_wall(view.prefill, wall):
        return ()
    return (wall_as_context_calculation(view.prefill, wall),)


def _steps(view: StackView, fixed: tuple[Timeout, ...]) -> tuple[str, ...]:
    steps = list(dict.fromkeys(timer.remedy for timer in fixed if timer.remedy))
    keyed = [timer for timer in wall_timers(view) if timer.place is not None]
    steps += [said("raise {place} as well: it ends in the same second", place=timer.place) for timer in keyed]
    limit = _as_context(view, float(view.time.binding.value)) if view.time.binding else ()
    if limit:
        steps.append(
            said(
                "until then keep cold prompts below {result} tokens (compact earlier, start anew)",
                result=tokens(limit[0].result),
            )
        )
    steps.append(said("keep the model loaded and the start of the prompt unchanged, so that only new tokens are read"))
    return tuple(steps)


RULE = Rule("TIM002", "wall-without-key", check, __doc__ or "")
