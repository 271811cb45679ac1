"""Which accelerators of the table a machine has, by the names that drivers, processors and logs print."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from truelimit.domain.machine import Accelerator, DeviceKind, Machine, MemoryPool, PoolKind
from truelimit.tables import files
from truelimit.tables.accelerators import accelerator, accelerator_names

if TYPE_CHECKING:
    from truelimit.units import Bytes

_NUMBERED = re.compile(r"\s*\((?:GPU \d+|card\d+)\)\Z")
_WORD = re.compile(r"[a-z0-9+]+")
_CORES = re.compile(r"(apple m\d+(?: (?:pro|max|ultra))?)(?: \((\d+)-core gpu\))?")
_SIZE = re.compile(r"\d+gb\Z")
# Words of a maker's that ids leave out.
_NOISE = {"nvidia", "amd", "intel", "r", "tm", "geforce", "radeon", "graphics", "gpu", "tesla", "generation", "arc"}
_NEAR = 0.12  # Drivers tell less than the size on the box: 23.99 of 24, 11.6 of 12 GiB.
_KINDS = {
    PoolKind.VRAM: DeviceKind.DISCRETE,
    PoolKind.UNIFIED: DeviceKind.UNIFIED,
    PoolKind.RAM: DeviceKind.CPU,
}
_VENDORS = ("nvidia", "amd", "apple", "intel")


def identified(machine: Machine) -> Machine:
    """Return the machine with its accelerators: those of the table where a name is known, else by name alone.

    One for each pool of VRAM; where there is none, the chip with unified or main memory. A machine that has
    accelerators of the table already stays as it is.
    """
    if all(device.id for device in machine.accelerators) and machine.accelerators:
        return machine
    named = dict(enumerate(machine.accelerators))
    found = []
    for index, pool in enumerate(_computing(machine)):
        device = named.get(index)
        name = device.name if device else _name(machine, pool)
        if name:
            found.append(_known(name, pool) or device or _by_name(name, pool.kind))
    return replace(machine, accelerators=tuple(found))


def accelerator_id(name: str, memory: Bytes | None = None) -> str | None:
    """Return the id in the table of what a driver or a processor calls itself, or None.

    ``memory`` decides where devices share a name.
    """
    small = " ".join(name.lower().split())
    apple = _CORES.match(small)
    if apple:
        return _apple(apple.group(1), apple.group(2), memory)
    return _by_words(small, memory) or _by_pattern(small, memory)


def _computing(machine: Machine) -> list[MemoryPool]:
    for kind in (PoolKind.VRAM, PoolKind.UNIFIED, PoolKind.RAM):
        pools = [pool for pool in machine.pools if pool.kind is kind]
        if pools:
            return pools
    return []


def _name(machine: Machine, pool: MemoryPool) -> str | None:
    if pool.kind is PoolKind.VRAM and pool.name != "VRAM":
        return _NUMBERED.sub("", pool.name)
    return machine.chip.value if machine.chip else None


def _known(name: str, pool: MemoryPool) -> Accelerator | None:
    found = accelerator_id(name, pool.capacity.value)
    return accelerator(found) if found else None


def _by_name(name: str, pool: PoolKind) -> Accelerator:
    kind = _KINDS[pool]
    vendor = next((vendor for vendor in _VENDORS if vendor in name.lower()), "other")
    if kind is DeviceKind.CPU:
        return Accelerator("", name, vendor, "cpu", kind, backends=("cpu",))
    return Accelerator("", name, vendor, "other", kind)


def _by_words(name: str, memory: Bytes | None) -> str | None:
    """Return the id that has the words of the name; one more number in it is its memory, which must fit."""
    wanted = {word for word in _WORD.findall(name) if word not in _NOISE and not _SIZE.match(word)}
    for known in accelerator_names():
        words = set(known.split("-")) - _NOISE
        if words == wanted:
            return known
        extra = words - wanted
        if wanted and wanted < words and len(extra) == 1 and extra.pop().isdigit() and _fits(known, memory):
            return known
    return None


def _by_pattern(name: str, memory: Bytes | None) -> str | None:
    for item in (files.row("", "device_names") or {}).get("names", ()):
        if fnmatchcase(name, item["pattern"]):
            ids: list[str] = item["ids"]
            return ids[0] if len(ids) == 1 else next((one for one in ids if _fits(one, memory)), None)
    return None


def _fits(known: str, memory: Bytes | None) -> bool:
    device = accelerator(known)
    if device is None or memory is None:
        return False
    return any(abs(option - memory) <= _NEAR * option for option in device.memory_options)


def _apple(chip: str, cores: str | None, memory: Bytes | None) -> str | None:
    """Return the id of an Apple chip; where the GPU's cores are not told, the variant with the fewest that fits."""
    start = chip.replace(" ", "-")
    if cores:
        return f"{start}-{cores}c" if f"{start}-{cores}c" in accelerator_names() else None
    variants = [name for name in accelerator_names() if re.fullmatch(rf"{start}-\d+c", name)]
    variants.sort(key=lambda name: int(name.rsplit("-", 1)[1][:-1]))
    fitting = [name for name in variants if _fits(name, memory)]
    return next(iter(fitting or variants), None)
