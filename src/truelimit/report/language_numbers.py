"""Numbers in the language of a report: the same rules as ``numbers``, with words and separators of that language."""

from __future__ import annotations

import re
from datetime import datetime

from truelimit.domain.calculation import Calculation, Number
from truelimit.report.language import Language
from truelimit.units import GIB, MIB, MINUTE, to_gib

_NAME = re.compile(r"[A-Za-z_]\w*")
_LONG = 120  # seconds from which on minutes are told beside them


def quantity(say: Language, value: Number, unit: str) -> str:
    """Return a value with its unit: tokens with separators, bytes as GiB or MiB, seconds with minutes beside them."""
    if unit in {"bytes", "B"}:
        return size(say, value)
    if unit in {"s", "seconds"}:
        return duration(say, value)
    if unit == "tokens":
        return tokens(say, value)
    text = number(say, value)
    return f"{text} {say.word(unit)}" if unit else text


def tokens(say: Language, value: Number) -> str:
    """Return a count of tokens."""
    return say.ngettext("{count} token", "{count} tokens", round(value))


def size(say: Language, value: Number) -> str:
    """Return bytes as GiB with one decimal, as MiB below half a GiB."""
    if abs(value) < GIB / 2:
        return say.gettext("{value} MiB", value=say.decimal(value / MIB, 1))
    return say.gettext("{value} GiB", value=say.decimal(to_gib(round(value)), 1))


def duration(say: Language, value: Number) -> str:
    """Return seconds, with minutes beside them from two minutes on."""
    if value >= _LONG:
        minutes = say.decimal(value / MINUTE, 1)
        return say.gettext("{seconds} s ({minutes} min)", seconds=say.decimal(value), minutes=minutes)
    return say.gettext("{seconds} s", seconds=say.decimal(value, 1 if value < 10 else 0))


def number(say: Language, value: Number) -> str:
    """Return a plain number: separators for whole ones, four digits for small ones."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return say.decimal(int(value))
    if abs(value) >= 10:
        return say.decimal(value, 0 if abs(value) >= 1000 else 1)
    text = f"{value:.4g}"
    return text if "e" in text or say.is_source else say.decimal(value, len(text.partition(".")[2]))


def percent(say: Language, share: float, digits: int = 0) -> str:
    """Return a share of 0 to 1 in percent."""
    return say.gettext("{value}%", value=say.decimal(100 * share, digits))


def usd(say: Language, value: Number) -> str:
    """Return an amount in USD, with cents below 10."""
    return say.gettext("{value} USD", value=say.decimal(value, 2 if 0 < abs(value) < 10 else 0))


def moment(say: Language, value: datetime | None) -> str:
    """Return a time as year, month and day, in the order that no reader can take for another."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else say.gettext("time unknown")


def substituted(say: Language, item: Calculation) -> str:
    """Return the formula with the numbers in place of the names: ``146,760 / 302.7``."""
    values = {term.name: number(say, term.value) for term in item.terms}
    return _NAME.sub(lambda match: values.get(match.group(), match.group()), item.formula)
