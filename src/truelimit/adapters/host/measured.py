"""The measurement of this machine that is kept in the data folder, and how to take it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from truelimit.adapters.host.probe import Progress, measure
from truelimit.adapters.host.read import processor_name
from truelimit.adapters.host.sources import Sources, first_bytes, this_machine
from truelimit.app.measurement import Measurement
from truelimit.units import KIB, MIB, Bytes, BytesPerSecond, OperationsPerSecond

SCHEMA = "truelimit.machine-measurement/1"
_FILE = "machine.json"
_LARGEST = 65536
_UNITS = {"K": KIB, "M": MIB}
_FASTEST = 1e15


def take(progress: Progress, sources: Sources | None = None) -> Measurement:
    """Measure this machine. Raises ProbeError where it cannot be, OSError where its memory cannot be read."""
    host = sources or this_machine()
    memory, cache, threads = host.memory(), last_cache(host.root), _threads()
    rates = measure(memory.available, cache, threads, progress)
    taken = datetime.now(UTC).date().isoformat()
    processor = (processor_name(host) or "")[:80]
    size = Bytes(memory.total)
    known = None if cache is None else Bytes(cache)
    return Measurement(processor, size, taken, threads, rates.array, rates.read, rates.add, rates.matrix, known)


def keep(item: Measurement, folder: Path) -> Path:
    """Write a measurement in place of the last one, durably; return its file. Raises OSError."""
    from truelimit.adapters.store.durable import move_over, write_new

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target, beside = folder / _FILE, folder / f"{_FILE}.new"
    write_new(beside, (json.dumps({"schema": SCHEMA, **asdict(item)}, indent=2) + "\n").encode("utf-8"), 0o600)
    move_over(beside, target)
    return target


def kept(folder: Path) -> Measurement | None:
    """Return the measurement that is kept, or None where there is none that can be read."""
    try:
        with (folder / _FILE).open("rb") as file:
            value = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return _measurement(value) if isinstance(value, dict) and value.get("schema") == SCHEMA else None


def _measurement(value: dict[str, object]) -> Measurement | None:
    numbers = [value.get(key) for key in ("memory", "threads", "array", "read", "add", "matrix")]
    cache = value.get("cache")
    if not all(_is_rate(number) for number in numbers) or not (cache is None or _is_rate(cache)):
        return None
    memory, threads, array, read, add, matrix = (float(number) for number in numbers)  # type: ignore[arg-type]
    return Measurement(
        str(value.get("processor", ""))[:80],
        Bytes(int(memory)),
        str(value.get("taken", ""))[:10],
        int(threads),
        Bytes(int(array)),
        BytesPerSecond(read),
        BytesPerSecond(add),
        OperationsPerSecond(matrix),
        Bytes(int(cache)) if isinstance(cache, int) else None,
    )


def _is_rate(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 < value < _FASTEST
    )


def last_cache(root: Path) -> int | None:
    """Return the size of the largest cache that Linux tells of, in bytes, or None."""
    try:
        found = sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    except OSError:
        return None
    sizes = [size for path in found if (size := _size(first_bytes(path)))]
    return max(sizes, default=None)


def _size(text: str | None) -> int | None:
    if not text or text[-1] not in _UNITS or not text[:-1].isascii() or not text[:-1].isdigit():
        return None
    return int(text[:-1]) * _UNITS[text[-1]]


def _threads() -> int:
    """Return the processors that this program may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else (os.cpu_count() or 1))
