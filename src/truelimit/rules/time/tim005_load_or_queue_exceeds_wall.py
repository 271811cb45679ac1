"""The wait was for loading the model or for another request, not for reading.

## What it does
Finds failures at a wall during which the log shows a load, or another request in the slot.

## Why it matters
Raising the context or buying faster memory changes nothing: the model was not there yet, or not free.

## Fix safety
Manual: keep the model loaded, warm it before use, give a second agent a slot of its own.

## Sources
Ollama: OLLAMA_LOAD_TIMEOUT bounds a stalled load only; time in the queue is in no field of its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.session import Cause, Incident
from truelimit.rules.rule import Rule, caused_by, seconds

if TYPE_CHECKING:
    from truelimit.limits.view import StackView

_STEPS = {
    Cause.LOAD_EXCEEDS_WALL: (
        said("keep the model loaded: keep_alive -1 in the request, or OLLAMA_KEEP_ALIVE=-1 for the server"),
        said("load it before the agent starts: an empty prompt to /api/generate does that and no more"),
    ),
    Cause.QUEUE_EXCEEDS_WALL: (
        said("give the second agent its own slot (OLLAMA_NUM_PARALLEL=2 or --parallel 2: the cache grows with it)"),
        said("or let the agents run one after the other"),
    ),
}
_WORDS = {
    Cause.LOAD_EXCEEDS_WALL: said("the model was loading"),
    Cause.QUEUE_EXCEEDS_WALL: said("other requests came first"),
}


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding per incident that waited for a load or in a queue."""
    for incident in caused_by(view.incidents, *_STEPS):
        yield Finding(
            "TIM005",
            "load-or-queue-exceeds-wall",
            Severity.FAILS,
            _message(incident),
            view.stack.model,
            evidence=incident.reasons,
            calculations=incident.calculations,
            fix=FixIdea(said("Have the model ready"), Applicability.MANUAL, steps=_STEPS[incident.cause]),
            incidents=(incident.id,),
        )


def _message(incident: Incident) -> str:
    if incident.cause is Cause.QUEUE_EXCEEDS_WALL and (incident.seconds is None or incident.seconds < 1):
        return said("The server's queue was full, and the request was sent away at once: reading had not begun.")
    length = seconds(incident.seconds) if incident.seconds is not None else said("an unknown time")
    return said(
        "The request waited {length} and {words}: reading had not begun.", length=length, words=_WORDS[incident.cause]
    )


RULE = Rule("TIM005", "load-or-queue-exceeds-wall", check, __doc__ or "")
