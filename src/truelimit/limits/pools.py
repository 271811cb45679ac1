"""Which memory must hold a model, and how much of it the operating system needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.message import joined, said
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.limits.need import memory_need
from truelimit.perf.placement import Held, Mode, Place, Placement, place
from truelimit.perf.placement_parts import model_parts
from truelimit.units import GB, Bytes, from_mib

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader
    from truelimit.perf.memory import MemoryNeed

# Ollama itself keeps max(8 GB, 10 %) free of models before it changes how it loads them (server/sched.go at 0.33);
# on machines below 32 GB that rule would leave too little, so a quarter of the memory is the most that we assume.
# What Ollama keeps free on an accelerator for its driver's own buffers: 512 MiB on Metal, 457 elsewhere (0.24).
_KEPT_FREE = from_mib(512)
_SHARE_SOURCE = said("assumed after Ollama's own reserve: the larger of 8 GB and 10 %, at most a quarter of the memory")
ESTIMATE = said("the memory estimate, from the model's own header")
_SHARED = said("accelerator and main memory together: the weights alone exceed the accelerator's")


@dataclass(frozen=True, slots=True)
class Budget:
    """The memory that must hold a model. ``capacity`` is all of it, ``accelerator`` the share a model may take.

    Where the accelerator's share is a part of the same memory (unified), both must hold: weights, caches and buffers
    in the share; those, the host's prompt cache and the operating system in all of it. Where it is memory of its own
    (VRAM), ``capacity`` is None: what the host needs does not come out of it.

    ``devices`` are several memories of their own, or one beside main memory (``host``) that takes what they cannot
    hold: never one sum. The model of ``header`` is placed over them (``split``: ``layer`` or ``tensor``), and what is
    left is what is left where least is left.
    """

    accelerator: Known[Bytes] | None
    capacity: Known[Bytes] | None
    os_share: Bytes
    where: str
    devices: tuple[Place, ...] = ()
    host: Place | None = None
    header: ModelHeader | None = None
    split: str = "layer"

    def holds(self, need: MemoryNeed) -> bool:
        """Return whether the memory holds this need, with what must stay free on an accelerator beside it."""
        placed = self.placement(need)
        if placed is not None:
            return placed.fits
        _, pool, left = self.tightest(need)
        return left >= (_KEPT_FREE if pool is self.accelerator else 0)

    def between(self, low: tuple[int, MemoryNeed], high: tuple[int, MemoryNeed]) -> int | None:
        """Return a context, between two with their needs, near which memory ends to hold; None where nothing tells.

        The need of most models is a straight line in the context. Over several memories it is not.
        """
        if self.devices:
            return None
        (at, least), (end, most) = low, high
        found = []
        for (_, pool, spare), (_, _, left) in zip(self._sides(least), self._sides(most), strict=True):
            kept = _KEPT_FREE if pool is self.accelerator else 0
            if left < kept <= spare:
                found.append(at + (end - at) * (spare - kept) // (spare - left))
        return min(found, default=None)

    def placement(self, need: MemoryNeed) -> Placement | None:
        """Return where each part of the model lies; None where one memory holds it all."""
        if not self.devices or self.header is None:
            return None
        return place(model_parts(self.header, need), self.devices, self.host, self.split)

    def tightest(self, need: MemoryNeed) -> tuple[Bytes, Known[Bytes], int]:
        """Return total needed, the pool that must hold it and what is left, where least is left (bytes).

        Over several memories the pool is what they hold of this model as it is placed: its total and what is left.
        """
        device = need.weights + need.kv_cache + need.state + need.compute
        placed = self.placement(need)
        if placed is not None:
            held = placed.tightest
            where = said("{where}; the tightest is {place}", where=self.where, place=held.place.name)
            whole = Known(Bytes(device + held.left), where, worst((held.place.size.basis, Basis.DERIVED)))
            return Bytes(device), whole, held.left
        return min(self._sides(need), key=lambda side: side[2])

    def _sides(self, need: MemoryNeed) -> list[tuple[Bytes, Known[Bytes], int]]:
        """Return total needed, pool and what is left of it for the accelerator's share and for all of the memory."""
        device = need.weights + need.kv_cache + need.state + need.compute
        host = need.prompt_cache + self.os_share
        sides: list[tuple[Bytes, Known[Bytes], int]] = []
        if self.accelerator is not None:
            sides.append((Bytes(device), self.accelerator, self.accelerator.value - device))
        if self.capacity is not None:
            sides.append((Bytes(device + host), self.capacity, self.capacity.value - device - host))
        return sides

    def headroom(self, need: MemoryNeed) -> Calculation:
        """Return what is left in the tighter of the two, or on the tightest of several memories, in bytes."""
        placed = self.placement(need)
        if placed is not None:
            return held_calculation(placed.tightest, placed, need.calculation.basis)
        total, pool, _ = self.tightest(need)
        names = ["weights", "kv_cache", "state", "compute"]
        basis = need.calculation.basis
        terms = [Term(name, getattr(need, name), "bytes", ESTIMATE, basis) for name in names]
        if total != sum(term.value for term in terms):
            terms.append(Term("prompt_cache", need.prompt_cache, "bytes", said("the engine's host cache"), basis))
            terms.append(Term("os_share", self.os_share, "bytes", _SHARE_SOURCE, Basis.ASSUMED))
        held = Term("pool", pool.value, "bytes", pool.where, pool.basis)
        return calculate("pool - " + " - ".join(item.name for item in terms), "bytes", held, *terms)


