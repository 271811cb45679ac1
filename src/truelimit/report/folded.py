"""A wide table in a narrow terminal: intervals below their numbers, names and titles in several lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.report.wrap import cells, wrapped

_NAME = 24  # columns that the names need
_TITLE = 10  # columns that a title of a column may have in one line


@dataclass(frozen=True, slots=True)
class Folded:
    """The cells of a table as lines, with the widths of its columns."""

    head: list[list[str]]
    rows: list[list[list[str]]]
    widths: list[int]


def folded(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, gap: int) -> Folded | None:
    """Return a table that is no wider than ``width`` columns, or None where even its names would have no room."""
    parts = [[_halves(cell) for cell in row[1:]] for row in rows]
    widths = [
        max(_least(title), *(cells(line) for row in parts for line in row[at]), 1) for at, title in enumerate(head[1:])
    ]
    room = min(width - sum(widths) - gap * len(widths), max(cells(row[0]) for row in rows) if rows else 0)
    if room < _NAME:
        return None
    titles = [_lines(title, size) for title, size in zip(head, [room, *widths], strict=True)]
    return Folded(
        titles, [[_lines(row[0], room), *part] for row, part in zip(rows, parts, strict=True)], [room, *widths]
    )


def _least(title: str) -> int:
    return min(_TITLE, cells(title)) if " " in title else cells(title)


def _halves(cell: str) -> list[str]:
    """A number and its interval in brackets."""
    number, bracket, interval = cell.partition(" (")
    return [number, f"({interval}"] if bracket else [cell]


def _lines(text: str, width: int) -> list[str]:
    return [line.rstrip() for line in wrapped(text, width)]
