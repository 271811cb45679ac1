"""Which memory this machine has, and which of it an accelerator works in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truelimit.adapters.host import apple
from truelimit.adapters.host.amd import AmdCard, amd_cards
from truelimit.adapters.host.sources import Memory, Sources, number_in
from truelimit.domain.machine import MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import GIB, Bytes

if TYPE_CHECKING:
    from truelimit.adapters.host.nvidia import NvidiaCard

# As much of main memory in a processor's GPU is a model, not a desktop.
_MODEL_IN_GTT = GIB


@dataclass(frozen=True, slots=True)
class Devices:
    """What was asked once: macOS's sysctl values, the accelerators by maker, the GPU cores of an Apple chip."""

    sysctl: Mapping[str, str]
    nvidia: tuple[NvidiaCard, ...]
    amd: tuple[AmdCard, ...]
    gpu_cores: int | None = None


def devices(host: Sources) -> Devices:
    """Return the accelerators of a machine."""
    if host.system == "Darwin":
        return Devices(apple.sysctl(host.run), (), (), apple.gpu_cores(host.run))
    return Devices({}, host.nvidia(), amd_cards(host.root))


def pools(host: Sources, memory: Memory, found: Devices, processor: str | None) -> tuple[MemoryPool, ...]:
    """Return the machine's pools: unified memory alone, or the accelerators' memory and then main memory.

    Unified: Apple silicon; NVIDIA devices without memory of their own (GB10); AMD processors whose GPU runs models.
    """
    ram = _main_memory(host, memory)
    unified = apple.unified_pool(found.sysctl, ram.free)
    if unified is not None:
        return (unified,)
    vram = (*_nvidia_pools(found.nvidia), *(_amd_pool(card) for card in found.amd if not card.in_processor))
    if vram:
        return (*vram, ram)
    if found.nvidia:
        return (MemoryPool(said("unified memory"), PoolKind.UNIFIED, ram.capacity, None, ram.free),)
    shared = next((card for card in found.amd if _runs_models(card, processor)), None)
    return (ram if shared is None else _shared_pool(shared, ram),)


def measured(value: int, where: str) -> Known[Bytes]:
    """Return bytes as the operating system or a driver told them."""
    return Known(Bytes(value), where, Basis.MEASURED)


def _main_memory(host: Sources, memory: Memory) -> MemoryPool:
    """Return main memory, or the part of it that this container may use (cgroup version 2)."""
    limit = number_in(host.root / "sys/fs/cgroup/memory.max")
    if limit is not None and 0 < limit < memory.total:
        used = number_in(host.root / "sys/fs/cgroup/memory.current") or 0
        capacity = measured(limit, said("/sys/fs/cgroup/memory.max (the container's limit)"))
        left = min(memory.available, max(0, limit - used))
        free = measured(left, "/sys/fs/cgroup/memory.max - memory.current")
        return MemoryPool(said("main memory of the container"), PoolKind.RAM, capacity, None, free)
    capacity = measured(memory.total, "psutil virtual_memory().total")
    free = measured(memory.available, "psutil virtual_memory().available")
    return MemoryPool(said("main memory"), PoolKind.RAM, capacity, None, free)


def _nvidia_pools(cards: tuple[NvidiaCard, ...]) -> tuple[MemoryPool, ...]:
    pools = []
    for index, card in enumerate(cards):
        if card.total:
            where = said("NVML memory info of GPU {index}", index=index)
            free = None if card.free is None else measured(card.free, where)
            name = f"{card.name} (GPU {index})"
            pools.append(MemoryPool(name, PoolKind.VRAM, measured(card.total, where), None, free))
    return tuple(pools)


def _amd_pool(card: AmdCard) -> MemoryPool:
    free = None
    if card.vram_used is not None:
        where = f"sysfs {card.folder}/mem_info_vram_total - mem_info_vram_used"
        free = measured(max(0, card.vram - card.vram_used), where)
    capacity = measured(card.vram, f"sysfs {card.folder}/mem_info_vram_total")
    return MemoryPool(f"{card.name} ({card.number})", PoolKind.VRAM, capacity, None, free)


def _runs_models(card: AmdCard, processor: str | None) -> bool:
    """Tell whether a processor's own GPU runs models: it holds one now, or the chip is made for it (Strix Halo).

    Elsewhere the engines leave such a GPU alone and compute on the processor, with all of main memory.
    """
    if not card.in_processor or card.gtt is None:
        return False
    return (card.gtt_used or 0) >= _MODEL_IN_GTT or "ryzen ai max" in (processor or "").lower()


def _shared_pool(card: AmdCard, ram: MemoryPool) -> MemoryPool:
    """Return main memory with the share carved out of it for the GPU; usable is that share and GTT."""
    carved = f"sysfs {card.folder}/mem_info_vram_total"
    capacity = measured(ram.capacity.value + card.vram, f"{ram.capacity.where} + {carved}")
    usable = measured(card.vram + (card.gtt or 0), f"{carved} + mem_info_gtt_total")
    return MemoryPool(said("unified memory"), PoolKind.UNIFIED, capacity, usable, ram.free)
