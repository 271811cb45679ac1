"""This machine, as the operating system and the drivers describe it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.adapters.host import apple
from truelimit.adapters.host.pools import Devices, devices, measured, pools
from truelimit.adapters.host.sources import Memory, Sources, first_bytes, this_machine
from truelimit.domain.machine import Accelerator, DeviceKind, Machine, MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline, Evidence, Places


def read_machine(places: Places, deadline: Deadline, sources: Sources | None = None) -> Evidence:  # noqa: ARG001
    """Return this machine's memory pools, chip, operating system and used swap, each MEASURED unless it says else.

    An accelerator is named here only where its name says more than ``chip`` and the pools do (Apple's GPU cores); its
    rates are those of the table, which is not read here.
    Nothing of this machine is read when ``places`` is isolated. Commands are bounded by two seconds each. Facts that
    cannot be had are Missing; nothing is raised.
    """
    from truelimit.app.ports import Evidence

    if places.isolated:
        return Evidence()
    host = sources or this_machine()
    found, processor = devices(host), processor_name(host)
    memory, missing = _memory(host)
    held = () if memory is None else pools(host, memory, found, processor)
    machine = _machine(host, memory, held, _chip(found, processor))
    machine = replace(machine, accelerators=_apple_gpu(found, machine))
    return Evidence(machine=machine, missing=(*missing, *_unread(host, found)), examined=(said("this machine"),))


def _memory(host: Sources) -> tuple[Memory | None, tuple[Missing, ...]]:
    try:
        return host.memory(), ()
    except (OSError, RuntimeError, ValueError) as error:
        return None, (
            Missing(said("memory of this machine"), said("psutil cannot read it: {name}", name=type(error).__name__)),
        )


def _machine(host: Sources, memory: Memory | None, held: tuple[MemoryPool, ...], chip: Known[str] | None) -> Machine:
    # The host's own name is left out: a report may be shown to others.
    name = {"Darwin": "macOS"}.get(host.system, host.system)
    where = "platform.mac_ver()" if name == "macOS" else "platform.system(), release()"
    system = Known(f"{name} {host.release}".strip(), where, Basis.MEASURED) if name else None
    swap = None if memory is None else measured(memory.swap_used, "psutil swap_memory().used")
    return Machine(None, chip, system, held, swap)


def _chip(found: Devices, processor: str | None) -> Known[str] | None:
    """Return the accelerator's name, else the processor's."""
    if found.sysctl:
        return apple.chip(found.sysctl)
    for card in found.nvidia:
        return Known(card.name, said("NVML device name of GPU {index}", index=0), Basis.MEASURED)
    for device in found.amd:
        if not device.in_processor:
            return Known(device.name, f"sysfs {device.folder}/product_name, device", Basis.MEASURED)
    return Known(processor, said("the processor's own name"), Basis.MEASURED) if processor else None


def _apple_gpu(found: Devices, machine: Machine) -> tuple[Accelerator, ...]:
    if machine.chip is None or found.gpu_cores is None or machine.pool(PoolKind.UNIFIED) is None:
        return ()
    name = f"{machine.chip.value} ({found.gpu_cores}-core GPU)"
    return (Accelerator("", name, "apple", "other", DeviceKind.UNIFIED),)


def processor_name(host: Sources) -> str | None:
    """Return what the processor calls itself, or None."""
    text = first_bytes(host.root / "proc/cpuinfo") or ""
    lines = (line.partition(":") for line in text.splitlines())
    named = next((value.strip() for key, _, value in lines if key.strip() == "model name"), "")
    return named or host.processor or None


def _unread(host: Sources, found: Devices) -> tuple[Missing, ...]:
    if host.system != "Windows" or found.nvidia:
        return ()
    return (
        Missing(said("accelerators of this machine"), said("only NVIDIA's are read on Windows, and none is there")),
    )
