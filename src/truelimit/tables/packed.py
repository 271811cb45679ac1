"""Shipped tables in a form that is read fast: ``packed/FOLDER.txt``, written by ``docs/make_tables.py``.

A line is a table's name, the CRC-32 of its TOML file and the same table as JSON. The TOML is what counts: a line whose
sum is not that of the file is as if it were not there, so that an edited table is only slower until it is packed again.
TOML takes Python twenty times as long to read as JSON.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable
    from pathlib import Path

FOLDER = "packed"
OUTERMOST = "tables"  # the name of the file of the tables that lie in no folder


def packed(tables: Iterable[tuple[str, bytes, dict[str, Any]]]) -> str:
    """Return the content of a packed file for tables, each with its name, the bytes of its file, and what they say.

    Raises TypeError or ValueError for what JSON cannot hold, such as dates and numbers that are not finite.
    """
    return "".join(f"{name} {_sum(content)} {_json(row)}\n" for name, content, row in tables)


def unpacked(root: Path | Traversable, folder: str, name: str, content: bytes) -> dict[str, Any] | None:
    """Return the table of this name whose file has this content, or None where it is not packed so. Never raises."""
    place: Any = root
    expected, _, row = _lines(place, folder).get(name, "").partition(" ")
    if expected != _sum(content):
        return None
    try:
        found = json.loads(row)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def holding(root: Path | Traversable, folder: str, text: str) -> tuple[str, ...]:
    """Return the names of the packed tables in which a text stands as a value or key, in any case."""
    wanted, place = _json(text.lower()), cast("Any", root)
    return tuple(name for name, line in _lines(place, folder).items() if wanted in line.lower())


@cache
def _lines(root: Any, folder: str) -> dict[str, str]:
    """The lines of a packed file by name; none where there is no such file."""
    try:
        content = (root / FOLDER / f"{folder or OUTERMOST}.txt").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    parts = (line.partition(" ") for line in content.split("\n"))
    return {name: rest for name, _, rest in parts}


def _sum(content: bytes) -> str:
    return f"{zlib.crc32(content):08x}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
