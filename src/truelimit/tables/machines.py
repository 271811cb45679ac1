"""The table of machines: one TOML each; an accelerator alone is a machine with its own memory; the user's own TOML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truelimit.app.machines import Entry
from truelimit.domain.message import said
from truelimit.tables import files
from truelimit.tables.accelerators import accelerator_names, confidence, row_of, systems
from truelimit.tables.assemble import KEYS, Device, assembled, bare, device
from truelimit.tables.fields import TableError, nearest, number, rows, text, within, wrong
from truelimit.tables.origin import Origin
from truelimit.tables.spec_sheet import given_as, own_row, spelled

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine

_MOST_GIB = 65536
_SOME = "dgx-spark, mac-studio-m3-ultra-512, framework-desktop-128, pc-rtx-5090, rtx-4090"
_PICKED = {"id", "count", "memory_gib"}


def machine_names() -> tuple[str, ...]:
    """Return the ids of the shipped machines, accelerators apart."""
    return files.names("machines")


def machine(name: str) -> Machine:
    """Return a machine by the id of a machine or an accelerator, ``ID:GIB`` for one of its memory sizes, or a TOML.

    Raises TableError with the nearest names there are, the sizes there were, or what is wrong in the file.
    """
    return entry(name).machine


def entry(name: str) -> Entry:
    """Return what ``machine`` does, with operating systems and confidence. Raises TableError like it."""
    if name.lower().endswith(".toml"):
        return machine_file(Path(name))
    plain, colon, size = "-".join(name.lower().replace("_", " ").split()).partition(":")
    memory = _gib(name, size) if colon else None
    found = None if memory else _machine_entry(plain)
    found = found or _accelerator_entry(plain, memory)
    if found is None:
        raise TableError(_unknown(name.strip(), plain))
    return found


def entries() -> Iterator[Entry]:
    """Yield everything in the table: machines by id, then accelerators by id. Raises TableError for a broken file."""
    for name in machine_names():
        yield entry(name)
    for name in accelerator_names():
        found = _accelerator_entry(name, None)
        if found:
            yield found


def joined(one: Machine, count: int) -> Machine | None:
    """Return the table's machine of ``count`` boxes like this one, with what joins them; None where it has none."""
    name = f"{one.id}-{count}"
    if count < 2 or one.boxes > 1 or name not in machine_names():
        return None
    found = machine(name)
    same = [pool.capacity.value for pool in found.pools] == count * [pool.capacity.value for pool in one.pools]
    return found if found.boxes == count and same else None


def machine_file(path: Path) -> Entry:
    """Return the machine of a TOML of the user's. Raises TableError by file and key for what cannot be."""
    return _own(files.own(path), Origin(str(path), said("your file {file}", file=path.name), own=True), path.stem)


def machine_from_mapping(row: Mapping[str, Any], label: str = "") -> Machine:
    """Return the machine of an object with the keys of a machine file, an accelerator file, or a spec sheet's columns.

    ``label`` names it in errors and sources. Raises TableError by key for what is unknown or cannot be.
    """
    label = label or said("the machine given")
    return _own(row, Origin(label, label, own=True), "own").machine


def _own(given: Mapping[str, Any], at: Origin, name: str) -> Entry:
    if not isinstance(given, Mapping):
        raise TableError(said("{file}: expected a table with the keys of a machine", file=at.file))
    row, at = own_row(given, at), replace(at, given=spelled(given))
    if set(row) == {"id"}:
        return entry(text(at.file, row, "id"))
    try:
        return _entry(text(at.file, row, "id") if "id" in row else name, row, at)
    except TableError as error:
        raise TableError(given_as(str(error), given)) from None


def _entry(name: str, row: Mapping[str, Any], at: Origin) -> Entry:
    at.check(row, KEYS)
    devices = [_device(item, row, at, index) for index, item in enumerate(rows(at.file, row, "accelerators"))]
    first = devices[0]
    told = systems(row, at) or systems(first.row, first.at)
    sure = confidence(row, at) or confidence(first.row, first.at)
    return Entry(name, "machine", assembled(name, row, at, devices), told, sure)


def _device(item: Mapping[str, Any], row: Mapping[str, Any], at: Origin, index: int) -> Device:
    """Return a device: that of the table by ``id``, or one written out in place."""
    if not isinstance(item, Mapping):
        raise wrong(at.file, "accelerators", item, "[[accelerators]]")
    placed = Origin(within(at.file, "accelerators"), at.label, at.own, at.given)
    picked = {"source": row["source"], **item} if "source" in row else dict(item)
    if set(item) <= _PICKED and "id" in item:
        name = text(placed.file, item, "id")
        found = row_of(name)
        if found is None:
            raise TableError(
                said(
                    "{file}: id {name!r:.60} is no accelerator of the table; nearest: {near}",
                    file=placed.file,
                    name=name,
                    near=", ".join(nearest(name, accelerator_names())) or said("none"),
                )
            )
        return device(name, *found, picked, placed)
    rest = {key: value for key, value in picked.items() if key not in {"id", "count"}}
    picked = {key: value for key, value in item.items() if key == "count"}
    return device(str(item.get("id") or f"own-{index + 1}"), rest, placed, picked, placed)


def _machine_entry(name: str) -> Entry | None:
    row = files.row("machines", name)
    if row is None:
        return None
    file = f"machines/{name}.toml"
    return _entry(name, row, Origin(file, said("table {file}", file=file)))


def _accelerator_entry(name: str, memory: float | None) -> Entry | None:
    found = row_of(name)
    if found is None:
        return None
    row, at = found
    picked = {} if memory is None else {"memory_gib": memory}
    alone = bare(device(name, row, at, picked, at))
    return Entry(alone.id or name, "accelerator", alone, systems(row, at), confidence(row, at))


def _gib(name: str, size: str) -> float:
    try:
        value: object = float(size)
    except ValueError:
        value = size
    key = said("memory in GiB")
    return number(said("machine {name!r:.80}", name=name), {key: value}, key, most=_MOST_GIB)


def _unknown(name: str, plain: str) -> str:
    never = _never_sold(plain)
    if never:
        return said("machine {name!r:.80} is not in the table: {never}", name=name, never=never)
    near = ", ".join(nearest(plain, dict.fromkeys((*machine_names(), *accelerator_names())), 5))
    there = said("nearest: {near}", near=near) if near else said("there are: {some}, ...", some=_SOME)
    return said(
        "machine {name!r:.80} is not in the table; {there} (truelimit machines lists all)", name=name, there=there
    )


def _never_sold(name: str) -> str | None:
    from fnmatch import fnmatchcase

    for item in (files.row("", "never_sold") or {}).get("names", ()):
        if fnmatchcase(name, item["pattern"]):
            return f"{item['says']} ({item['source']})"
    return None
