"""Which memory must hold a model, and how much of it the operating system needs."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.limits.need import memory_need
from truelimit.perf.memory import MemoryNeed
from truelimit.units import GB, Bytes, from_mib

# Ollama itself keeps max(8 GB, 10 %) free of models before it changes how it loads them (server/sched.go at 0.33);
# on machines below 32 GB that rule would leave too little, so a quarter of the memory is the most that we assume.
# What Ollama keeps free on an accelerator for its driver's own buffers: 512 MiB on Metal, 457 elsewhere (0.24).
_KEPT_FREE = from_mib(512)
_SHARE_SOURCE = "assumed after Ollama's own reserve: the larger of 8 GB and 10 %, at most a quarter of the memory"
ESTIMATE = "the memory estimate, from the model's own header"
_SHARED = "accelerator and main memory together: the weights alone exceed the accelerator's"


@dataclass(frozen=True, slots=True)
class Budget:
    """The memory that must hold a model. ``capacity`` is all of it, ``accelerator`` the share a model may take.

    Where the accelerator's share is a part of the same memory (unified), both must hold: weights, caches and buffers
    in the share; those, the host's prompt cache and the operating system in all of it. Where it is memory of its own
    (VRAM), ``capacity`` is None: what the host needs does not come out of it.
    """

    accelerator: Known[Bytes] | None
    capacity: Known[Bytes] | None
    os_share: Bytes
    where: str

    def holds(self, need: MemoryNeed) -> bool:
        """Return whether the memory holds this need, with what must stay free on an accelerator beside it."""
        _, pool, left = self.tightest(need)
        return left >= (_KEPT_FREE if pool is self.accelerator else 0)

    def tightest(self, need: MemoryNeed) -> tuple[Bytes, Known[Bytes], int]:
        """Return total needed, the pool that must hold it and what is left, where least is left (bytes)."""
        host = need.prompt_cache + self.os_share
        device = need.weights + need.kv_cache + need.state + need.compute
        sides: list[tuple[Bytes, Known[Bytes], int]] = []
        if self.accelerator is not None:
            sides.append((Bytes(device), self.accelerator, self.accelerator.value - device))
        if self.capacity is not None:
            sides.append((Bytes(device + host), self.capacity, self.capacity.value - device - host))
        return min(sides, key=lambda side: side[2])

    def headroom(self, need: MemoryNeed) -> Calculation:
        """Return what is left in the tighter of the two, in bytes."""
        total, pool, _ = self.tightest(need)
        names = ["weights", "kv_cache", "state", "compute"]
        basis = need.calculation.basis
        terms = [Term(name, getattr(need, name), "bytes", ESTIMATE, basis) for name in names]
        if total != sum(term.value for term in terms):
            terms.append(Term("prompt_cache", need.prompt_cache, "bytes", "the engine's host cache", basis))
            terms.append(Term("os_share", self.os_share, "bytes", _SHARE_SOURCE, Basis.ASSUMED))
        held = Term("pool", pool.value, "bytes", pool.where, pool.basis)
        return calculate("pool - " + " - ".join(item.name for item in terms), "bytes", held, *terms)


def os_share(capacity: int) -> Bytes:
    """Return the memory assumed for the operating system and other programs, in bytes."""
    return Bytes(min(max(8 * GB, capacity // 10), capacity // 4))


def share_source() -> str:
    """Return the rule behind ``os_share`` in words."""
    return _SHARE_SOURCE


def budget(stack: Stack) -> Budget | None:
    """Return the memory that must hold this stack's model, or None where the machine's memory is not known.

    Unified memory: the accelerator's share where it is known (Metal's working set), within all of the memory. VRAM:
    all cards together, where they hold the weights at all; else cards and main memory. Neither: main memory.
    """
    machine = stack.machine
    unified, ram = machine.pool(PoolKind.UNIFIED), machine.pool(PoolKind.RAM)
    if unified is not None:
        usable = unified.usable
        return Budget(usable, unified.capacity, os_share(unified.capacity.value), unified.capacity.where)
    vram = _all_vram(machine)
    if vram is not None and _holds_weights(vram, stack):
        return Budget(vram, None, Bytes(0), vram.where)
    if vram is not None and ram is not None:
        both = Bytes(vram.value + ram.capacity.value)
        where = f"{vram.where} and {ram.capacity.where} ({_SHARED})"
        whole = Known(both, where, worst((vram.basis, ram.capacity.basis)))
        return Budget(None, whole, os_share(ram.capacity.value), where)
    if vram is not None:
        return Budget(vram, None, Bytes(0), vram.where)
    return Budget(None, ram.capacity, os_share(ram.capacity.value), ram.capacity.where) if ram is not None else None


def _all_vram(machine: Machine) -> Known[Bytes] | None:
    pools = [pool for pool in machine.pools if pool.kind is PoolKind.VRAM]
    if not pools:
        return None
    sizes = [_size(pool) for pool in pools]
    where = sizes[0].where if len(sizes) == 1 else f"{len(sizes)} accelerators: " + ", ".join(s.where for s in sizes)
    return Known(Bytes(sum(size.value for size in sizes)), where, worst(size.basis for size in sizes))


def _size(pool: MemoryPool) -> Known[Bytes]:
    return pool.usable or pool.capacity


def _holds_weights(vram: Known[Bytes], stack: Stack) -> bool:
    need = memory_need(stack, 1)
    return need is None or need.weights <= vram.value
