"""Findings: a rule that fired, with evidence, calculation and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.agent import ConfigPath
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.limits import Origin
    from truelimit.units import Tokens


class Severity(StrEnum):
    """How much a finding hurts."""

    FAILS = "fails"
    DEGRADES = "degrades"
    NOTE = "note"


class Applicability(StrEnum):
    """Whether a fix may be applied without a human, computed for this occurrence."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"


class Absent(StrEnum):
    """Stands for a key that is not there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class ConfigEdit:
    """Set one key of a configuration file. ``expected`` is the value it must hold now (ABSENT: no such key).

    ``value`` ABSENT removes the key. ``at_least``: a larger number does as well, so two such edits of one key agree on
    the larger.
    """

    file: str
    path: ConfigPath
    expected: object
    value: object
    why: str
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class DefinitionEdit:
    """Create a model definition on a server: ``name`` from the existing ``base`` with typed parameters."""

    server: str
    name: str
    base: str
    parameters: Mapping[str, int]
    why: str


Edit = ConfigEdit | DefinitionEdit


@dataclass(frozen=True, slots=True)
class FixIdea:
    """What a rule proposes. ``steps`` are for a person to do, with the exact command where there is one."""

    title: str
    applicability: Applicability
    edits: tuple[Edit, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A rival cause that the evidence excludes, and why."""

    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that fired on one stack."""

    code: str
    name: str
    severity: Severity
    message: str
    model: str
    evidence: tuple[str, ...] = ()
    calculations: tuple[Calculation, ...] = ()
    fix: FixIdea | None = None
    origin: Origin | None = None
    excluded: tuple[Exclusion, ...] = ()
    incidents: tuple[str, ...] = ()

    @property
    def calculation(self) -> Calculation | None:
        """The first calculation, or None."""
        return self.calculations[0] if self.calculations else None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a fix should give: the served and believed context, and what then binds (in words)."""

    served_context: Tokens | None
    agent_context: Tokens | None
    notes: tuple[str, ...] = field(default_factory=tuple)
