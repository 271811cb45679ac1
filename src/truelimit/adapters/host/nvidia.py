"""NVIDIA accelerators, by the driver's management library."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class NvidiaCard:
    """One device. ``total`` and ``free`` in bytes, None where it has no memory of its own (GB10, Jetson)."""

    name: str
    total: int | None
    free: int | None


def nvidia_cards(library: ModuleType | None = None) -> tuple[NvidiaCard, ...]:
    """Return the NVIDIA devices that the driver names; none when there is no driver."""
    nvml: Any = library or _library()
    if nvml is None:
        return ()
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()
    try:
        return tuple(_card(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError:
        return ()
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _library() -> ModuleType | None:
    try:
        import pynvml
    except ImportError:
        return None
    found: ModuleType = pynvml
    return found


def _card(nvml: Any, index: int) -> NvidiaCard:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(handle)
    name = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError_NotSupported:
        return NvidiaCard(name, None, None)
    return NvidiaCard(name, int(memory.total), int(memory.free))
