"""Shares, hours and counts of a replay with their intervals: one way to write them for text, page and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.message import Message, figure, said
from truelimit.report import numbers

if TYPE_CHECKING:
    from truelimit.workload.options import Within

_MOST = 3  # digits after the point of a share


def share(value: Within, known: int, unit: str = "") -> Message:
    """Return a share of ``known`` requests in percent with its interval. 287 of 288 are never shown as 100."""
    parts = [100 * part / known for part in (value.value, value.low, value.high)]
    digits = share_digits(parts)
    return _between([_figure(part, digits) for part in parts], unit)


def share_digits(parts: Sequence[float]) -> int:
    """Return the digits that keep percentages which are not whole from looking like 0 or 100."""
    odd = [part for part in parts if part % 100]
    return next((d for d in range(_MOST) if not any(round(part, d) in {0, 100} for part in odd)), _MOST)


def percent(part: float) -> Message:
    """Return one share of 0 to 1 in percent, by the same rule."""
    return numbers.percent(part, share_digits([100 * part]))


def hours(value: Within) -> Message:
    """Return hours with their interval: two digits below one hour, one above."""
    digits = 2 if value.high < 1 else 1
    return _between([figure(part, f",.{digits}f") for part in (value.value, value.low, value.high)])


def count(value: Within) -> Message:
    """Return a count with its interval."""
    return _between([figure(part, ",.0f") for part in (value.value, value.low, value.high)])


def _figure(part: float, digits: int) -> Message:
    return figure(part, f".{digits if part % 100 else 0}f")


def _between(parts: Sequence[Message], unit: str = "") -> Message:
    middle, low, high = parts
    whole = said("{middle}%", middle=middle) if unit else middle
    return whole if low == high else said("{middle} ({low} to {high})", middle=whole, low=low, high=high)
