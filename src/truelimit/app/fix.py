"""``fix``: make the plan, apply it whole or not at all, prove it, roll back what an interrupted run left."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.app.fix_ports import FixError, FixPorts, OnStep, nothing, texts_of
from truelimit.app.fix_proof import Proof, prove
from truelimit.app.fix_receipt import DefinitionStep, FileStep, Receipt, Step
from truelimit.app.fix_transaction import Transaction
from truelimit.domain.findings import ConfigEdit, Finding, Severity
from truelimit.domain.message import joined, said
from truelimit.fixes.files import EditRefused, edited
from truelimit.fixes.plan import plan

if TYPE_CHECKING:
    from truelimit.domain.diagnosis import Diagnosis
    from truelimit.domain.facts import Facts
    from truelimit.fixes.change import FileChange, FixPlan
    from truelimit.fixes.outlook import Prospect

__all__ = ["FixFailed", "Proof", "apply", "make_plan", "prove", "recover"]


class FixFailed(FixError):
    """Applying failed. ``receipt`` tells how far it came; ``problems`` is empty when everything is as before."""

    def __init__(self, cause: str, receipt: Receipt, problems: tuple[str, ...]) -> None:
        """Say what failed and whether the old state is back."""
        self.receipt = receipt
        self.problems = problems
        after = (
            said("everything is as before")
            if not problems
            else said("NOT everything could be restored: {problems}", problems=joined("; ", problems))
        )
        super().__init__(said("{cause}. Rolled back: {after}", cause=cause, after=after))


def make_plan(
    diagnosis: Diagnosis,
    facts: Facts,
    ports: FixPorts,
    *,
    prospects: Sequence[Prospect] = (),
    allow_unsafe: bool = False,
    only: Collection[str] = (),
) -> FixPlan:
    """Return the plan for a diagnosis. Reads the files that would change; writes nothing.

    ``only`` limits the plan to findings with these codes. A note says that something could be better, not that it is
    wrong: its fix may overwrite what the user chose, so it is in the plan only where ``only`` names it.
    ``prospects`` are what the stacks will be afterwards.
    """
    findings = tuple(item for item in diagnosis.findings if item.severity is not Severity.NOTE or item.code in only)
    edits = tuple(edit for item in findings if item.fix for edit in item.fix.edits if isinstance(edit, ConfigEdit))
    made = plan(
        findings,
        facts,
        texts_of(edits, ports.files),
        ports.editor,
        ports.gate,
        prospects=prospects,
        allow_unsafe=allow_unsafe,
        only=only,
    )
    return replace(
        made,
        missing_before=tuple(item.fact for item in diagnosis.missing),
        warnings=(*made.warnings, *_optional(diagnosis, findings)),
    )


def _optional(diagnosis: Diagnosis, planned: Collection[Finding]) -> tuple[str, ...]:
    left = [item for item in diagnosis.findings if item not in planned and item.fix and item.fix.edits]
    return tuple(
        dict.fromkeys(
            said("not needed, but possible: {title} (--only {code})", title=item.fix.title, code=item.code)
            for item in left
            if item.fix
        )
    )


def apply(plan: FixPlan, ports: FixPorts, on_step: OnStep = nothing) -> Receipt:
    """Apply the plan whole and return its receipt; nothing is written before everything was checked.

    Raises FixError when it cannot start (nothing touched), FixFailed when it broke off and was rolled back.
    """
    if plan.is_empty:
        raise FixError(said("the plan holds nothing that can be written"))
    if plan.blocked:
        raise FixError(said("the plan cannot be applied now: {why}", why=joined("; ", plan.blocked)))
    with ports.receipts.locked():
        _refuse_open(ports)
        sweep(ports)
        steps, old, new = _prepared(plan, ports)
        transaction = Transaction(
            Receipt(ports.new_id(), ports.now(), steps=steps, resolves=plan.resolves), ports, on_step
        )
        transaction.receipt = _with_backups(transaction.receipt)
        try:
            transaction.forward(old, new)
        except (Exception, KeyboardInterrupt) as error:
            problems = transaction.back()
            if isinstance(error, FixError | OSError):
                raise FixFailed(str(error), transaction.receipt, problems) from error
            raise
        return transaction.receipt


def recover(ports: FixPorts, on_step: OnStep = nothing) -> tuple[tuple[Receipt, tuple[str, ...]], ...]:
    """Roll back every interrupted run, the newest first; return each receipt with the problems that remain."""
    done = []
    with ports.receipts.locked():
        for receipt in reversed(open_receipts(ports)):
            transaction = Transaction(receipt, ports, on_step)
            problems = transaction.back()
            done.append((transaction.receipt, problems))
        sweep(ports)
    return tuple(done)


def open_receipts(ports: FixPorts) -> tuple[Receipt, ...]:
    """Return the receipts of interrupted runs, oldest first."""
    return tuple(receipt for receipt in ports.receipts.all() if receipt.is_open)


def sweep(ports: FixPorts) -> None:
    """Remove what a run that was killed after its last step left beside the files it changed."""
    for receipt in ports.receipts.all():
        if not receipt.is_open:
            Transaction(receipt, ports).discard_staged()


def _refuse_open(ports: FixPorts) -> None:
    left = open_receipts(ports)
    if left:
        raise FixError(
            said(
                "an earlier run was interrupted (receipt {id}, {state}): run `truelimit undo {id}` first",
                id=left[-1].id,
                state=left[-1].state,
            )
        )


def _prepared(plan: FixPlan, ports: FixPorts) -> tuple[tuple[Step, ...], dict[int, bytes], dict[int, bytes]]:
    """Return the steps and the old and new bytes of each file step, everything checked against the plan."""
    steps: list[Step] = [*_definition_steps(plan, ports)]
    old: dict[int, bytes] = {}
    new: dict[int, bytes] = {}
    for change in plan.files:
        number = len(steps)
        step, old[number], new[number] = _file_step(change, f"original-{number + 1}", ports)
        steps.append(step)
    return tuple(steps), old, new


def _definition_steps(plan: FixPlan, ports: FixPorts) -> list[DefinitionStep]:
    steps: list[DefinitionStep] = []
    for change in plan.definitions:
        server = ports.servers(change.server)
        made = {step.name for step in steps if step.server == change.server}
        if change.base not in made and server.digest(change.base) is None:
            raise FixError(
                said(
                    "{server}: {base} does not exist there; nothing is made from it",
                    server=change.server,
                    base=change.base,
                )
            )
        old_digest = server.digest(change.name)
        if (old_digest is not None) != change.replaces:
            what = said("exists now") if old_digest is not None else said("is gone")
            raise FixError(
                said(
                    "{server}: {change} {what}, other than when the plan was made; examine again",
                    server=change.server,
                    change=change.name,
                    what=what,
                )
            )
        steps.append(DefinitionStep(change.server, change.name, change.base, change.parameters, None, old_digest))
    return steps


def _file_step(change: FileChange, kept: str, ports: FixPorts) -> tuple[FileStep, bytes, bytes]:
    before = ports.files.inspect(change.file)
    old = ports.files.read(change.file)
    new = _new_bytes(change.file, old, change.edits, ports)
    if not _hash(old) == before.sha256 == change.old_sha256 or _hash(new) != change.new_sha256:
        raise FixError(said("{file} changed since the plan was made; examine again", file=change.file))
    return FileStep(before, change.new_sha256, kept), old, new


def _new_bytes(file: str, data: bytes, edits: tuple[ConfigEdit, ...], ports: FixPorts) -> bytes:
    try:
        return edited(data.decode("utf-8"), edits, ports.editor).encode("utf-8")
    except (EditRefused, UnicodeDecodeError) as error:
        raise FixError(
            said("{file} changed since the plan was made ({error}); examine again", file=file, error=error)
        ) from None


def _with_backups(receipt: Receipt) -> Receipt:
    """Return the receipt with a backup name for each definition that exists already."""
    steps = tuple(
        replace(step, backup=f"truelimit-backup:{receipt.id}-{number}")
        if isinstance(step, DefinitionStep) and step.old_digest is not None
        else step
        for number, step in enumerate(receipt.steps, start=1)
    )
    return replace(receipt, steps=steps)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
