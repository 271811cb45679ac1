"""What the table of machines holds: entries to list, filter and compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Accelerator, DeviceKind, Machine, MemoryPool, PoolKind, Price
from truelimit.domain.message import joined, said
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.limits.pools import os_share, share_source
from truelimit.units import Bytes, Usd, Watts

if TYPE_CHECKING:
    from datetime import date

STALE_DAYS = 180
"""A price older than this is marked: within a year prices of one product moved by 75 %."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A machine of the table. ``what`` is ``machine`` or ``accelerator`` (one device with its own memory).

    ``confidence`` is high, medium or low: how well its numbers are known; None where the table does not say.
    """

    id: str
    what: str
    machine: Machine
    operating_systems: tuple[str, ...] = ()
    confidence: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; None and the empty text let everything pass. ``least`` is memory of the accelerators, in bytes."""

    vendor: str = ""
    family: str = ""
    kind: str = ""
    least: Bytes | None = None


def chosen(entries: Iterable[Entry], wanted: Wanted) -> tuple[Entry, ...]:
    """Return the entries that a filter lets pass, in their order. A family matches by its beginning."""
    return tuple(entry for entry in entries if _passes(entry, wanted))


def _passes(entry: Entry, wanted: Wanted) -> bool:
    device = entry.machine.accelerators[0]
    if wanted.vendor and device.vendor.lower() != wanted.vendor.lower():
        return False
    if wanted.kind and device.kind != wanted.kind:
        return False
    if wanted.least is not None and memory(entry.machine) < wanted.least:
        return False
    return device.family.startswith(wanted.family.lower())


def memory(machine: Machine) -> Bytes:
    """Return the memory of all accelerators together, in bytes: VRAM or unified; main memory where there is neither."""
    return _sum(machine, usable=False)


def usable_memory(machine: Machine) -> Bytes:
    """Return what models may take of ``memory``, in bytes, as plan has it: unified memory less the system's share."""
    return _sum(machine, usable=True)


def main_memory(machine: Machine) -> Bytes | None:
    """Return the main memory beside the memory of its cards, in bytes, or None where that is no memory apart."""
    ram = machine.pool(PoolKind.RAM)
    return ram.capacity.value if ram is not None and machine.pool(PoolKind.VRAM) is not None else None


def usable_of(pool: MemoryPool) -> Known[Bytes]:
    """Return what models may take of a memory: what the accelerator may address, and the system leaves."""
    held = pool.usable or pool.capacity
    left = Bytes(pool.capacity.value - os_share(pool.capacity.value))
    if pool.kind is PoolKind.VRAM or held.value <= left:
        return held
    where = said("{pool}, less what the system takes: {rule}", pool=pool.name, rule=share_source())
    return Known(left, where, Basis.ASSUMED)


def _sum(machine: Machine, *, usable: bool) -> Bytes:
    fast = [pool for pool in machine.pools if pool.kind is not PoolKind.RAM]
    return Bytes(sum(usable_of(pool).value if usable else pool.capacity.value for pool in fast or machine.pools))


def latest_price(machine: Machine) -> Price | None:
    """Return what a machine costs: its own newest price, else all its cards together where each has one, or None.

    ``cards_alone`` says which of the two it is. A sum has the date of its oldest part.
    """
    if machine.prices or not machine.accelerators:
        return _newest(machine.prices)
    counted = devices(machine)
    prices = [(_newest(item.prices), count) for item, count in counted]
    known = [(price, count) for price, count in prices if price is not None]
    if any(item.kind is not DeviceKind.DISCRETE for item, _ in counted) or len(known) < len(counted):
        return None
    if len(machine.accelerators) == 1:
        return known[0][0]
    total = Usd(sum(price.usd * count for price, count in known))
    what = joined(" and ", (f"{count} x {item.name}" for item, count in counted))
    return Price(total, min(price.date for price, _ in known), what, known[0][0].source)


def cards_alone(machine: Machine) -> bool:
    """Return whether the price of a machine is that of its cards, the computer around them apart."""
    around = bool(machine.accelerators) and machine.id != machine.accelerators[0].id
    return around and not machine.prices and latest_price(machine) is not None


def part_priced(machine: Machine) -> str:
    """Return what the price of a machine is of, in words, where it is not of the whole; else nothing."""
    if not cards_alone(machine):
        return ""
    return said("the cards alone") if len(machine.accelerators) > 1 else said("the card alone")


def _newest(prices: Iterable[Price]) -> Price | None:
    return max(prices, key=lambda price: price.date, default=None)


def is_stale(price: Price, today: date) -> bool:
    """Return whether a price is older than 180 days; a date without a day or month counts from its end."""
    return (today - _last_day(price.date)).days > STALE_DAYS


def price_marks(machine: Machine, today: date) -> tuple[str, ...]:
    """Return what must be known before a machine is bought at its price: that it is no longer sold, or that it is old.

    The one place that tells it, for advise, plan and verdict. The last price of what is no longer sold is no older one.
    """
    found = latest_price(machine)
    if machine.no_longer_sold is not None:
        return (said("no longer sold since {no_longer_sold}", no_longer_sold=machine.no_longer_sold),)
    if found is None or not is_stale(found, today):
        return ()
    old = said(
        "its price is of {date}, older than {stale_days} days: look again", date=found.date, stale_days=STALE_DAYS
    )
    return (old,)


def _last_day(text: str) -> date:
    from datetime import date

    parts = [int(part) for part in text.split("-")]
    if len(parts) == 3:
        return date(*parts)
    year, month = parts[0], parts[1] if len(parts) == 2 else 12
    return date(year, 12, 31) if month == 12 else date.fromordinal(date(year, month + 1, 1).toordinal() - 1)


def devices(machine: Machine) -> tuple[tuple[Accelerator, int], ...]:
    """Return the accelerators with how many of each, in their order."""
    counted: dict[Accelerator, int] = {}
    for device in machine.accelerators:
        counted[device] = counted.get(device, 0) + 1
    return tuple(counted.items())


def bandwidth(machine: Machine) -> float | None:
    """Return the bandwidth of all accelerators together, in bytes per second, or None where one is not known.

    One request that is split by layers uses one of them at a time.
    """
    rates = [device.bandwidth for device in machine.accelerators]
    known = [rate.value for rate in rates if rate is not None]
    return sum(known) if known and len(known) == len(rates) else None


def rated_power(machine: Machine) -> Known[Watts] | None:
    """Return the power of a machine under load: its own figure, else the sum over its devices where all are known."""
    if machine.power is not None:
        return machine.power
    known = [item.power for item in machine.accelerators if item.power is not None]
    if not known or len(known) < len(machine.accelerators):
        return None
    where = said("rated power of the devices alone: {where}", where=known[0].where)
    return Known(Watts(sum(item.value for item in known)), where, worst(item.basis for item in known))


def watts(machine: Machine) -> float | None:
    """Return the power of a machine under load (W), or None."""
    power = rated_power(machine)
    return power.value if power else None