def held_calculation(held: Held, placed: Placement, basis: Basis) -> Calculation:
    """Return what is left on one memory of a placement, in bytes."""
    where = said("{place}: {held}", place=held.place.name, held=share_of_blocks(held, placed))
    names = ["weights", "kv_cache", "state", "compute"]
    terms = [Term(name, getattr(held, name), "bytes", where, worst((basis, Basis.DERIVED))) for name in names]
    size = held.place.size
    pool = Term("pool", size.value, "bytes", size.where, size.basis)
    return calculate("pool - " + " - ".join(item.name for item in terms), "bytes", pool, *terms)


def share_of_blocks(held: Held, placed: Placement) -> str:
    """Return in words what part of a model a memory holds."""
    if placed.mode is Mode.TENSOR:
        return said("its share of each of the {blocks} blocks", blocks=placed.blocks)
    if held.experts_of:
        return said(
            "the experts of the first {experts_of} of {blocks} blocks", experts_of=held.experts_of, blocks=placed.blocks
        )
    if held.last <= held.first:
        return said("the input embedding") if held.total else "nothing"
    return said("blocks {first} to {last} of {blocks}", first=held.first, last=held.last - 1, blocks=placed.blocks)


def os_share(capacity: int) -> Bytes:
    """Return the memory assumed for the operating system and other programs, in bytes."""
    return Bytes(min(max(8 * GB, capacity // 10), capacity // 4))


def share_source() -> str:
    """Return the rule behind ``os_share`` in words."""
    return _SHARE_SOURCE


def budget(stack: Stack, split: str = "layer") -> Budget | None:
    """Return the memory that must hold this stack's model, or None where the machine's memory is not known.

    Unified memory: the accelerator's share where it is known (Metal's working set), within all of the memory. VRAM:
    the card, or several with the model placed over them, where they hold the weights at all; else cards and main
    memory, blocks by blocks. Neither: main memory.
    """
    machine = stack.machine
    unified = [pool for pool in machine.pools if pool.kind is PoolKind.UNIFIED]
    if len(unified) > 1:
        return _several(tuple(_unified_place(pool) for pool in unified), stack, split)
    if unified:
        pool = unified[0]
        return Budget(pool.usable, pool.capacity, os_share(pool.capacity.value), pool.capacity.where)
    cards, ram = _cards(machine), machine.pool(PoolKind.RAM)
    if not cards:
        return Budget(None, ram.capacity, os_share(ram.capacity.value), ram.capacity.where) if ram else None
    if ram is not None and not _hold_weights(cards, stack):
        return _with_host(cards, ram, stack, split)
    return (
        _several(cards, stack, split) if len(cards) > 1 else Budget(cards[0].size, None, Bytes(0), cards[0].size.where)
    )


def partial_budget(stack: Stack) -> Budget | None:
    """Return cards and main memory together, whatever the size of the weights; None where either is missing."""
    cards, ram = _cards(stack.machine), stack.machine.pool(PoolKind.RAM)
    return _with_host(cards, ram, stack, "layer") if cards and ram is not None else None


def _several(places: tuple[Place, ...], stack: Stack, split: str) -> Budget:
    where = said("{places} memories apart, never one: {places2}", places=len(places), places2=_sources(places))
    return Budget(None, None, Bytes(0), where, places, None, stack.header, split)


def _with_host(cards: tuple[Place, ...], ram: MemoryPool, stack: Stack, split: str) -> Budget:
    share = os_share(ram.capacity.value)
    held = Known(
        Bytes(ram.capacity.value - share),
        said("{where}, less the system's share", where=ram.capacity.where),
        Basis.ASSUMED,
    )
    where = said("{cards} and {where} ({shared})", cards=_sources(cards), where=ram.capacity.where, shared=_SHARED)
    return Budget(None, None, share, where, cards, Place(said("main memory"), held), stack.header, split)


def _sources(places: tuple[Place, ...]) -> str:
    return joined(", ", dict.fromkeys(item.size.where for item in places))


def _cards(machine: Machine) -> tuple[Place, ...]:
    pools = [pool for pool in machine.pools if pool.kind is PoolKind.VRAM]
    return tuple(Place(_name(pool, index, len(pools)), _size(pool), _KEPT_FREE) for index, pool in enumerate(pools))


def _name(pool: MemoryPool, index: int, count: int) -> str:
    return pool.name if count == 1 else said("device {index} ({pool})", index=index, pool=pool.name)


def _unified_place(pool: MemoryPool) -> Place:
    """One box's memory: the accelerator's share, or all of it less what the system takes, whichever is less."""
    share = os_share(pool.capacity.value)
    left = Known(
        Bytes(pool.capacity.value - share),
        said("{where}, less the system's share", where=pool.capacity.where),
        Basis.ASSUMED,
    )
    usable = pool.usable
    return Place(pool.name, usable if usable and usable.value < left.value else left, _KEPT_FREE)


def _size(pool: MemoryPool) -> Known[Bytes]:
    return pool.usable or pool.capacity


def _hold_weights(cards: tuple[Place, ...], stack: Stack) -> bool:
    """Whether the cards could hold the weights at all: where not, blocks must lie in main memory."""
    need = memory_need(stack, 1)
    return need is None or need.weights <= sum(card.size.value for card in cards)
