"""Fields of a table's row, checked: each error names the file, the key, and what was expected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class TableError(ValueError):
    """A shipped or given table that cannot be used: says which file, which key, and what was expected."""


def known_keys(file: str, row: object, keys: set[str]) -> None:
    """Raise TableError where the row is no table, has a key that is not known, or lacks the source of its numbers."""
    if not isinstance(row, Mapping):
        raise TableError(f"{file}: expected a table with {', '.join(sorted(keys))}")
    unknown = set(row) - keys
    if unknown:
        raise TableError(f"{file}: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(keys))}")
    if "source" in keys and not row.get("source"):
        raise TableError(f"{file}: no source is given for its numbers")


def number(file: str, row: Mapping[str, Any], key: str, *, most: float = math.inf, zero: bool = False) -> float:
    """Return a finite number above 0 (or from 0 on), at most ``most``. Raises TableError for anything else."""
    value: object = row.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and _in_range(value, most, zero):
        return value
    limit = "" if most == math.inf else f", at most {most:g}"
    raise TableError(f"{file}: {key} is {_shown(value)}; expected a number {'from' if zero else 'above'} 0{limit}")


def _in_range(value: float, most: float, zero: bool) -> bool:
    return math.isfinite(value) and value <= most and (value >= 0 if zero else value > 0)


def whole(file: str, row: Mapping[str, Any], key: str) -> int:
    """Return a whole number above 0. Raises TableError for anything else."""
    value = number(file, row, key)
    if not isinstance(value, int):
        raise TableError(f"{file}: {key} is {value!r}; expected a whole number")
    return value


def text(file: str, row: Mapping[str, Any], key: str) -> str:
    """Return a text that is not empty. Raises TableError for anything else."""
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise TableError(f"{file}: {key} is {_shown(value)}; expected a text")
    return value


def rows(file: str, row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a list of tables, at least one. Raises TableError for anything else."""
    value = row.get(key)
    if not isinstance(value, list) or not value:
        raise TableError(f"{file}: {key} is {_shown(value)}; expected [[{key}]]")
    return value


def _shown(value: object) -> str:
    return "missing" if value is None else f"{value!r:.60}"
