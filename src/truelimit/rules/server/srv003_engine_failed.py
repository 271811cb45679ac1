"""The engine died or ran out of memory: no setting of the agent explains that.

## What it does
Reports failures for which the log or the error text names a crash of the engine or a lack of memory.

## Why it matters
A real crash must not be explained away by a window or a timeout, and a lack of memory is the one case in which
hardware, or a smaller model or context, is the answer.

## Fix safety
Manual.

## Sources
The engine's own words, quoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import counted, said
from truelimit.domain.session import Cause, Incident
from truelimit.rules.rule import Rule, caused_by, ids, tokens

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding for crashes and one for lacks of memory."""
    crashes = caused_by(view.incidents, Cause.ENGINE_CRASH)
    if crashes:
        steps = (
            said("read the server's log around this time"),
            said("update the server, or report the crash with its log"),
        )
        message = said("The engine died: no limit of context or time explains that.")
        yield _finding(view, crashes, message, steps)
    memory = caused_by(view.incidents, Cause.OUT_OF_MEMORY)
    if memory:
        yield _finding(view, memory, said("The engine ran out of memory: this limit is real."), _memory_steps(view))


def _finding(view: StackView, hit: tuple[Incident, ...], message: str, steps: tuple[str, ...]) -> Finding:
    return Finding(
        "SRV003",
        "engine-failed",
        Severity.FAILS,
        counted("{message} {count} incident.", "{message} {count} incidents.", len(hit), message=message),
        view.stack.model,
        evidence=tuple(dict.fromkeys(reason for item in hit for reason in item.reasons)),
        calculations=hit[0].calculations,
        fix=FixIdea(said("Find what the engine says"), Applicability.MANUAL, steps=steps),
        incidents=ids(hit),
    )


def _memory_steps(view: StackView) -> tuple[str, ...]:
    target = view.target
    if target is not None and target.fits and target.context > 0:
        return (
            said("lower the context to {context} tokens, the most that fits here", context=tokens(target.context)),
            said("or see MEM002"),
        )
    return (said("use a smaller context, a q8_0 cache (MEM002) or a smaller quantization"), said("or more memory"))


RULE = Rule("SRV003", "engine-failed", check, __doc__ or "")
