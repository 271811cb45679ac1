"""Numbers for people: one way to write each unit."""

from __future__ import annotations

import re

from truelimit.domain.calculation import Calculation, Number, Term
from truelimit.units import GIB, MIB, MINUTE, to_gib

_NAME = re.compile(r"[A-Za-z_]\w*")


def quantity(value: Number, unit: str) -> str:
    """Return a value with its unit: tokens with separators, bytes as GiB or MiB, seconds with minutes beside them."""
    if unit in {"bytes", "B"}:
        return size(value)
    if unit in {"s", "seconds"}:
        return duration(value)
    text = number(value)
    return f"{text} {unit}" if unit else text


def size(value: Number) -> str:
    """Return bytes as GiB with one decimal, as MiB below half a GiB."""
    if abs(value) < GIB / 2:
        return f"{value / MIB:,.1f} MiB"
    return f"{to_gib(round(value)):,.1f} GiB"


def duration(value: Number) -> str:
    """Return seconds, with minutes beside them from two minutes on."""
    if value >= 120:
        return f"{value:,.0f} s ({value / MINUTE:,.1f} min)"
    return f"{value:,.1f} s" if value < 10 else f"{value:,.0f} s"


def number(value: Number) -> str:
    """Return a plain number: separators for whole ones, four digits for small ones."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.4g}"


def substituted(item: Calculation) -> str:
    """Return the formula with the numbers in place of the names: ``146,760 / 302.7``."""
    values = {term.name: plain(term) for term in item.terms}
    return _NAME.sub(lambda match: values.get(match.group(), match.group()), item.formula)


def plain(term: Term) -> str:
    """Return a term's number as it enters the formula (no conversion of units)."""
    return number(term.value)
