"""Several models at once: do they lie in memory together, and which one leaves when they do not?"""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Resident:
    """A model that is to stay loaded, and all that it takes of the memory in question, in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Residency:
    """Which models stay when the last one is loaded, and which leave. ``left`` is what is left then, in bytes."""

    kept: tuple[Resident, ...]
    evicted: tuple[Resident, ...]
    total: int
    left: int

    @property
    def fits(self) -> bool:
        """Whether all of them stay."""
        return not self.evicted and self.left >= 0


def residency(models: Sequence[Resident], room: int) -> Residency:
    """Return who stays in ``room`` bytes once the last of ``models`` is loaded.

    They are in order of use: the one not used for longest leaves first, as Ollama does it (``sched.go``,
    findRunnerToUnload). The last one never leaves; where it alone is too large, ``left`` is below 0.
    """
    kept, evicted = list(models), []
    while len(kept) > 1 and sum(item.size for item in kept) > room:
        evicted.append(kept.pop(0))
    return Residency(
        tuple(kept), tuple(evicted), sum(item.size for item in models), room - sum(item.size for item in kept)
    )
