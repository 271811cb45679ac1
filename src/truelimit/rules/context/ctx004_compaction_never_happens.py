"""Compaction is counted but never happens.

## What it does
Compares the agent's count of compactions with the compaction entries in the transcript. A count without entries means
that each attempt failed. Also fires where this version is known to be unable to compact over this api.

## Why it matters
The session grows past the window without a log line; every turn is cut by the server and read again from the start.

## Fix safety
Manual: use the api over which this version can compact, or a version that can.

## Sources
OpenClaw 2026.2.17, native Ollama: "No API provider registered for api: ollama" (mended in March 2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, calculate, term
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.rules.rule import Rule

if TYPE_CHECKING:
    from truelimit.domain.session import Session
    from truelimit.limits.view import StackView


def check(view: StackView, sessions: tuple[Session, ...]) -> Iterator[Finding]:
    """Yield one finding per session whose compactions left no trace."""
    for session in sessions:
        count = session.compaction_count
        if count is None or count.value <= session.compaction_entries:
            continue
        entries = Term(
            "compaction_entries",
            session.compaction_entries,
            "entries",
            said("transcript {where}", where=session.where),
            Basis.MEASURED,
        )
        failed = calculate(
            "counted - compaction_entries", "compactions", term("counted", count, "compactions"), entries
        )
        yield Finding(
            "CTX004",
            "compaction-never-happens",
            Severity.FAILS,
            said(
                "Session {id} counts {number} compactions and its transcript holds "
                "{compaction_entries}: {result} failed, and the session kept growing.",
                id=session.id,
                number=count.value,
                compaction_entries=session.compaction_entries,
                result=failed.result,
            ),
            view.stack.model,
            evidence=(count.where, session.where),
            calculations=(failed,),
            fix=FixIdea(said("Compact over an api that can"), Applicability.MANUAL, steps=_steps(view)),
        )


def _steps(view: StackView) -> tuple[str, ...]:
    remedy = view.route.compaction_remedy if view.route else ()
    if remedy:
        return (*remedy, said("start a new session (/new): this one is past the window already"))
    return (
        said("start a new session (/new)"),
        said("look for the reason of the failed compactions in the agent's log"),
    )


RULE = Rule("CTX004", "compaction-never-happens", check, __doc__ or "")
