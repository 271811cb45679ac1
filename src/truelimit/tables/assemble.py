"""Puts a machine together: its devices, the memory of each, main memory, the link between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Accelerator, DeviceKind, Link, Machine, MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.limits.gpu_share import gpu_share
from truelimit.tables.accelerators import MOST_GB_PER_S, MOST_GIB, accelerator_from, power, systems
from truelimit.tables.fields import TableError, number, table, text, texts, whole, within, wrong
from truelimit.tables.origin import Origin
from truelimit.units import Bytes, Seconds, from_gb_per_s, from_gib, from_ns, to_gib

KEYS = {
    "id", "name", "chip", "operating_systems", "confidence", "source", "sources", "notes", "boxes", "power_w",
    "usable_share", "accelerators", "ram", "link", "prices", "no_longer_sold",
}  # fmt: skip
_NUMBERS = {"boxes", "power_w", "usable_share"}
_RAM = {"capacity_gib", "bandwidth_gb_per_s", "source", "sources"}
_LINK = {"name", "gb_per_s", "latency_us", "source", "sources"}
_POOLS = {DeviceKind.DISCRETE: PoolKind.VRAM, DeviceKind.UNIFIED: PoolKind.UNIFIED, DeviceKind.CPU: PoolKind.RAM}
_NAMES = {PoolKind.VRAM: "VRAM", PoolKind.UNIFIED: said("unified memory"), PoolKind.RAM: said("main memory")}
_MOST_COUNT = 1024
_MOST_US = 1e6


@dataclass(frozen=True, slots=True)
class Device:
    """A device as a machine has it: ``row`` describes it, ``picked`` says how many (``count``) and ``memory_gib``."""

    chip: Accelerator
    row: Mapping[str, Any]
    at: Origin
    picked: Mapping[str, Any]
    picked_at: Origin

    @property
    def count(self) -> int:
        """How many of it there are. Raises TableError for what is no number of devices."""
        return whole(self.picked_at.file, self.picked, "count", _MOST_COUNT) if "count" in self.picked else 1

    def memory(self) -> Known[Bytes] | None:
        """Return the memory of one: the size picked, else the largest it was sold with; None where none is told.

        Raises TableError for a size that it was not sold with.
        """
        options = self.chip.memory_options
        if "memory_gib" not in self.picked:
            return self.at.told(self.row, "memory_gib", options[-1]) if options else None
        size = from_gib(number(self.picked_at.file, self.picked, "memory_gib", most=MOST_GIB))
        if options and size not in options:
            sold = ", ".join(f"{to_gib(option):g}" for option in options)
            raise TableError(
                said(
                    "{file}: there is no {name} with {size:g} GiB of memory; there are: {sold}",
                    file=self.picked_at.file,
                    name=self.chip.name,
                    size=to_gib(size),
                    sold=sold,
                )
            )
        if size in options and self.chip.kind is DeviceKind.DISCRETE and not self.picked_at.own:
            # The card tells it, whatever the computer around it is.
            return self.at.told(self.row, "memory_gib", size)
        return self.picked_at.told(self.row if self.at is self.picked_at else self.picked, "memory_gib", size)


def device(name: str, row: Mapping[str, Any], at: Origin, picked: Mapping[str, Any], picked_at: Origin) -> Device:
    """Return a device. Raises TableError by file and key for what cannot be."""
    return Device(accelerator_from(name, row, at), row, at, picked, picked_at)


def bare(one: Device) -> Machine:
    """Return a device alone as a machine, with its own memory. Raises TableError for a size it was not sold with."""
    chip, memory = one.chip, one.memory()
    size = f":{to_gib(memory.value):g}" if memory and "memory_gib" in one.picked else ""
    pools = tuple(_device_pools([one], None, None))
    system = _system({}, one.at, one)
    return Machine(chip.name, _chip(one), system, pools, id=chip.id + size, accelerators=(chip,), notes=chip.notes)


def assembled(name: str, row: Mapping[str, Any], at: Origin, devices: Sequence[Device]) -> Machine:
    """Return the machine that a row and its devices describe. Raises TableError by file and key for what cannot be."""
    at.sources(row, _NUMBERS)
    ram = _ram(row, at)
    share = at.known(row, "usable_share", float, 1.0)
    own = _device_pools(devices, share, ram)
    return Machine(
        text(at.file, row, "name") if not at.own or "name" in row else devices[0].chip.name,
        at.told(row, "chip", text(at.file, row, "chip")) if "chip" in row else _chip(devices[0]),
        _system(row, at, devices[0]),
        (*own, *((ram,) if ram else ())),
        id=name,
        accelerators=tuple(item.chip for item in devices for _ in range(item.count)),
        link=_link(row, at),
        boxes=whole(at.file, row, "boxes", _MOST_COUNT) if "boxes" in row else 1,
        power=power(row, at),
        prices=at.prices(row),
        notes=texts(at.file, row, "notes"),
        no_longer_sold=text(at.file, row, "no_longer_sold") if "no_longer_sold" in row else None,
    )


def _device_pools(
    devices: Sequence[Device], share: Known[float] | None, ram: MemoryPool | None
) -> Iterator[MemoryPool]:
    """Yield the memory of each device; a processor's only where main memory is not told by itself."""
    total, index = sum(item.count for item in devices), 0
    for item in devices:
        kind, memory = _POOLS[item.chip.kind], item.memory()
        for _ in range(item.count):
            if memory is not None and (kind is not PoolKind.RAM or ram is None):
                name = _NAMES[kind] if total == 1 else said("{name} (GPU {index})", name=item.chip.name, index=index)
                usable = _usable(item, memory, share) if kind is PoolKind.UNIFIED else None
                yield MemoryPool(name, kind, memory, usable)
            index += 1


