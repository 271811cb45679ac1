"""Machines for scripts: JSON with the source of each number, CSV with one line each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING, TypeVar

from truelimit.app import machines as values
from truelimit.report.as_json import dump

if TYPE_CHECKING:
    from truelimit.app.machines import Entry
    from truelimit.domain.machine import Accelerator, Machine, MemoryPool, Price
    from truelimit.domain.provenance import Known

MACHINES = "truelimit.machines/1"
T = TypeVar("T")
_RATES = ("bandwidth", "fp16", "int8", "fp8", "fp4", "power")
_COLUMNS = (
    "id", "what", "name", "vendor", "family", "kind", "devices", "boxes", "memory_bytes", "usable_bytes",
    "bandwidth_bytes_per_s", "fp16_per_s", "int8_per_s", "fp8_per_s", "fp4_per_s", "power_w", "price_usd",
    "price_date", "price_stale", "operating_systems", "backends", "confidence",
)  # fmt: skip


def machines(entries: Sequence[Entry], today: date) -> str:
    """Return machines as JSON text of schema truelimit.machines/1: bytes, bytes and operations a second, W, USD."""
    return dump({"schema": MACHINES, "machines": [_entry(entry, today) for entry in entries]})


def machines_csv(entries: Sequence[Entry], today: date) -> str:
    """Return machines as CSV with a head; rates are of the first device, numbers plain, unknown ones empty."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_line(entry, today) for entry in entries)
    return out.getvalue()


def _line(entry: Entry, today: date) -> list[object]:
    machine, price = entry.machine, values.latest_price(entry.machine)
    chip = machine.accelerators[0] if machine.accelerators else None
    known = [getattr(chip, key) if chip else None for key in _RATES[:-1]]
    return [
        entry.id,
        entry.what,
        machine.name or "",
        *((chip.vendor, chip.family, chip.kind.value) if chip else ("", "", "")),
        len(machine.accelerators),
        machine.boxes,
        values.memory(machine) or "",
        values.usable_memory(machine) or "",
        *("" if item is None else round(item.value) for item in known),
        values.watts(machine) or "",
        *((price.usd, price.date, values.is_stale(price, today)) if price else ("", "", "")),
        ";".join(entry.operating_systems),
        ";".join(chip.backends) if chip else "",
        entry.confidence or "",
    ]


def _entry(entry: Entry, today: date) -> dict[str, object]:
    machine = entry.machine
    return {
        "id": entry.id,
        "what": entry.what,
        "name": machine.name,
        "chip": _known(machine.chip),
        "operating_systems": list(entry.operating_systems),
        "confidence": entry.confidence,
        "memory_bytes": values.memory(machine) or None,
        "usable_bytes": values.usable_memory(machine) or None,
        "pools": [_pool(pool) for pool in machine.pools],
        "accelerators": [{"count": count, **_device(chip, today)} for chip, count in values.devices(machine)],
        "link": _link(machine),
        "boxes": machine.boxes,
        "power_w": _known(machine.power),
        "prices": [_price(price, today) for price in machine.prices],
        "notes": list(machine.notes),
    }


def _pool(pool: MemoryPool) -> dict[str, object]:
    sizes = {f"{key}_bytes": _known(getattr(pool, key)) for key in ("capacity", "usable", "free")}
    return {"name": pool.name, "kind": pool.kind.value, **sizes, "bandwidth_bytes_per_s": _known(pool.bandwidth)}


def _device(chip: Accelerator, today: date) -> dict[str, object]:
    return {
        "id": chip.id or None,
        "name": chip.name,
        "vendor": chip.vendor,
        "family": chip.family,
        "kind": chip.kind.value,
        "memory_options_bytes": list(chip.memory_options),
        "bandwidth_bytes_per_s": _known(chip.bandwidth),
        **{f"{key}_per_s": _known(getattr(chip, key)) for key in ("fp16", "int8", "fp8", "fp4")},
        "power_w": _known(chip.power),
        "backends": list(chip.backends),
        "backend_notes": list(chip.backend_notes),
        "released": chip.released,
        "prices": [_price(price, today) for price in chip.prices],
        "notes": list(chip.notes),
    }


def _link(machine: Machine) -> dict[str, object] | None:
    link = machine.link
    if link is None:
        return None
    return {"name": link.name, "bytes_per_s": _known(link.bandwidth), "latency_s": _known(link.latency)}


def _price(item: Price, today: date) -> dict[str, object]:
    stale = values.is_stale(item, today)
    return {"usd": item.usd, "date": item.date, "what": item.what, "source": item.source, "stale": stale}


def _known(known: Known[T] | None) -> dict[str, object] | None:
    return None if known is None else {"value": known.value, "source": known.where, "basis": known.basis.value}
