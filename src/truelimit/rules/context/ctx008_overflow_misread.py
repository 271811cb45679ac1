"""The agent misreads the server's overflow text.

## What it does
Looks for calls whose error is an overflow for the server and something else for the agent.

## Why it matters
The user reads "provider rejected the request schema or tool payload" and looks for a fault in the tools. No compaction
is tried, no word says that the prompt was too long.

## Fix safety
Manual, beside a window that holds the prompt (CTX001, CTX002).

## Sources
OpenClaw 2026.9.6 with Ollama 0.30.9 and later ("the prompt is longer than the context length currently available").
"""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Call, ErrorKind
from truelimit.limits.view import StackView
from truelimit.rules.rule import Rule


def check(view: StackView, calls: tuple[Call, ...]) -> Iterator[Finding]:
    """Yield one finding for all overflows that the agent took for something else."""
    misread = [call for call in calls if call.error and call.error.misread and call.error.kind is ErrorKind.OVERFLOW]
    if not misread:
        return
    text = misread[-1].error.text if misread[-1].error else ""
    hit = tuple(item.id for item in view.incidents if item.error is not None and item.error.misread)
    yield Finding(
        "CTX008",
        "overflow-misread",
        Severity.DEGRADES,
        f"{len(misread)} overflow{'s were' if len(misread) > 1 else ' was'} shown as something else, so the agent "
        "neither compacted nor said that the prompt was too long.",
        view.stack.model,
        evidence=(f"{misread[-1].where}: {text}",),
        calculations=_numbers(misread[-1]),
        fix=FixIdea(
            "Read it as an overflow",
            Applicability.MANUAL,
            steps=("start a new session or compact by hand (/compact)", "raise the window (see the other findings)"),
        ),
        incidents=hit,
    )


def _numbers(call: Call) -> tuple[Calculation, ...]:
    error = call.error
    if error is None or error.prompt is None or error.context is None:
        return ()
    terms = (
        Term("prompt", error.prompt, "tokens", call.where, Basis.REPORTED),
        Term("context", error.context, "tokens", call.where, Basis.REPORTED),
    )
    return (calculate("prompt - context", "tokens", *terms),)


RULE = Rule("CTX008", "overflow-misread", check, __doc__ or "")