def _usable(item: Device, memory: Known[Bytes], share: Known[float] | None) -> Known[Bytes] | None:
    """Return what the GPU may take of unified memory: always ASSUMED, since it is a setting of the system."""
    known = (share.value, share.where) if share else gpu_share(item.chip.family)
    if known is None:
        return None
    return Known(Bytes(round(memory.value * known[0])), known[1], Basis.ASSUMED)


def _chip(one: Device) -> Known[str]:
    key = "name" if "name" in one.row else "id"
    return one.at.told(one.row, key, one.chip.name)


def _system(row: Mapping[str, Any], at: Origin, first: Device) -> Known[str] | None:
    for part, place in ((row, at), (first.row, first.at)):
        found = systems(part, place)
        if found:
            return place.told(part, "operating_systems", found[0])
    return None


def _ram(row: Mapping[str, Any], at: Origin) -> MemoryPool | None:
    if "ram" not in row:
        return None
    part = _part(row, at, "ram", _RAM)
    place = Origin(within(at.file, "ram"), at.label, at.own)
    place.sources(part, _RAM - {"source", "sources"})
    capacity = place.known(part, "capacity_gib", from_gib, MOST_GIB)
    if capacity is None:
        raise wrong(place.file, "capacity_gib", None, said("a number above 0"))
    bandwidth = place.known(part, "bandwidth_gb_per_s", from_gb_per_s, MOST_GB_PER_S)
    return MemoryPool(_NAMES[PoolKind.RAM], PoolKind.RAM, capacity, bandwidth=bandwidth)


def _link(row: Mapping[str, Any], at: Origin) -> Link | None:
    if "link" not in row:
        return None
    part = _part(row, at, "link", _LINK)
    place = Origin(within(at.file, "link"), at.label, at.own)
    place.sources(part, {"gb_per_s", "latency_us"})
    bandwidth = place.known(part, "gb_per_s", from_gb_per_s, MOST_GB_PER_S)
    if bandwidth is None:
        raise wrong(place.file, "gb_per_s", None, said("a number above 0"))
    latency = place.known(part, "latency_us", _from_us, _MOST_US)
    return Link(text(place.file, part, "name") if "name" in part else "link", bandwidth, latency)


def _part(row: Mapping[str, Any], at: Origin, key: str, keys: set[str]) -> dict[str, Any]:
    """Return a table within a row; the row's source is that of its numbers where it has none of its own."""
    part = dict(table(at.file, row, key))
    if "source" in row:
        part.setdefault("source", row["source"])
    Origin(within(at.file, key), at.label, at.own).check(part, keys)
    return part


def _from_us(value: float) -> Seconds:
    return from_ns(value * 1000)
