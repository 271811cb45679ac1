"""What was measured of this machine's processor and main memory, and the machine with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Accelerator, DeviceKind, Machine, MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known

if TYPE_CHECKING:
    from truelimit.units import Bytes, BytesPerSecond, OperationsPerSecond

ARRAYS = 3
"""Arrays of the probe."""

_SAME_MEMORY = 0.05
_TIMES_CACHE = 4  # what STREAM asks of its arrays


@dataclass(frozen=True, slots=True)
class Measurement:
    """A run of the probe. Rates are the best of several passes over arrays of ``array`` bytes by ``threads`` threads.

    ``read``: reading the three of them. ``add``: STREAM's Add, two arrays read and one written, counted as three.
    ``matrix``: products of square float32 matrices. ``processor`` and ``memory`` say which machine it was. ``cache``
    is the last level's, None where it is not known. ``taken`` is an ISO date.
    """

    processor: str
    memory: Bytes
    taken: str
    threads: int
    array: Bytes
    read: BytesPerSecond
    add: BytesPerSecond
    matrix: OperationsPerSecond
    cache: Bytes | None = None

    @property
    def bandwidth(self) -> BytesPerSecond:
        """The larger of the two: what the processor can draw from main memory."""
        return max(self.read, self.add)


def with_measurement(machine: Machine, measured: Measurement | None) -> Machine:
    """Return the machine with the measured rates where they are its own: of main memory, and of a processor.

    Not of a GPU, with memory of its own or unified: the processor cores cannot draw as much as it can. Unchanged
    where the measurement is of another machine.
    """
    if measured is None or not _same(machine, measured):
        return machine
    pools = tuple(_pool(pool, measured) for pool in machine.pools)
    return replace(machine, pools=pools, accelerators=tuple(_device(item, measured) for item in machine.accelerators))


def _same(machine: Machine, measured: Measurement) -> bool:
    total = sum(pool.capacity.value for pool in machine.pools if pool.kind is not PoolKind.VRAM)
    return abs(total - measured.memory) <= _SAME_MEMORY * measured.memory


def _pool(pool: MemoryPool, measured: Measurement) -> MemoryPool:
    return replace(pool, bandwidth=_rate(measured)) if pool.kind is PoolKind.RAM else pool


def _device(device: Accelerator, measured: Measurement) -> Accelerator:
    if device.kind is not DeviceKind.CPU:
        return device
    where = said(
        "measured on {taken}: products of float32 matrices, {threads} threads",
        taken=measured.taken,
        threads=measured.threads,
    )
    return replace(device, bandwidth=_rate(measured), fp16=Known(measured.matrix, where, Basis.MEASURED))


def _rate(measured: Measurement) -> Known[BytesPerSecond]:
    way = "reads" if measured.read >= measured.add else said("STREAM add")
    where = said(
        "measured on {taken}: {way} by {threads} threads (machines show this --measure)",
        taken=measured.taken,
        way=way,
        threads=measured.threads,
    )
    cache = measured.cache or 0
    if ARRAYS * measured.array < _TIMES_CACHE * cache:
        where += said(
            "; the arrays are only {arrays:.1f} times the cache, so it may be less",
            arrays=ARRAYS * measured.array / cache,
        )
    return Known(measured.bandwidth, where, Basis.MEASURED)
