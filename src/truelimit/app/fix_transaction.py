"""All steps of a fix, or none: each state is written down before what follows it is done.

After a break-off at any point the receipt tells which steps may have happened; ``back`` is safe to repeat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from truelimit.app.fix_definitions import create_definition, revert_definition
from truelimit.app.fix_ports import FixError, FixPorts, OnStep, nothing
from truelimit.app.fix_receipt import DefinitionStep, FileStep, Receipt, ReceiptState, Step, StepState
from truelimit.domain.message import said


class Transaction:
    """One receipt being done or undone. ``receipt`` is always the latest state."""

    def __init__(self, receipt: Receipt, ports: FixPorts, on_step: OnStep = nothing) -> None:
        """Keep the parts; nothing is done yet."""
        self.receipt = receipt
        self._ports = ports
        self._on_step = on_step

    def forward(self, old: Mapping[int, bytes], new: Mapping[int, bytes]) -> None:
        """Do all steps: keep the originals, stage old and new files, then act.

        ``old`` and ``new`` hold the bytes of each file step by its index. Raises FixError or OSError half-way: call
        ``back`` then. All that needs room on disk is written before the first file changes; going back only renames.
        """
        self._enter(ReceiptState.PLANNED)
        for index, step in self._file_steps():
            self._ports.receipts.keep(self.receipt.id, step.kept, old[index])
        self._enter(ReceiptState.BACKED_UP)
        for index, step in self._file_steps():
            self._ports.files.stage(step.before, self._name("old"), old[index])
            self._ports.files.stage(step.before, self._name("new"), new[index])
        self._enter(ReceiptState.APPLYING)
        for number, each in enumerate(self.receipt.steps):
            self._act(number, each)
        self._enter(ReceiptState.APPLIED)
        self.discard_staged()

    def back(self, *, force: bool = False) -> tuple[str, ...]:
        """Undo all steps in reverse and return the problems; without any, the receipt is undone.

        Definitions stay while a file that may name them could not be restored. ``force`` also replaces files and
        definitions that somebody else changed; such files are kept in the receipt first.
        """
        self.receipt = replace(self.receipt, state=ReceiptState.UNDOING)
        problems = self._save_or_say()
        problems += [
            text for index, step in reversed(self._file_steps()) for text in self._revert(index, step, force=force)
        ]
        problems += self._discard_problems()
        if not any(step.state is not StepState.REVERTED for _, step in self._file_steps()):
            definitions = [
                (index, step) for index, step in enumerate(self.receipt.steps) if isinstance(step, DefinitionStep)
            ]
            problems += [
                text for index, step in reversed(definitions) for text in self._revert(index, step, force=force)
            ]
        if all(step.state is StepState.REVERTED for step in self.receipt.steps):
            self.receipt = replace(self.receipt, state=ReceiptState.UNDONE)
            return tuple(self._save_or_say())
        return tuple(problems)

    def advance(self, index: int, step: Step) -> None:
        """Write a step's new state down, then tell."""
        self.receipt = self.receipt.with_step(index, step)
        self._ports.receipts.save(self.receipt)
        self._on_step(said("step {index} {state}: {step}", index=index + 1, state=step.state, step=step))

    def acted(self, index: int, step: Step) -> None:
        """Tell that a step's effect is there, before that is written down."""
        self._on_step(said("step {index} acted: {step}", index=index + 1, step=step))

    def _enter(self, state: ReceiptState) -> None:
        self.receipt = replace(self.receipt, state=state)
        self._ports.receipts.save(self.receipt)
        self._on_step(state)

    def _file_steps(self) -> list[tuple[int, FileStep]]:
        return [(index, step) for index, step in enumerate(self.receipt.steps) if isinstance(step, FileStep)]

    def _name(self, which: str) -> str:
        return f"{self.receipt.id}-{which}"

    def _act(self, index: int, step: Step) -> None:
        if isinstance(step, DefinitionStep):
            create_definition(self, index, step, self._ports.servers(step.server))
            return
        step = replace(step, state=StepState.STARTED)
        self.advance(index, step)
        self._ports.files.swap(step.before, self._name("new"), step.before.sha256)
        self.acted(index, step)
        if self._ports.files.sha256(step.before.target) != step.new_sha256:
            raise FixError(
                said(
                    "{file}: reads back otherwise than it was written; is another program writing it?",
                    file=step.before.file,
                )
            )
        self.advance(index, replace(step, state=StepState.DONE))

    def _revert(self, index: int, step: Step, *, force: bool) -> list[str]:
        """Return why a step could not be reverted, if so."""
        try:
            if step.state not in {StepState.PENDING, StepState.REVERTED}:
                if isinstance(step, FileStep):
                    self._restore(step, force=force)
                else:
                    revert_definition(step, self._ports.servers(step.server), force=force)
                self._on_step(said("step {index} restored: {step}", index=index + 1, step=step))
        except (FixError, OSError) as error:
            return [str(error)]
        self.receipt = self.receipt.with_step(index, replace(step, state=StepState.REVERTED))
        problems = self._save_or_say()
        self._on_step(said("step {index} {reverted}: {step}", index=index + 1, reverted=StepState.REVERTED, step=step))
        return problems

    def _restore(self, step: FileStep, *, force: bool) -> None:
        """Put the original bytes, mode and owner back. Raises FixError."""
        files, before = self._ports.files, step.before
        current = files.sha256(before.target)
        if current == before.sha256:
            return
        if current != step.new_sha256:
            if step.state is StepState.STARTED and files.staged(before, self._name("new")) == step.new_sha256:
                return  # the swap would have used it up: what is there was written by somebody else before us
            if not force:
                raise FixError(changed_text(step))
            if current is not None:
                self._ports.receipts.keep(self.receipt.id, f"{step.kept}-changed", files.read(before.target))
        if files.staged(before, self._name("old")) != before.sha256:
            files.stage(before, self._name("old"), self._original(step))
        files.swap(before, self._name("old"), current)
        if files.sha256(before.target) != before.sha256:
            raise FixError(
                said(
                    "{file}: restored, but reads back otherwise; the original is in {place}",
                    file=before.file,
                    place=self._place(),
                )
            )

    def _original(self, step: FileStep) -> bytes:
        data = self._ports.receipts.kept(self.receipt.id, step.kept)
        if hashlib.sha256(data).hexdigest() != step.before.sha256:
            raise FixError(
                said(
                    "{place}: the kept original of {file} is damaged, so it is not put back",
                    place=self._place(),
                    file=step.before.file,
                )
            )
        return data

    def discard_staged(self) -> None:
        """Remove what was staged beside the files, if anything."""
        for _, step in self._file_steps():
            for which in ("new", "old"):
                self._ports.files.discard(step.before, self._name(which))

    def _discard_problems(self) -> list[str]:
        try:
            self.discard_staged()
        except (FixError, OSError) as error:
            return [str(error)]
        return []

    def _save_or_say(self) -> list[str]:
        """Save the receipt; going back must not stop because the journal cannot be written (disk full)."""
        try:
            self._ports.receipts.save(self.receipt)
        except (FixError, OSError) as error:
            return [
                said(
                    "{error}; the receipt {id} stays open, run `truelimit undo {id}` later",
                    error=error,
                    id=self.receipt.id,
                )
            ]
        return []

    def _place(self) -> str:
        return self._ports.receipts.place(self.receipt.id)


def changed_text(step: FileStep) -> str:
    """Return what to say of a file that somebody changed since."""
    return said(
        "{file} was changed by somebody else since this fix; undo would lose that change. "
        "Take it back by hand, or run undo with --force (the changed file is then kept in the receipt)",
        file=step.before.file,
    )
