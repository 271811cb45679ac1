"""Retries should have gone on where the last one stopped, but did not.

## What it does
Engines keep what they have read when a client hangs up: Ollama up to 0.24 reads on to the end, later versions and
llama-server keep every finished batch. Several attempts at one prompt should therefore add up. Where they did not, it
says what the evidence shows of the reason (the model was loaded again, or unloaded, or the conversation thrown out of
the prompt cache); and where it shows none, it says so.

## Why it matters
A prompt that needs 370 s dies once at a wall of 300 s and is answered by the second attempt, if the prefix is kept.
When it is not kept, no number of retries helps.

## Fix safety
Manual: keep the prompt's start unchanged, keep the model loaded, give each agent its own slot or enough prompt cache.

## Sources
Ollama 0.24.0 and 0.33.0, llama-server b10434 and b11549: abandoned prefill measured on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.server import (
    CacheEntryRefused,
    Event,
    ModelEvicted,
    ModelLoaded,
)
from truelimit.domain.session import Cause, Incident
from truelimit.perf.prefill import is_lower_bound, prefill_seconds
from truelimit.rules.rule import Rule, caused_by, seconds, tokens

if TYPE_CHECKING:
    from truelimit.limits.view import StackView

_REASONS: tuple[tuple[type[Event], str], ...] = (
    (ModelLoaded, said("the model was loaded again in between, which empties the cache")),
    (ModelEvicted, said("the scheduler unloaded a model in between")),
    (CacheEntryRefused, said("the conversation was too large for the prompt cache and was thrown away")),
)


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding per incident whose attempts together outlasted the prefill, or would have to."""
    for incident in caused_by(view.incidents, Cause.PREFILL_EXCEEDS_WALL):
        if incident.attempts < 2 or incident.attempt_seconds is None or incident.prompt_tokens is None:
            continue
        reasons = _reasons(view, incident)
        enough = _would_have_been_enough(view, incident)
        if enough is False and not reasons:
            continue
        yield Finding(
            "TIM004",
            "retries-did-not-resume",
            Severity.DEGRADES,
            _message(incident, reasons, enough),
            view.stack.model,
            evidence=reasons,
            calculations=(_together(incident),),
            fix=FixIdea(said("Let retries resume"), Applicability.MANUAL, steps=_STEPS),
            incidents=(incident.id,),
        )


_STEPS = (
    said("keep the start of the prompt byte for byte the same between turns (no time stamps at its head)"),
    said("keep the model loaded (keep_alive) and use one num_ctx for all clients of the server"),
    said("stay below the served context: a prompt that is cut changes its start at every turn"),
)


def _reasons(view: StackView, incident: Incident) -> tuple[str, ...]:
    if incident.time is None or incident.seconds is None:
        return ()
    start = incident.time.timestamp()
    inside = [e for e in view.events if e.time and start - 2 <= e.time.timestamp() <= start + incident.seconds + 5]
    found = [
        said("{word} ({where})", word=word, where=event.where)
        for kind, word in _REASONS
        for event in inside[:200]
        if isinstance(event, kind)
    ]
    loads = [event for event in inside if isinstance(event, ModelLoaded)]
    if len(loads) < 2:  # one load at the start is what every cold request does
        found = [text for text in found if "loaded again" not in text]
    return tuple(dict.fromkeys(found))[:4]


def _would_have_been_enough(view: StackView, incident: Incident) -> bool | None:
    if view.prefill is None or incident.prompt_tokens is None or incident.attempt_seconds is None:
        return None
    size = incident.prompt_tokens.value
    needed, together = prefill_seconds(view.prefill, size), incident.attempts * incident.attempt_seconds
    if needed <= together and is_lower_bound(view.prefill, size):
        return None
    return bool(needed <= together)


def _message(incident: Incident, reasons: tuple[str, ...], enough: bool | None) -> str:
    together = incident.attempts * float(incident.attempt_seconds or 0)
    size = tokens(incident.prompt_tokens.value) if incident.prompt_tokens else "?"
    text = said(
        "{attempts} attempts at the same {size} tokens gave the engine {together} together; it "
        "keeps what it has read when a client hangs up, so each should have gone on where the last one stopped. ",
        attempts=incident.attempts,
        size=size,
        together=seconds(together),
    )
    if reasons:
        return text + said("They did not, and the log shows why: {reasons}.", reasons=reasons[0])
    if enough:
        return text + said("At this stack's rate that is enough, and it still failed: the evidence does not show why.")
    return text + said("Either they did not, or reading is slower than that: the evidence does not tell which.")


def _together(incident: Incident) -> Calculation:
    size = incident.prompt_tokens
    terms = (
        Term(
            "prompt",
            size.value if size else 0,
            "tokens",
            size.where if size else "",
            size.basis if size else Basis.ASSUMED,
        ),
        Term("attempts", incident.attempts, "attempts", incident.where, Basis.DERIVED),
        Term("attempt_seconds", float(incident.attempt_seconds or 0), "s", incident.where, Basis.MEASURED),
    )
    return calculate("prompt / (attempts * attempt_seconds)", "tokens/s", *terms)


RULE = Rule("TIM004", "retries-did-not-resume", check, __doc__ or "")
