"""Retries multiply the wait, and the advice of the error text cannot help.

## What it does
Counts the attempts behind one visible failure: those in the transcript and those that a client library makes without a
trace (the duration of one call is a multiple of the wall). Checks whether the key that the error text advises to raise
lies on the path at all.

## Why it matters
One call of 908 s looks like a slow model. It is three attempts of 302 s, each killed by the same wall: a longer
overall timeout only buys more attempts.

## Fix safety
Nothing to apply: the wall is the fault (TIM001, TIM002).

## Sources
OpenAI's JavaScript client (2 hidden retries); OpenClaw 2026.2.17 (3 attempts over openai-completions, 4 over ollama).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Cause, Incident
from truelimit.rules.rule import Rule, caused_by, seconds

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding per incident that was tried more than once against the same wall."""
    for incident in caused_by(view.incidents, Cause.PREFILL_EXCEEDS_WALL, Cause.LOAD_EXCEEDS_WALL):
        if incident.attempts < 2 or incident.seconds is None or incident.attempt_seconds is None:
            continue
        hidden = (
            said(", {hidden_attempts} of them hidden from the transcript", hidden_attempts=incident.hidden_attempts)
            if incident.hidden_attempts
            else ""
        )
        yield Finding(
            "TIM003",
            "retries-multiply",
            Severity.DEGRADES,
            said(
                "One request was tried {attempts} times{hidden}: {seconds} of waiting in "
                "attempts of {attempt_seconds}.{view}",
                attempts=incident.attempts,
                hidden=hidden,
                seconds=seconds(incident.seconds),
                attempt_seconds=seconds(incident.attempt_seconds),
                view=_advice(view, incident),
            ),
            view.stack.model,
            evidence=(incident.where,),
            calculations=(_product(incident),),
            fix=FixIdea(said("Mend the wall, not the retries"), Applicability.MANUAL, steps=_steps(view, incident)),
            incidents=(incident.id,),
        )


def _product(incident: Incident) -> Calculation:
    duration = Term("duration", float(incident.seconds or 0), "s", incident.where, Basis.MEASURED)
    attempts = Term(
        "attempts", incident.attempts, "attempts", said("duration over the wall, to the whole"), Basis.DERIVED
    )
    return calculate("duration / attempts", "s", duration, attempts)


def useless_advice(view: StackView, incident: Incident) -> str | None:
    """Return the key that cannot help (the error text's, else the agent's run timeout above the wall), or None."""
    wall, route = view.time.binding, view.route
    if wall is None or route is None:
        return None
    advised = incident.error.advice_key if incident.error else None
    for timer in route.timeouts:
        if timer.place is None or timer.bounds != "run" or timer.seconds.value <= wall.value:
            continue
        key = ".".join(str(part) for part in timer.place.path)
        if advised in {None, key}:
            return key
    return None


def _advice(view: StackView, incident: Incident) -> str:
    key = useless_advice(view, incident)
    wall = view.time.binding
    if key is None or wall is None:
        return ""
    return said(
        " Raising {key}, as this agent's own error text advises, cannot help: it bounds all attempts together, and "
        "each one ends at {wall} before it.",
        key=key,
        wall=seconds(wall.value),
    )


def _steps(view: StackView, incident: Incident) -> tuple[str, ...]:
    key = useless_advice(view, incident)
    first = (said("leave {key} as it is", key=key),) if key else ()
    return (*first, said("see TIM001 and TIM002 for the wall itself"))


RULE = Rule("TIM003", "retries-multiply", check, __doc__ or "")
