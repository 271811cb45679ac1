"""Ladders: every limit of one budget (context, time or memory), and the one that binds."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.set_by import SetBy

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.provenance import Basis
    from truelimit.domain.rates import DecodeFit, PrefillFit
    from truelimit.units import Bytes

__all__ = ["Ladder", "Ladders", "LimitKind", "MemoryLadder", "Origin", "Rung", "SetBy"]


class LimitKind(StrEnum):
    """Physical (training, bytes), configured (a key or a default), or a label (a string that became a number)."""

    PHYSICAL = "physical"
    CONFIGURED = "configured"
    LABEL = "label"


class Origin(StrEnum):
    """Why a wrong limit is what it is."""

    NAME_LABEL = "name-label"
    LAUNCHER_CONSTANT = "launcher-constant"
    DISCOVERED_DEFAULT = "discovered-default"
    FALLBACK_CONSTANT = "fallback-constant"
    SIBLING_INHERITANCE = "sibling-inheritance"
    AGENT_CAP = "agent-cap"
    USER_CONFIG = "user-config"
    SERVER_DEFAULT = "server-default"
    SLOTS = "slots"


@dataclass(frozen=True, slots=True)
class Rung:
    """One limit: its value (tokens, seconds or bytes by ladder), who set it, where, and how it is known.

    ``bounds`` says what the limit is of where a ladder mixes several things
    (``prompt``, ``prefill``, ``load``, ``run``, ``total`` ...).
    """

    name: str
    value: int | float
    set_by: SetBy
    kind: LimitKind
    where: str
    basis: Basis
    bounds: str = "prompt"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The limits in force, highest authority first, and the one that binds.

    ``overridden`` holds limits that would apply if a stronger one were not set
    (a server default below an explicit num_ctx): shown, never binding.
    ``tied`` holds limits with the same value that bind as well: raising one of them alone changes nothing.
    """

    unit: str
    rungs: tuple[Rung, ...] = ()
    binding: Rung | None = None
    overridden: tuple[Rung, ...] = ()
    tied: tuple[Rung, ...] = ()

    def rung(self, name: str) -> Rung | None:
        """Return the rung in force with this name, or None."""
        return next((rung for rung in self.rungs if rung.name == name), None)


@dataclass(frozen=True, slots=True)
class MemoryLadder:
    """Memory needed against the pool that must hold it."""

    ladder: Ladder
    total: Bytes | None = None
    pool: Bytes | None = None
    headroom: int | None = None
    calculation: Calculation | None = None


@dataclass(frozen=True, slots=True)
class Ladders:
    """The three ladders of one stack, how fast it reads and writes, and its wall as a context at that rate."""

    agent: str
    model: str
    context: Ladder
    time: Ladder
    memory: MemoryLadder
    prefill: PrefillFit | None = None
    decode: DecodeFit | None = None
    wall_as_context: Calculation | None = None
