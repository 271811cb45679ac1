"""What the edges must offer to ``fix`` and ``undo``."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.app.fix_receipt import FileState, Receipt
    from truelimit.domain.diagnosis import Diagnosis
    from truelimit.domain.findings import ConfigEdit
    from truelimit.fixes.change import Gate, TextEditor

OnStep = Callable[[str], None]
"""Called with the name of each step as it is passed: for progress, and for tests that break off there."""


class FixError(Exception):
    """A fix or its undoing cannot go on: the message says what happened, where, and what to do."""


class ServerError(FixError):
    """A model server did not do what it was asked, or is not there."""


class NotAskedError(ServerError):
    """A server must not be asked: only files are examined, and what answers at its address is another's."""


class ConfigFiles(Protocol):
    """Configuration files: read whole, replaced in one instant, links followed, mode and owner kept."""

    def read(self, file: str) -> bytes:
        """Return the bytes of a file (bounded). Raises FixError."""
        ...

    def inspect(self, file: str) -> FileState:
        """Return what a file is now. Raises FixError when it is missing or must not be written, saying why."""
        ...

    def sha256(self, target: str) -> str | None:
        """Return the hash of a file's bytes, None when it is not there. Raises FixError when it cannot be read."""
        ...

    def stage(self, before: FileState, name: str, data: bytes) -> None:
        """Write ``data`` durably beside the file, under a name of ours, with the mode and owner of ``before``."""
        ...

    def staged(self, before: FileState, name: str) -> str | None:
        """Return the hash of what was staged under this name, or None."""
        ...

    def swap(self, before: FileState, name: str, expected_sha256: str | None) -> None:
        """Put what was staged in place of the file in one instant.

        Raises FixError, the file untouched, when its hash is not ``expected_sha256`` any more.
        """
        ...

    def discard(self, before: FileState, name: str) -> None:
        """Remove what was staged; nothing happens when there is nothing."""
        ...


class Receipts(Protocol):
    """The folder of receipts: journals and originals, for the user alone."""

    def locked(self) -> AbstractContextManager[None]:
        """Return a context in which no other run changes anything. Raises FixError when one does."""
        ...

    def save(self, receipt: Receipt) -> None:
        """Write the receipt durably, in one instant. Raises FixError."""
        ...

    def keep(self, receipt_id: str, name: str, data: bytes) -> None:
        """Write the original bytes of a file durably. Raises FixError."""
        ...

    def kept(self, receipt_id: str, name: str) -> bytes:
        """Return original bytes. Raises FixError when they are gone."""
        ...

    def all(self) -> tuple[Receipt, ...]:
        """Return all receipts, oldest first; a damaged one raises FixError with its place."""
        ...

    def place(self, receipt_id: str) -> str:
        """Return where a receipt lies, for people."""
        ...


@dataclass(frozen=True, slots=True)
class PromptRefusal:
    """A server's refusal of a prompt, made without reading it: the tokens that it counted and its context."""

    prompt: int | None
    context: int | None


class DefinitionServer(Protocol):
    """A server that keeps model definitions. Every call is bounded in time and raises ServerError."""

    def digest(self, name: str) -> str | None:
        """Return the digest of a definition, None when it does not exist."""
        ...

    def parameters(self, name: str) -> Mapping[str, object]:
        """Return the parameters of a definition with JSON types."""
        ...

    def create(self, name: str, base: str, parameters: Mapping[str, int]) -> None:
        """Create a definition from an existing one."""
        ...

    def copy(self, source: str, destination: str) -> None:
        """Copy a definition; an existing destination is overwritten."""
        ...

    def delete(self, name: str) -> None:
        """Delete a definition."""
        ...

    def load(self, name: str, context: int | None, seconds: float) -> None:
        """Load a model with an empty prompt, within ``seconds``; ``context`` is the num_ctx of the request, if any."""
        ...

    def unload(self, name: str) -> None:
        """Unload the model file of this name, under whatever name it is in memory; requests at work are not cut."""
        ...

    def loaded(self) -> Mapping[str, int]:
        """Return the context of each model in memory, by name."""
        ...

    def read_prompt(self, name: str, tokens: int, context: int | None, seconds: float) -> int:
        """Send a prompt of about this many tokens, ask for one token back, return the tokens that the server read."""
        ...

    def refusal(self, name: str, tokens: int, context: int | None) -> PromptRefusal | None:
        """Ask for a prompt that cannot fit to be refused without reading it; None when this server cannot do that."""
        ...


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What the agent's own validator says.

    ``ran`` False: it is not installed or has no such check; ``ok`` is then None.
    """

    ran: bool
    ok: bool | None
    text: str


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{secrets.token_hex(2)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class FixPorts:
    """All edges that ``fix`` and ``undo`` use.

    ``servers`` opens a definition server by URL and raises ServerError for one that cannot create definitions.
    ``diagnose_again`` reads everything anew and runs the same rules. ``validate_config`` asks the agent itself.
    """

    files: ConfigFiles
    receipts: Receipts
    editor: TextEditor
    gate: Gate
    servers: Callable[[str], DefinitionServer]
    diagnose_again: Callable[[], Diagnosis]
    validate_config: Callable[[], ValidationResult]
    new_id: Callable[[], str] = field(default=_new_id)
    now: Callable[[], str] = field(default=_now)


def texts_of(edits: tuple[ConfigEdit, ...], files: ConfigFiles) -> dict[str, str]:
    """Return the UTF-8 texts of the files that these edits name; unreadable ones are left out."""
    texts: dict[str, str] = {}
    for file in dict.fromkeys(edit.file for edit in edits):
        try:
            texts[file] = files.read(file).decode("utf-8")
        except (FixError, UnicodeDecodeError):
            continue
    return texts


def nothing(_: str) -> None:
    """Take a step's name and do nothing."""
