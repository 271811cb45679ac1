"""Apple machines, by sysctl."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from truelimit.domain.machine import MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.limits.gpu_share import METAL_SHARE
from truelimit.units import Bytes, from_mib

_KEYS = ("hw.memsize", "machdep.cpu.brand_string", "iogpu.wired_limit_mb")
# Metal's own figure (recommendedMaxWorkingSetSize) needs Objective-C. It is 72 to 81 % on machines of 24 to 192 GB
# in llama.cpp's logs: 17.9 of 24, 48 or 51.8 of 64, 96 of 128, 144 of 192.
_GPU = ("/usr/sbin/ioreg", "-rd1", "-c", "AGXAccelerator")
_CORES = re.compile(r'"gpu-core-count"\s*=\s*(\d{1,3})\b')
_RULE = said("assumed: Metal lets the GPU take about 75 % of memory (iogpu.wired_limit_mb is 0, the default)")


def sysctl(run: Callable[[Sequence[str]], str | None]) -> Mapping[str, str]:
    """Return those of the keys that matter which this macOS knows."""
    lines = (run(("/usr/sbin/sysctl", *_KEYS)) or "").splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {key: value.strip() for key, _, value in pairs if key in _KEYS}


def chip(values: Mapping[str, str]) -> Known[str] | None:
    """Return the chip's name (``Apple M2 Ultra``)."""
    name = values.get("machdep.cpu.brand_string")
    return Known(name, "sysctl machdep.cpu.brand_string", Basis.MEASURED) if name else None


def gpu_cores(run: Callable[[Sequence[str]], str | None]) -> int | None:
    """Return the number of GPU cores, which tells apart chips of one name, or None where macOS does not say."""
    found = _CORES.search(run(_GPU) or "")
    return int(found.group(1)) if found else None


def unified_pool(values: Mapping[str, str], free: Known[Bytes] | None) -> MemoryPool | None:
    """Return the memory that processor and GPU share, or None on a Mac without Apple silicon.

    ``usable`` is what the GPU may take: the limit that the user set, else about 75 % as ASSUMED.
    """
    total = _number(values.get("hw.memsize"))
    name = chip(values)
    if not total or name is None or not name.value.startswith("Apple"):
        return None
    limit = _number(values.get("iogpu.wired_limit_mb"))
    if limit:
        usable = Known(from_mib(limit), "sysctl iogpu.wired_limit_mb", Basis.MEASURED)
    else:
        usable = Known(Bytes(int(total * METAL_SHARE)), _RULE, Basis.ASSUMED)
    capacity = Known(Bytes(total), "sysctl hw.memsize", Basis.MEASURED)
    return MemoryPool(said("unified memory"), PoolKind.UNIFIED, capacity, usable, free)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
