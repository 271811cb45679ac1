"""A machine of the user's in other forms: flat (one device, its keys at the top), or with a spec sheet's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from truelimit.domain.message import said
from truelimit.tables.accelerators import KEYS as DEVICE
from truelimit.tables.assemble import KEYS as MACHINE
from truelimit.tables.fields import TableError, known_keys, wrong

if TYPE_CHECKING:
    from truelimit.tables.origin import Origin

_COLUMNS = {
    "device_id": "id",
    "memory_gb_options": "memory_gib",
    "memory_gb": "memory_gib",
    "bandwidth_gbs": "bandwidth_gb_per_s",
    "fp16_tflops": "fp16_dense_tflops",
    "int8_tops": "int8_dense_tops",
    "fp8_tflops": "fp8_dense_tflops",
    "fp4_tflops": "fp4_dense_tflops",
    "os": "operating_systems",
    "release": "released",
    "note": "notes",
}
_NUMERIC = {
    "memory_gib", "bandwidth_gb_per_s", "fp16_dense_tflops", "int8_dense_tops", "fp8_dense_tflops",
    "fp4_dense_tflops", "power_w", "count", "usable_share",
}  # fmt: skip
_LISTS = {"operating_systems", "backends", "backend_notes", "notes"}
_PRICE = ("price_usd", "price_date", "price_note")
_UNUSED = {"fp16_basis"}
# What stays beside the devices when a flat object is folded; the rest describes its one device.
_BESIDE = MACHINE - DEVICE | {"name", "source", "operating_systems", "confidence", "notes", "prices"}
_PICKED = {"id", "count", "memory_gib"}
# A size of a spec sheet: 24, 24 GB, up to 64, 277 HBM3e (+ LPDDR5X on the Grace side). Makers' GB of memory are GiB.
_SIZE = re.compile(
    r"(?:up to )?(?P<gib>\d{1,6}(?:\.\d+)?)(?: ?(?:GB|GiB))?(?: (?:HBM|GDDR|LPDDR|DDR)\w*)?(?: \([^()]*\))?",
    re.IGNORECASE,
)


def own_row(given: Mapping[str, Any], at: Origin) -> dict[str, Any]:
    """Return a user's machine with the keys of a machine file. Blank columns are left out.

    Raises TableError for a key under two names, and a size of memory that is none.
    """
    row: dict[str, Any] = {}
    for key, value in given.items():
        name = _COLUMNS.get(key, key)
        if name in row:
            raise TableError(
                said(
                    "{file}: {key} is given twice, as {name} too; expected one of them",
                    file=at.file,
                    key=key,
                    name=name,
                )
            )
        if value is not None and value != "" and name not in _PRICE and name not in _UNUSED:
            row[name] = _value(name, value, key, at)
    prices = _prices(given)
    return _folded({**row, "prices": prices} if prices else row, at)


def spelled(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the keys that stand under a column's name, each with that; GB of memory are what makers count: GiB."""
    found = ((name, key) for key, name in _COLUMNS.items() if key in given)
    return tuple((name, f"{key}, read as GiB" if name == "memory_gib" else key) for name, key in found)


def given_as(text: str, given: Mapping[str, Any]) -> str:
    """Return an error's text with the user's own names of the keys that it names."""
    found = [key for key, name in _COLUMNS.items() if key in given and f" {name} " in f"{text} "]
    return said("{text} (given as {names})", text=text, names=", ".join(found)) if found else text


def _folded(row: dict[str, Any], at: Origin) -> dict[str, Any]:
    """Return a flat object as a machine with one device; one with devices as it is."""
    if "accelerators" in row or set(row) == {"id"}:
        return row
    known_keys(at.file, row, MACHINE | DEVICE | _PICKED, sourced=False)
    device = {key: row[key] for key in row if key in DEVICE | _PICKED and key != "prices"}
    if not set(device) - _PICKED and "id" not in device:
        raise TableError(
            said("{file}: no accelerator is described; expected [[accelerators]], or bandwidth_gb_per_s", file=at.file)
        )
    beside = {key: row[key] for key in row if key in _BESIDE}
    return {**beside, "accelerators": [device]}


def _value(name: str, value: object, key: str, at: Origin) -> object:
    """Return a column's text as what a TOML would have: numbers, lists. ``key`` is the user's name of it."""
    if not isinstance(value, str):
        return value
    if name in _LISTS:
        return [_word(part) for part in value.split(";") if part.strip()] if name != "notes" else [value]
    if name == "memory_gib":
        return [_gib(part.strip(), value, key, at) for part in value.split(";")]
    if name in _NUMERIC:
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _gib(text: str, value: str, key: str, at: Origin) -> float:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise wrong(at.file, key, value, said("a number of GiB, such as 48, 48 GB, or 24;48 for several sizes"))
    return float(found["gib"])


def _word(text: str) -> str:
    return text.partition("(")[0].strip()


def _prices(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a price of three columns. Without a date it is none: a price says nothing without it."""
    usd, date, what = (given.get(key) for key in _PRICE)
    if usd in (None, "") or date in (None, ""):
        return []
    if isinstance(usd, str):
        with suppress(ValueError):
            usd = float(usd)
    return [{"usd": usd, "date": date, "what": str(what or "")}]
