"""The receipt of a fix: what was done, what was kept for the way back. It is also the journal written before acting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.fixes.change import Key


class ReceiptState(StrEnum):
    """How far a fix has come. Until APPLIED, and in UNDOING, an interrupted run has to be rolled back."""

    PLANNED = "planned"
    BACKED_UP = "backed-up"
    APPLYING = "applying"
    APPLIED = "applied"
    PROVEN = "proven"
    UNDOING = "undoing"
    UNDONE = "undone"


class StepState(StrEnum):
    """How far one step has come. Each is written down before what follows it is done."""

    PENDING = "pending"
    COPYING = "copying"
    STARTED = "started"
    DONE = "done"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class FileState:
    """A file that may be written: its real path (links followed), hash, permission bits and owner (None on Windows)."""

    file: str
    target: str
    sha256: str
    size: int
    mode: int
    owner: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FileStep:
    """One file from its old bytes to its new ones. ``kept`` is the name of the original within the receipt."""

    before: FileState
    new_sha256: str
    kept: str
    state: StepState = StepState.PENDING

    def __str__(self) -> str:
        """Return the step in words."""
        return said("write {file}", file=self.before.file)


@dataclass(frozen=True, slots=True)
class DefinitionStep:
    """One model definition. ``backup`` is the name of the copy of what it replaces, None when the name is new.

    ``old_digest`` and ``new_digest`` are the server's digests of the definition before and after.
    """

    server: str
    name: str
    base: str
    parameters: Mapping[str, int]
    backup: str | None = None
    old_digest: str | None = None
    new_digest: str | None = None
    state: StepState = StepState.PENDING

    def __str__(self) -> str:
        """Return the step in words."""
        return said("create {name} from {base} on {server}", name=self.name, base=self.base, server=self.server)


Step = FileStep | DefinitionStep


@dataclass(frozen=True, slots=True)
class Receipt:
    """One fix: id, time (ISO 8601), state, steps in order of doing, the findings it resolves, what the proof said."""

    id: str
    created: str
    state: ReceiptState = ReceiptState.PLANNED
    steps: tuple[Step, ...] = ()
    resolves: tuple[Key, ...] = ()
    proof: tuple[str, ...] = field(default_factory=tuple)

    @property
    def is_open(self) -> bool:
        """Whether a run was interrupted: some steps may be done and others not."""
        return self.state not in {ReceiptState.APPLIED, ReceiptState.PROVEN, ReceiptState.UNDONE}

    def with_step(self, index: int, step: Step) -> Receipt:
        """Return the receipt with one step replaced."""
        return replace(self, steps=(*self.steps[:index], step, *self.steps[index + 1 :]))
