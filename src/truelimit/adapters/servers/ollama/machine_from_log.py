"""The machine as an Ollama log describes it: for evidence that is examined elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.adapters.files.server_log import ServerLog
    from truelimit.adapters.files.server_log_ollama import LoggedDevice

# What a backend calls its devices: no name of a chip.
_DEVICE_ID = re.compile(r"(?:MTL|Metal|CUDA|ROCm|Vulkan|HIP|cpu)\s*\d*\Z", re.IGNORECASE)


def machine_from_log(log: ServerLog) -> Machine | None:
    """Return the machine on which the server of this log ran, or None when the log names no memory.

    On Metal memory is one unified pool: its capacity is the system's memory, what a model may use the device's
    total (Metal's recommended working set). Elsewhere each accelerator is a pool beside the system's memory.
    """
    devices = accelerators(log)
    metal = next((device for device in devices if device.library.lower() == "metal"), None)
    pools = _unified(log, metal) if metal else _separate(log, devices)
    if not pools:
        return None
    return Machine(
        name=None,
        chip=next((chip for device in devices if (chip := _chip(device))), None),
        operating_system=Known("macOS", f"{metal.where}: library=Metal", Basis.DERIVED) if metal else None,
        pools=tuple(pools),
    )


def accelerators(log: ServerLog) -> tuple[LoggedDevice, ...]:
    """Return the devices that are no processors and tell their memory."""
    return tuple(device for device in log.devices if device.library.lower() != "cpu" and device.total)


def total_vram(log: ServerLog, overhead: int = 0) -> Known[Bytes] | None:
    """Return the memory of all accelerators less ``overhead`` bytes for each, as Ollama counts it for its tiers.

    None when the log names no device at all.
    """
    devices = log.devices
    if not devices:
        return None
    total = sum(max(0, (device.total or 0) - overhead) for device in accelerators(log))
    return Known(Bytes(total), said("{where}: total of all accelerators", where=devices[0].where), Basis.DERIVED)


def _unified(log: ServerLog, device: LoggedDevice) -> list[MemoryPool]:
    usable = _size(device.total, said("{where}: total of {library}", where=device.where, library=device.library))
    system = log.system_memory
    capacity = _size(system.total, f"{system.where}: system memory total") if system else None
    if capacity is None and usable is not None:
        # Without a load in the log only the working set is known: the memory is at least that.
        capacity = Known(
            usable.value,
            said("{where} (at least; the system's memory is not in the log)", where=usable.where),
            Basis.ASSUMED,
        )
    if capacity is None:
        return []
    free = _size(system.free, f"{system.where}: system memory free") if system else None
    return [MemoryPool(said("unified memory"), PoolKind.UNIFIED, capacity, usable, free)]


def _separate(log: ServerLog, devices: Iterable[LoggedDevice]) -> list[MemoryPool]:
    pools: list[MemoryPool] = []
    for device in devices:
        name = (chip := _chip(device)) and chip.value
        capacity = _size(device.total, f"{device.where}: total")
        free = _size(device.available, f"{device.where}: available")
        if capacity is not None:
            pools.append(MemoryPool(name or device.library, PoolKind.VRAM, capacity, free=free))
    ram = _ram(log)
    return [*pools, ram] if ram else pools


def _ram(log: ServerLog) -> MemoryPool | None:
    system = log.system_memory
    if system is not None and (capacity := _size(system.total, f"{system.where}: system memory total")):
        return MemoryPool("RAM", PoolKind.RAM, capacity, free=_size(system.free, f"{system.where}: system memory free"))
    processor = next((device for device in log.devices if device.library.lower() == "cpu"), None)
    if processor is not None and (capacity := _size(processor.total, f"{processor.where}: total of cpu")):
        return MemoryPool(
            "RAM", PoolKind.RAM, capacity, free=_size(processor.available, f"{processor.where}: available")
        )
    return None


def _size(value: Bytes | None, where: str) -> Known[Bytes] | None:
    return Known(value, where, Basis.REPORTED) if value else None


def _chip(device: LoggedDevice) -> Known[str] | None:
    """Return the name of the chip; some versions print it as description and a device number as name."""
    for text in (device.description, device.name):
        if text and not _DEVICE_ID.match(text):
            return Known(text, device.where, Basis.REPORTED)
    return None
