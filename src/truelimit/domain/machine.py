"""The box: memory pools, accelerators, operating system."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from truelimit.domain.provenance import Known
from truelimit.units import Bytes


class PoolKind(StrEnum):
    """What a memory pool is."""

    UNIFIED = "unified"
    VRAM = "vram"
    RAM = "ram"


@dataclass(frozen=True, slots=True)
class MemoryPool:
    """Memory of one kind. ``usable`` is the share that a model may take (Metal's working set, say)."""

    name: str
    kind: PoolKind
    capacity: Known[Bytes]
    usable: Known[Bytes] | None = None
    free: Known[Bytes] | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine; ``chip`` names the processor or accelerator for tables of published rates."""

    name: str | None
    chip: Known[str] | None
    operating_system: Known[str] | None
    pools: tuple[MemoryPool, ...] = ()
    swap_used: Known[Bytes] | None = None

    def pool(self, kind: PoolKind) -> MemoryPool | None:
        """Return the first pool of a kind, or None."""
        return next((pool for pool in self.pools if pool.kind is kind), None)


UNKNOWN_MACHINE = Machine(None, None, None)
