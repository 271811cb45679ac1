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
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import counted, said
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Call, ErrorKind
from truelimit.rules.rule import Rule

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


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
        counted(
            "{count} overflow was shown as something else, so the agent neither compacted nor said that the "
            "prompt was too long.",
            "{count} overflows were shown as something else, so the agent neither compacted nor said that the "
            "prompt was too long.",
            len(misread),
        ),
        view.stack.model,
        evidence=(said("{where}: {text}", where=misread[-1].where, text=text),),
        calculations=_numbers(misread[-1]),
        fix=FixIdea(
            said("Read it as an overflow"),
            Applicability.MANUAL,
            steps=(
                said("start a new session or compact by hand (/compact)"),
                said("raise the window (see the other findings)"),
            ),
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
