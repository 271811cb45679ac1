"""A plan of changes, its receipt and its proof as blocks and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truelimit.domain.message import counted, joined, said
from truelimit.limits.words import spoken
from truelimit.report import as_json
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Shown
from truelimit.report.calculations import calculation

if TYPE_CHECKING:
    from truelimit.app.fix_proof import Proof
    from truelimit.app.fix_receipt import Receipt
    from truelimit.fixes.change import FixPlan, Outlook

SCHEMA = "truelimit.fix/1"


@dataclass(frozen=True, slots=True)
class FixResult:
    """What came of it: the plan, and where it was applied the receipt and its proof, and whether that was undone."""

    plan: FixPlan
    receipt: Receipt | None = None
    proof: Proof | None = None
    undone: bool = False


def blocks(result: FixResult) -> list[Block]:
    """Return the plan: changes with diff, what is expected, what a person must do; then receipt and proof."""
    plan = result.plan
    found: list[Block] = [Paragraph(_sentence(result), "verdict")]
    for number, fix in enumerate(plan.fixes, start=1):
        codes = ", ".join(dict.fromkeys(code for code, _ in fix.resolves))
        found.append(
            Paragraph(
                said(
                    "{number}. {title} ({applicability}; {codes})",
                    number=number,
                    title=fix.title,
                    applicability=fix.applicability,
                    codes=codes,
                ),
                "good",
                2,
            )
        )
    found += _changes(plan)
    shown = Shown()
    for item in plan.outlooks:
        found += _outlook(item, shown)
    found += _rest(plan, shown)
    return found + _outcome(result)


def _sentence(result: FixResult) -> str:
    plan = result.plan
    if result.undone:
        return said("The proof failed and everything was put back as it was.")
    if result.proof is not None and result.receipt is not None:
        holds = said("applied") if result.proof.holds else said("applied, NOT proven")
        state = said("proven") if result.proof.complete else holds
        return said("The fix is {state}. truelimit undo {id} puts everything back.", state=state, id=result.receipt.id)
    if plan.is_empty:
        unsafe, nothing = said("There is nothing that could be changed safely."), said("There is nothing to fix.")
        return unsafe if plan.manual or plan.held else nothing
    count = len(plan.files) + len(plan.definitions)
    why = joined("; ", plan.blocked)
    return counted(
        "The plan makes {count} change ({applicability}). Nothing is written yet.{blocked}",
        "The plan makes {count} changes ({applicability}). Nothing is written yet.{blocked}",
        count,
        applicability=plan.applicability,
        blocked=said(" It cannot be applied now: {why}.", why=why) if plan.blocked else "",
    )


def _changes(plan: FixPlan) -> list[Block]:
    found: list[Block] = []
    for item in plan.definitions:
        values = ", ".join(f"{key} {value}" for key, value in item.parameters.items())
        found.append(
            Heading(
                said(
                    "{server}: new definition {name} from {base} with {values}",
                    server=item.server,
                    name=item.name,
                    base=item.base,
                    values=values,
                ),
                2,
            )
        )
        found.append(Items((item.why, item.kept), 2))
    for change in plan.files:
        found += [Heading(change.file, 2), Preformatted(change.diff)]
    return found


_MOVED = said("A larger window alone only moves this failure from overflow to timeout.")


def _outlook(item: Outlook, shown: Shown) -> list[Block]:
    found: list[Block] = [
        Heading(said("Afterwards: {model}", model=item.model), 2),
        Items(_spoken(item.expectation.notes), 2),
    ]
    if item.moves_failure:
        found.append(Paragraph(_MOVED, "bad", 2))
    if item.needs:
        found.append(Items(tuple(said("also needed: {need}", need=need) for need in _spoken(item.needs)), 2))
        shown.steps.update(item.needs)
    for calc in item.calculations:
        found += calculation(calc, shown=shown)
    return found


def _rest(plan: FixPlan, shown: Shown) -> list[Block]:
    found = _by_hand(plan, shown)
    for title, lines in (
        (said("Left out, because it may do harm (--unsafe includes it)"), tuple(fix.title for fix in plan.held)),
        (
            said("Refused"),
            tuple(said("{title}: {reason}", title=item.fix.title, reason=item.reason) for item in plan.refused),
        ),
        (said("Note"), plan.warnings),
    ):
        if lines:
            found += [Heading(title, 2), Items(_spoken(lines), 2)]
    return found


def _by_hand(plan: FixPlan, shown: Shown) -> list[Block]:
    """What a person must do, by matter, each step once."""
    by_matter: dict[str, list[str]] = {}
    for item in plan.manual:
        above = any(item.step in text for text in shown.steps)
        step = said('what "also needed" says above') if above else item.step
        steps = by_matter.setdefault(item.title, [])
        if step not in steps and (above or step not in shown.steps):
            steps.append(step)
        shown.steps.add(item.step)
    found: list[Block] = []
    for title, steps in by_matter.items():
        if steps:
            found += [Paragraph(said("{title}:", title=spoken(title)), "plain", 2), Items(_spoken(steps), 4)]
    return [Heading(said("By hand"), 2), *found] if found else []


def _spoken(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(spoken(line) for line in lines)


_APPLY = said("truelimit fix --apply carries it out, proves it, and keeps what undo needs.")


def _outcome(result: FixResult) -> list[Block]:
    found: list[Block] = []
    if result.receipt is not None:
        found.append(Heading(said("Receipt {id}", id=result.receipt.id), 2))
        found.append(Items(tuple(str(step) for step in result.receipt.steps), 2))
    if result.proof is not None:
        found += [Heading(said("Proof"), 2), Items(tuple(str(check) for check in result.proof.checks), 2)]
    if result.receipt is None and not result.plan.is_empty:
        found.append(Paragraph(_APPLY, "good"))
    return found


def to_json(result: FixResult) -> str:
    """Return plan, receipt and proof as JSON text of schema truelimit.fix/1."""
    plan = result.plan
    value: dict[str, object] = {
        "schema": SCHEMA,
        "plan": {
            "applicability": plan.applicability.value,
            "fixes": [{"title": f.title, "applicability": f.applicability.value} for f in plan.fixes],
            "definitions": [
                {"server": d.server, "name": d.name, "from": d.base, "parameters": dict(d.parameters)}
                for d in plan.definitions
            ],
            "files": [{"file": change.file, "diff": change.diff} for change in plan.files],
            "manual": [{"title": item.title, "step": item.step} for item in plan.manual],
            "held": [fix.title for fix in plan.held],
            "refused": [{"title": item.fix.title, "reason": item.reason} for item in plan.refused],
            "blocked": list(plan.blocked),
            "warnings": list(plan.warnings),
            "outlooks": [_outlook_json(item) for item in plan.outlooks],
        },
        "receipt": result.receipt.id if result.receipt else None,
        "proof": None if result.proof is None else _proof_json(result.proof),
        "undone": result.undone,
    }
    return as_json.dump(value)


def _outlook_json(item: Outlook) -> dict[str, object]:
    return {
        "model": item.model,
        "served_context": item.expectation.served_context,
        "agent_context": item.expectation.agent_context,
        "notes": list(item.expectation.notes),
        "moves_failure": item.moves_failure,
        "needs": list(item.needs),
        "calculations": [as_json.calculation(calc) for calc in item.calculations],
    }


def _proof_json(proof: Proof) -> dict[str, object]:
    checks = [{"name": c.name, "outcome": c.outcome.value, "text": c.text} for c in proof.checks]
    return {"holds": proof.holds, "complete": proof.complete, "checks": checks}
