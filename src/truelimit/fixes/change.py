"""The nouns of a plan: what would be changed, what was refused and why, what a person must do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from truelimit.domain.findings import Applicability, ConfigEdit, Edit, Expectation
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.domain.agent import ConfigPath
    from truelimit.domain.calculation import Calculation
    from truelimit.units import Seconds, Tokens

Key = tuple[str, str]
"""A finding by code and model: what a fix resolves, and what the proof looks for afterwards."""


class TextEditor(Protocol):
    """Edits one key of a configuration text; comments, order and formatting survive."""

    def value(self, text: str, file: str, path: ConfigPath) -> object:
        """Return the value at ``path``, or ABSENT. Raises ValueError when the text cannot be read."""
        ...

    def set(self, text: str, file: str, path: ConfigPath, value: object) -> str:
        """Return the text with ``value`` at ``path``. Raises ValueError when that is impossible."""
        ...

    def remove(self, text: str, file: str, path: ConfigPath) -> str:
        """Return the text without the key. Raises ValueError when that is impossible."""
        ...


class Gate(Protocol):
    """What a version of an agent accepts, and what must be done after an edit of its files."""

    def accepts(self, generation: str, path: ConfigPath) -> bool:
        """Return whether this generation knows the key; a key that it does not know is never written."""
        ...

    def accepts_parameter(self, name: str) -> bool:
        """Return whether a model definition may hold this parameter (servers store unknown ones without a word)."""
        ...

    def after_edit(self, generation: str, paths: tuple[ConfigPath, ...]) -> tuple[str, ...]:
        """Return what the user must know or do once these keys have changed."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedFix:
    """One fix with all the findings that ask for it: it is applied whole or not at all."""

    title: str
    applicability: Applicability
    resolves: tuple[Key, ...]
    edits: tuple[Edit, ...]
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """All edits of one file, the hash of the bytes they start from and end in, and the diff for people.

    The text itself is not kept: configuration files hold secrets. ``diff`` has values of secret keys masked.
    """

    file: str
    edits: tuple[ConfigEdit, ...]
    old_sha256: str
    new_sha256: str
    diff: str


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A model definition to create. ``replaces``: the name exists, so that a copy is kept for rollback.

    ``aliases`` are names that share the model file: a server may list one of them as the loaded model.
    """

    server: str
    name: str
    base: str
    parameters: Mapping[str, int]
    why: str
    replaces: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def kept(self) -> str:
        """What is kept for rollback, in words."""
        if self.replaces:
            return said("{name} exists: it is copied under a backup name first, and undo puts it back", name=self.name)
        return said("{name} is new: undo deletes it; {base} is not touched", name=self.name, base=self.base)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A fix that the plan does not hold, and why."""

    fix: PlannedFix
    reason: str


@dataclass(frozen=True, slots=True)
class ManualStep:
    """What a person must do: the fix it belongs to and the step, with the exact command where there is one."""

    title: str
    step: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What the live proof will ask: does ``model`` load with ``context`` tokens, and read more than ``old_limit``?

    ``request_context`` is the num_ctx that the agent sends itself (None: the definition decides).
    ``long_prompt`` is the size of that prompt in tokens, ``seconds`` the time that the known rate gives it cold.
    ``native`` is what the model was trained for: a server may list a larger num_ctx that it was asked for and serve
    this much (Ollama 0.11.4 does).
    """

    server: str
    model: str
    context: Tokens
    request_context: Tokens | None = None
    old_limit: Tokens | None = None
    long_prompt: Tokens | None = None
    seconds: Seconds | None = None
    aliases: tuple[str, ...] = ()
    native: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one stack will be afterwards: the expectation, its arithmetic, and what else is needed.

    ``moves_failure``: the larger window alone would only turn an overflow into a timeout.
    """

    model: str
    expectation: Expectation
    calculations: tuple[Calculation, ...] = ()
    moves_failure: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FixPlan:
    """Everything that would be done, in order: definitions first, then files; undo goes the other way.

    A configuration therefore never names a model that does not exist. ``held`` are unsafe fixes that were not
    allowed. ``blocked`` says why the plan cannot be applied now although it is sound (a server is down, say).
    ``failing_before`` are the findings that failed before the fix: the proof allows no others afterwards.
    """

    fixes: tuple[PlannedFix, ...] = ()
    definitions: tuple[DefinitionChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    held: tuple[PlannedFix, ...] = ()
    refused: tuple[Refusal, ...] = ()
    manual: tuple[ManualStep, ...] = ()
    warnings: tuple[str, ...] = ()
    outlooks: tuple[Outlook, ...] = ()
    probes: tuple[Probe, ...] = ()
    blocked: tuple[str, ...] = ()
    failing_before: tuple[Key, ...] = ()
    missing_before: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be written."""
        return not self.definitions and not self.files

    @property
    def applicability(self) -> Applicability:
        """Safe only when every fix in the plan is safe; manual when nothing would be written."""
        if self.is_empty:
            return Applicability.MANUAL
        safe = all(fix.applicability is Applicability.SAFE for fix in self.fixes)
        return Applicability.SAFE if safe else Applicability.UNSAFE

    @property
    def resolves(self) -> tuple[Key, ...]:
        """The findings that must be gone afterwards."""
        return tuple(dict.fromkeys(key for fix in self.fixes for key in fix.resolves))


def shown_path(path: ConfigPath) -> str:
    """Return ``a.b[0].c``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
