"""Numbers in the language of a report: those of ``numbers``, told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from truelimit.report import numbers

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation, Number
    from truelimit.report.language import Language


def quantity(say: Language, value: Number, unit: str) -> str:
    """Return a value with its unit: tokens with separators, bytes as GiB or MiB, seconds with minutes beside them."""
    return say.told(numbers.tokens(value) if unit == "tokens" else numbers.quantity(value, unit))


def tokens(say: Language, value: Number) -> str:
    """Return a count of tokens."""
    return say.told(numbers.tokens(value))


def size(say: Language, value: Number) -> str:
    """Return bytes as GiB with one decimal, as MiB below half a GiB."""
    return say.told(numbers.size(value))


def duration(say: Language, value: Number) -> str:
    """Return seconds, with minutes beside them from two minutes on."""
    return say.told(numbers.duration(value))


def number(say: Language, value: Number) -> str:
    """Return a plain number: separators for whole ones, four digits for small ones."""
    return say.told(numbers.number(value))


def percent(say: Language, share: float, digits: int = 0) -> str:
    """Return a share of 0 to 1 in percent."""
    return say.told(numbers.percent(share, digits))


def usd(say: Language, value: Number) -> str:
    """Return an amount in USD, with cents below 10."""
    return say.told(numbers.usd(value))


def moment(say: Language, value: datetime | None) -> str:
    """Return a time as year, month and day, in the order that no reader can take for another."""
    return say.told(numbers.moment(value))


def substituted(say: Language, item: Calculation) -> str:
    """Return the formula with the numbers in place of the names: ``146,760 / 302.7``."""
    return say.told(numbers.substituted(item))
