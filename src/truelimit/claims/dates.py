"""Dates as tables write them: a year, a month or a day."""

from __future__ import annotations

from datetime import date

from truelimit.domain.message import said

_MONTHS = (
    said("January"), said("February"), said("March"), said("April"), said("May"), said("June"), said("July"),
    said("August"), said("September"), said("October"), said("November"), said("December"),
)  # fmt: skip


def last_day(text: str) -> date:
    """Return the last day that ``2026``, ``2026-10`` or ``2026-10-02`` can mean. Raises ValueError for another form."""
    parts = [int(part) for part in text.split("-")]
    year, month = parts[0], parts[1] if len(parts) > 1 else 12
    if len(parts) > 2:
        return date(year, month, parts[2])
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def age_in_days(text: str, today: date) -> int:
    """Return the days from a date to today, below 0 for one that lies ahead. A month that is not over counts as 0."""
    parts = text.split("-")
    days = (today - last_day(text)).days
    current = today.isoformat().startswith(text) and len(parts) < 3
    return 0 if current else days


def told_date(text: str) -> str:
    """Return a date for a sentence: ``October 2026``, ``2 October 2026``."""
    parts = text.split("-")
    if len(parts) == 1:
        return text
    month = said("{month} {year}", month=_MONTHS[int(parts[1]) - 1], year=parts[0])
    return month if len(parts) == 2 else said("{day} {month}", day=parts[2].lstrip("0"), month=month)
