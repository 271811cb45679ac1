"""Not explained: the arithmetic does not account for this failure.

## What it does
Lists failures that no limit, no wall and no message of an engine explains, with what was tried.

## Why it matters
A guess would send somebody to buy hardware or to turn knobs. What is not known is said to be not known.

## Fix safety
Nothing to apply.

## Sources
The incident itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import counted, said
from truelimit.domain.session import Cause
from truelimit.rules.rule import Rule, caused_by, ids

if TYPE_CHECKING:
    from truelimit.limits.view import StackView

_STEPS = (
    said("examine again with the server's log of that time (--log FILE)"),
    said("run the same request once more with the log at debug level"),
)


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding for all unexplained incidents of the stack."""
    hit = caused_by(view.incidents, Cause.UNEXPLAINED)
    if not hit:
        return
    yield Finding(
        "SRV004",
        "not-explained",
        Severity.NOTE,
        counted(
            "{count} failure is not explained by any limit, timer or engine message that was found.",
            "{count} failures are not explained by any limit, timer or engine message that was found.",
            len(hit),
        ),
        view.stack.model,
        evidence=tuple(dict.fromkeys(reason for item in hit for reason in item.reasons)),
        calculations=hit[0].calculations,
        fix=FixIdea(said("Find more evidence"), Applicability.MANUAL, steps=_STEPS),
        incidents=ids(hit),
    )


RULE = Rule("SRV004", "not-explained", check, __doc__ or "")
