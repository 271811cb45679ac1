"""``undo``: put back, to the byte, what a fix replaced."""

from __future__ import annotations

from truelimit.app.fix_definitions import changed_definition_text
from truelimit.app.fix_ports import FixError, FixPorts, OnStep, ServerError, nothing
from truelimit.app.fix_receipt import DefinitionStep, FileStep, Receipt, ReceiptState, StepState
from truelimit.app.fix_transaction import Transaction, changed_text
from truelimit.domain.message import joined, said

LAST = "last"


class UndoIncomplete(FixError):
    """Not everything could be put back; ``receipt`` stays open, and undo may be repeated."""

    def __init__(self, receipt: Receipt, problems: tuple[str, ...]) -> None:
        """Say what remains."""
        self.receipt = receipt
        self.problems = problems
        super().__init__(
            said("receipt {id} is not undone whole: {problems}", id=receipt.id, problems=joined("; ", problems))
        )


def undo(which: str, ports: FixPorts, *, force: bool = False, on_step: OnStep = nothing) -> Receipt:
    """Undo the fix with this id (or its beginning), or the ``last`` one that is not undone; return its receipt.

    Refuses with FixError, touching nothing, when somebody changed a file or definition since, unless ``force``.
    Raises UndoIncomplete when a server or a disk failed half-way: repeat it then.
    """
    with ports.receipts.locked():
        receipt = find(which, ports)
        if not force:
            problems = changed_since(receipt, ports)
            if problems:
                raise FixError(joined("; ", problems))
        transaction = Transaction(receipt, ports, on_step)
        problems = transaction.back(force=force)
        if problems:
            raise UndoIncomplete(transaction.receipt, problems)
        return transaction.receipt


def find(which: str, ports: FixPorts) -> Receipt:
    """Return the receipt that is meant. Raises FixError when there is none, several, or it is undone already."""
    receipts = ports.receipts.all()
    if which == LAST:
        receipts = tuple(receipt for receipt in receipts if receipt.state is not ReceiptState.UNDONE)[-1:]
        if not receipts:
            raise FixError(said("there is no fix to undo"))
    matching = receipts if which == LAST else tuple(receipt for receipt in receipts if receipt.id.startswith(which))
    if len(matching) != 1:
        known = ", ".join(receipt.id for receipt in ports.receipts.all()) or said("none")
        raise FixError(
            said(
                "{matching} receipts are called {which!r}; there are: {known}",
                matching=len(matching),
                which=which,
                known=known,
            )
        )
    if matching[0].state is ReceiptState.UNDONE:
        raise FixError(said("the fix {id} is undone already", id=matching[0].id))
    return matching[0]


def changed_since(receipt: Receipt, ports: FixPorts) -> tuple[str, ...]:
    """Return what somebody else changed since the fix. A server that does not answer is left to the undoing itself."""
    found: list[str] = []
    for step in receipt.steps:
        if step.state in {StepState.PENDING, StepState.REVERTED}:
            continue
        if isinstance(step, FileStep):
            if ports.files.sha256(step.before.target) not in {step.before.sha256, step.new_sha256}:
                found.append(changed_text(step))
        elif _definition_changed(step, ports):
            found.append(changed_definition_text(step))
    return tuple(found)


def _definition_changed(step: DefinitionStep, ports: FixPorts) -> bool:
    if step.new_digest is None:
        return False
    try:
        current = ports.servers(step.server).digest(step.name)
    except ServerError:
        return False
    return current not in {None, step.new_digest, step.old_digest}
