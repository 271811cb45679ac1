"""Machines as blocks: the list, one with each number's source, several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from truelimit.app import machines as values
from truelimit.domain.machine import Accelerator, Machine, PoolKind, Price
from truelimit.domain.message import figure, joined, said
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.numbers import number, size
from truelimit.units import TERA, Bytes, to_gb_per_s, to_gib

if TYPE_CHECKING:
    from truelimit.app.machines import Entry
    from truelimit.domain.provenance import Known

UNKNOWN = said("not known")
RATES = (
    ("fp16", said("FP16, dense"), "TFLOPS"), ("int8", said("int8, dense"), "TOPS"),
    ("fp8", said("FP8, dense"), "TFLOPS"), ("fp4", said("FP4, dense"), "TFLOPS"),
)  # fmt: skip
_LIST = (said("id"), said("memory"), said("bandwidth"), said("price"), said("name"))
_FACTS = (said("what"), said("value"), said("basis"), said("source"))


def listed(entries: Sequence[Entry], today: date) -> list[Block]:
    """Return the blocks of a list: machines, then accelerators alone."""
    blocks: list[Block] = []
    for what, title in (
        ("machine", "Machines"),
        ("accelerator", said("Accelerators alone (ID:GIB picks a memory size)")),
    ):
        rows = tuple(_row(entry, today) for entry in entries if entry.what == what)
        if rows:
            blocks += [Heading(said("{title}, {rows}", title=title, rows=len(rows)), 2), Rows(_LIST, rows)]
    return blocks or [Paragraph(said("No machine of the table is like that."))]


def _row(entry: Entry, today: date) -> tuple[str, ...]:
    machine = entry.machine
    return (entry.id, memory(machine), per_second(machine), price(machine, today), machine.name or entry.id)


def shown(entry: Entry, today: date) -> list[Block]:
    """Return the blocks of one machine: every number with its basis and source, prices by date, notes."""
    machine = entry.machine
    blocks: list[Block] = [
        Heading(said("{machine} ({id})", machine=machine.name or said("This machine"), id=entry.id)),
        Paragraph(_summary(entry)),
    ]
    blocks.append(Rows(_FACTS, tuple(_facts(machine))))
    prices = _all_prices(machine)
    if prices:
        rows = tuple(
            (
                item.date,
                _usd(item),
                _age(item, today),
                said("{what} ({source})", what=said(item.what), source=item.source),
            )
            for item in prices
        )
        blocks += [Heading(said("Prices"), 2), Rows((said("date"), "USD", "", said("of what")), rows)]
    notes = _notes(machine)
    if notes:
        blocks += [Heading(said("Notes"), 2), Items(notes)]
    return blocks


def _summary(entry: Entry) -> str:
    machine = entry.machine
    devices = ", ".join(f"{count} x {chip.name}" if count > 1 else chip.name for chip, count in values.devices(machine))
    parts: list[str] = [devices] if devices else []
    parts += [said("{boxes} boxes", boxes=machine.boxes)] if machine.boxes > 1 else []
    if entry.operating_systems:
        parts.append(said("runs {systems}", systems=joined(said(" or "), entry.operating_systems)))
    backends = list(dict.fromkeys(name for chip, _ in values.devices(machine) for name in chip.backends))
    parts += [said("backends {backends}", backends=", ".join(backends))] if backends else []
    parts += [said("confidence {confidence}", confidence=said(entry.confidence))] if entry.confidence else []
    return said("{parts}.", parts=joined("; ", parts))


def _facts(machine: Machine) -> Iterator[tuple[str, ...]]:
    for pool in machine.pools:
        yield _fact(pool.name, pool.capacity, size)
        if pool.usable is not None:
            yield _fact(said("{pool}, usable by the GPU", pool=pool.name), pool.usable, size)
        if pool.kind is not PoolKind.VRAM:
            yield _fact(said("{pool}, for models", pool=pool.name), values.usable_of(pool), size)
        if pool.free is not None:
            yield _fact(said("{pool}, free", pool=pool.name), pool.free, size)
        if pool.bandwidth is not None:
            yield _fact(said("{pool}, bandwidth", pool=pool.name), pool.bandwidth, _gb_per_s)
    for chip, _ in values.devices(machine):
        yield from _device(chip)
    if machine.link is not None:
        yield _fact(said("link, {link}", link=machine.link.name), machine.link.bandwidth, _gb_per_s)
        if machine.link.latency is not None:
            yield _fact(
                said("link, latency"), machine.link.latency, lambda value: said("{value:,.3g} us", value=value * 1e6)
            )
    if machine.power is not None:
        yield _fact(said("power of the whole"), machine.power, lambda value: said("{value} W", value=number(value)))


def _device(chip: Accelerator) -> Iterator[tuple[str, ...]]:
    if chip.bandwidth is not None:
        yield _fact(said("{chip}, bandwidth", chip=chip.name), chip.bandwidth, _gb_per_s)
    else:
        yield (said("{chip}, bandwidth", chip=chip.name), UNKNOWN, "", "")
    for key, title, unit in RATES:
        known = getattr(chip, key)
        if known is not None:
            yield (
                said("{chip}, {title}", chip=chip.name, title=title),
                said("{known} {unit}", known=number(known.value / TERA), unit=unit),
                said(known.basis.value),
                known.where,
            )
    if chip.power is not None:
        yield _fact(
            said("{chip}, power", chip=chip.name), chip.power, lambda value: said("{value} W", value=number(value))
        )


def _fact(name: str, known: Known[float] | Known[Bytes], written: Callable[[float], str]) -> tuple[str, ...]:
    return (name, written(known.value), said(known.basis.value), known.where)


def _notes(machine: Machine) -> tuple[str, ...]:
    devices = [chip for chip, _ in values.devices(machine)]
    every = [*machine.notes, *(note for chip in devices for note in (*chip.backend_notes, *chip.notes))]
    sold = [chip for chip in devices if len(chip.memory_options) > 1]
    every += [said("{chip} came with {chip2} GiB", chip=chip.name, chip2=_options(chip)) for chip in sold]
    return tuple(dict.fromkeys(every))


def _options(chip: Accelerator) -> str:
    return joined(", ", (figure(to_gib(option), "g") for option in chip.memory_options))


def _all_prices(machine: Machine) -> tuple[Price, ...]:
    own = machine.prices or tuple(item for chip, _ in values.devices(machine) for item in chip.prices)
    return tuple(sorted(own, key=lambda item: item.date))


def compared(entries: Sequence[Entry], today: date) -> list[Block]:
    """Return the blocks of machines side by side, one column each."""
    head = ("", *(entry.id for entry in entries))
    rows = tuple((title, *(column(entry, today) for entry in entries)) for title, column in _COLUMNS)
    names = Items(
        tuple(said("{id}: {machine}", id=entry.id, machine=entry.machine.name or entry.id) for entry in entries)
    )  # too long for columns
    return [names, Rows(head, rows, titled=True), Paragraph(_COMPARED, "dim")]


_COMPARED = said(
    "Bandwidth and matrix rates are of one device; a request split by layers uses one at a time. USD per GiB and GB/s "
    "per USD count all devices at the latest dated price; truelimit machines show ID names each source."
)


def memory(machine: Machine) -> str:
    """Return the memory that models go to: of all accelerators, else main memory."""
    total = values.memory(machine)
    return size(total) if total else UNKNOWN


def per_second(machine: Machine) -> str:
    """Return the bandwidth of each device."""
    found = [
        said("{number} x {bandwidth}", number=count, bandwidth=_gb_per_s(chip.bandwidth.value))
        if count > 1
        else _gb_per_s(chip.bandwidth.value)
        for chip, count in values.devices(machine)
        if chip.bandwidth is not None
    ]
    return joined(" + ", found) or UNKNOWN


def price(machine: Machine, today: date) -> str:
    """Return the latest price with its date, marked where it is old."""
    found = values.latest_price(machine)
    if found is None:
        return UNKNOWN
    age = _age(found, today)
    text = joined("", (", " + said(part) for part in (age, values.part_priced(machine)) if part))
    return said("{found} USD ({date}{text})", found=_usd(found), date=found.date, text=text)


def _usd(item: Price) -> str:
    return said("{usd:,.0f}", usd=item.usd)


def _age(item: Price, today: date) -> str:
    return said("stale") if values.is_stale(item, today) else ""


def _gb_per_s(value: float) -> str:
    return said("{value} GB/s", value=number(round(to_gb_per_s(value), 1)))


def _rate(key: str, unit: str) -> Callable[[Entry, date], str]:
    def written(entry: Entry, _today: date) -> str:
        known = getattr(entry.machine.accelerators[0], key) if entry.machine.accelerators else None
        return said("{known} {unit}", known=number(known.value / TERA), unit=unit) if known is not None else UNKNOWN

    return written


def _usd_per_gib(entry: Entry, _today: date) -> str:
    found, total = values.latest_price(entry.machine), values.memory(entry.machine)
    return said("{usd:,.1f}", usd=found.usd / to_gib(total)) if found and total else UNKNOWN


def _rate_per_usd(entry: Entry, _today: date) -> str:
    found, rate = values.latest_price(entry.machine), values.bandwidth(entry.machine)
    return said("{rate:,.3f}", rate=to_gb_per_s(rate) / found.usd) if found and rate else UNKNOWN


def _watts(entry: Entry, _today: date) -> str:
    found = values.watts(entry.machine)
    return said("{found} W", found=number(found)) if found else UNKNOWN


def _ram(entry: Entry, _today: date) -> str:
    pool = entry.machine.pool(PoolKind.RAM)
    beside = pool is not None and len(entry.machine.pools) > 1
    return size(pool.capacity.value) if pool and beside else said("none")


def _usable(entry: Entry, _today: date) -> str:
    return size(values.usable_memory(entry.machine)) if entry.machine.pools else UNKNOWN


def _link(entry: Entry, _today: date) -> str:
    link = entry.machine.link
    return (
        said("{link}, {bandwidth}", link=link.name, bandwidth=_gb_per_s(link.bandwidth.value)) if link else said("none")
    )


def _backends(entry: Entry, _today: date) -> str:
    return joined(", ", dict.fromkeys(name for chip in entry.machine.accelerators for name in chip.backends)) or UNKNOWN


_COLUMNS: tuple[tuple[str, Callable[[Entry, date], str]], ...] = (
    (said("memory"), lambda entry, _: memory(entry.machine)),
    (said("usable by the GPU"), _usable),
    (said("main memory beside it"), _ram),
    (said("bandwidth"), lambda entry, _: per_second(entry.machine)),
    *((title, _rate(key, unit)) for key, title, unit in RATES),
    (said("link"), _link),
    (said("power"), _watts),
    (said("price"), lambda entry, today: price(entry.machine, today)),
    (said("USD per GiB"), _usd_per_gib),
    (said("GB/s per USD"), _rate_per_usd),
    (said("systems"), lambda entry, _: joined(", ", entry.operating_systems) or UNKNOWN),
    (said("backends"), _backends),
    (said("confidence"), lambda entry, _: said(entry.confidence) if entry.confidence else UNKNOWN),
)
