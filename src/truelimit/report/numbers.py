"""Numbers for people: one way to write each unit. They are messages, so each language writes its own."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

from truelimit.domain.message import Message, counted, figure, said
from truelimit.units import GIB, HOUR, MIB, MINUTE, to_gib

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation, Number, Term

_NAME = re.compile(r"[A-Za-z_]\w*")
_LONG = 120  # seconds from which on minutes are told beside them


def quantity(value: Number, unit: str) -> Message:
    """Return a value with its unit: tokens with separators, bytes as GiB or MiB, seconds with minutes beside them."""
    if unit in {"bytes", "B"}:
        return size(value)
    if unit in {"s", "seconds"}:
        return duration(value)
    if unit == "J":
        return said("{joules} J ({watt_hours:,.2f} Wh)", joules=number(value), watt_hours=value / HOUR)
    return said("{number} {unit}", number=number(value), unit=said(unit)) if unit else number(value)


def tokens(value: Number) -> Message:
    """Return a count of tokens."""
    return counted("{count} token", "{count} tokens", round(value))


def size(value: Number) -> Message:
    """Return bytes as GiB with one decimal, as MiB below half a GiB."""
    if abs(value) < GIB / 2:
        return said("{value:,.1f} MiB", value=value / MIB)
    return said("{value:,.1f} GiB", value=to_gib(round(value)))


def duration(value: Number) -> Message:
    """Return seconds, with minutes beside them from two minutes on; two digits that tell something below one second."""
    if 0 < value < 1:
        return said("{seconds} s", seconds=figure(value, f".{_digits(value)}f"))
    if value >= _LONG:
        return said("{seconds:,.0f} s ({minutes:,.1f} min)", seconds=value, minutes=value / MINUTE)
    return said("{seconds:,.1f} s", seconds=value) if value < 10 else said("{seconds:,.0f} s", seconds=value)


def seconds_between(low: Number, high: Number) -> Message:
    """Return an interval of seconds with as many digits as its lower end needs."""
    form = f",.{_digits(low)}f"
    return said("{low} to {high} s", low=figure(low, form), high=figure(high, form))


def _digits(value: Number) -> int:
    """The digits after the point that leave two which tell something; three at most."""
    return min(3, max(0, 1 - math.floor(math.log10(value)))) if value > 0 else 0


def number(value: Number) -> Message:
    """Return a plain number: separators for whole ones, four digits for small ones."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return figure(int(value))
    if abs(value) >= 1000:
        return figure(value, ",.0f")
    return figure(value, ",.1f" if abs(value) >= 10 else ".4g")


def percent(share: float, digits: int = 0) -> Message:
    """Return a share of 0 to 1 in percent."""
    return said(f"{{value:,.{digits}f}}%", value=100 * share)


def usd(value: Number) -> Message:
    """Return an amount in USD, with cents below 10."""
    cents = 0 < abs(value) < 10
    return said("{value:,.2f} USD", value=value) if cents else said("{value:,.0f} USD", value=value)


def moment(value: datetime | None) -> Message:
    """Return a time as year, month and day, in the order that no reader can take for another."""
    return said("{time:%Y-%m-%d %H:%M:%S}", time=value) if value else said("time unknown")


def substituted(item: Calculation) -> Message:
    """Return the formula with the numbers in place of the names: ``146,760 / 302.7``."""
    values = {term.name: plain(term) for term in item.terms}
    template = _NAME.sub(
        lambda match: f"{{{match.group()}}}" if match.group() in values else match.group(), item.formula
    )
    return said(template, **values)


def plain(term: Term) -> Message:
    """Return a term's number as it enters the formula (no conversion of units), with four digits to reckon with."""
    value = term.value
    precise = 10 <= abs(value) < 100 and not float(value).is_integer()
    return figure(value, ",.2f") if precise else number(value)
