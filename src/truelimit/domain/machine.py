"""The box: memory pools, accelerators, operating system."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.provenance import Known
    from truelimit.units import Bytes, BytesPerSecond, OperationsPerSecond, Seconds, Usd, Watts


class PoolKind(StrEnum):
    """What a memory pool is."""

    UNIFIED = "unified"
    VRAM = "vram"
    RAM = "ram"


@dataclass(frozen=True, slots=True)
class MemoryPool:
    """Memory of one kind. ``usable`` is the share that a model may take (Metal's working set, say).

    ``bandwidth`` is told for main memory, where no accelerator has it: that of the processor's reads.
    """

    name: str
    kind: PoolKind
    capacity: Known[Bytes]
    usable: Known[Bytes] | None = None
    free: Known[Bytes] | None = None
    bandwidth: Known[BytesPerSecond] | None = None


class DeviceKind(StrEnum):
    """How a chip that computes reaches its memory."""

    DISCRETE = "discrete"
    UNIFIED = "unified"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Price:
    """What something cost, and when. A price without a date is not kept. ``what`` says of which configuration."""

    usd: Usd
    date: str
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One chip that computes: a graphics card, the GPU of a system on chip, or a processor.

    ``family`` groups chips of one generation (``nvidia-ada``, ``apple-m3``, ``cpu-ddr5``). ``bandwidth`` is that of
    its memory. ``fp16``, ``int8``, ``fp8``, ``fp4`` are dense matrix rates (a sum and a product are two operations).
    ``memory_options`` are the sizes that it was sold with. ``backends`` are those that run on it (``cuda``, ``rocm``,
    ``vulkan``, ``metal``, ``cpu``), ``backend_notes`` their state. ``released`` is an ISO date or year.
    """

    id: str
    name: str
    vendor: str
    family: str
    kind: DeviceKind
    bandwidth: Known[BytesPerSecond] | None = None
    fp16: Known[OperationsPerSecond] | None = None
    int8: Known[OperationsPerSecond] | None = None
    fp8: Known[OperationsPerSecond] | None = None
    fp4: Known[OperationsPerSecond] | None = None
    power: Known[Watts] | None = None
    memory_options: tuple[Bytes, ...] = ()
    backends: tuple[str, ...] = ()
    backend_notes: tuple[str, ...] = ()
    released: str | None = None
    prices: tuple[Price, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """What joins the devices of a machine, or machines: PCIe, NVLink, Thunderbolt, Ethernet. Rate of one direction."""

    name: str
    bandwidth: Known[BytesPerSecond]
    latency: Known[Seconds] | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine; ``chip`` names the processor or accelerator for tables of published rates.

    ``accelerators`` has one entry a device, in the order of the VRAM pools where the devices have memory of their
    own. ``boxes`` is above 1 for machines that are joined by ``link``. ``power`` is that of the whole under load.
    ``no_longer_sold`` is the ISO month or year since when; None: it is sold, or nobody knows.
    """

    name: str | None
    chip: Known[str] | None
    operating_system: Known[str] | None
    pools: tuple[MemoryPool, ...] = ()
    swap_used: Known[Bytes] | None = None
    id: str | None = None
    accelerators: tuple[Accelerator, ...] = ()
    link: Link | None = None
    boxes: int = 1
    power: Known[Watts] | None = None
    prices: tuple[Price, ...] = ()
    notes: tuple[str, ...] = ()
    no_longer_sold: str | None = None

    def pool(self, kind: PoolKind) -> MemoryPool | None:
        """Return the first pool of a kind, or None."""
        return next((pool for pool in self.pools if pool.kind is kind), None)


UNKNOWN_MACHINE = Machine(None, None, None)
