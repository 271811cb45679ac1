"""Fields of a table's row, checked: each error names the file, the key, and what was expected."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from truelimit.domain.message import Message, said


class TableError(ValueError):
    """A shipped or given table that cannot be used: says which file, which key, and what was expected."""


def wrong(file: str, key: str, value: object, expected: str) -> TableError:
    """Return the error for a value that a key cannot have; ``expected`` is what it can be, told."""
    shown = said("missing") if value is None else f"{value!r:.60}"
    return TableError(
        said("{file}: {key} is {value}; expected {expected}", file=file, key=key, value=shown, expected=expected)
    )


def within(file: str, part: str) -> Message:
    """Return the name of a part of a file, for errors: ``dgx-spark.toml: ram``."""
    return said("{file}: {part}", file=file, part=part)


def known_keys(file: str, row: object, keys: Collection[str], *, sourced: bool = True) -> None:
    """Raise TableError where the row is no table, has a key that is not known, or lacks the source of its numbers.

    A row needs no source where ``source`` is not among ``keys``, or where it is not ``sourced`` (a file of the user's).
    """
    if not isinstance(row, Mapping):
        raise TableError(said("{file}: expected a table with {keys}", file=file, keys=", ".join(sorted(keys))))
    unknown = [str(key) for key in row if key not in keys]
    if unknown:
        raise _unknown_key(file, unknown, keys)
    if sourced and "source" in keys and not row.get("source"):
        raise TableError(said("{file}: no source is given for its numbers", file=file))


def _unknown_key(file: str, unknown: list[str], keys: Collection[str]) -> TableError:
    near = ", ".join(nearest(unknown[0], keys))
    meant = said("; nearest: {near}", near=near) if near else ""
    return TableError(
        said(
            "{file}: unknown key {unknown}; known are {keys}{meant}",
            file=file,
            unknown=", ".join(sorted(unknown)),
            keys=", ".join(sorted(keys)),
            meant=meant,
        )
    )


def nearest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return the names that are written most alike, best first."""
    import difflib

    return difflib.get_close_matches(name[:100].lower(), list(names), most, 0.5)


def number(file: str, row: Mapping[str, Any], key: str, *, most: float = math.inf, zero: bool = False) -> float:
    """Return a finite number above 0 (or from 0 on), at most ``most``. Raises TableError for anything else."""
    value: object = row.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and _in_range(value, most, zero):
        return value
    expected = said("a number from 0") if zero else said("a number above 0")
    if most != math.inf:
        expected = said("{expected}, at most {most:g}", expected=expected, most=most)
    raise wrong(file, key, value, expected)


def _in_range(value: float, most: float, zero: bool) -> bool:
    return math.isfinite(value) and value <= most and (value >= 0 if zero else value > 0)


def whole(file: str, row: Mapping[str, Any], key: str, most: float = math.inf) -> int:
    """Return a whole number above 0, at most ``most``. Raises TableError for anything else."""
    value = number(file, row, key, most=most)
    if not isinstance(value, int):
        raise wrong(file, key, value, said("a whole number"))
    return value


def text(file: str, row: Mapping[str, Any], key: str) -> str:
    """Return a text that is not empty. Raises TableError for anything else."""
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise wrong(file, key, value, said("a text"))
    return value


def one_of(file: str, row: Mapping[str, Any], key: str, words: Iterable[str]) -> str:
    """Return a text that is one of ``words``. Raises TableError for anything else."""
    value, allowed = text(file, row, key), list(words)
    if value not in allowed:
        raise wrong(file, key, value, said("one of {words}", words=", ".join(allowed)))
    return value


def known_word(file: str, key: str, word: str, words: Collection[str]) -> str:
    """Return a word in the spelling of those that are known. Raises TableError with the nearest of them."""
    spelled = {known.lower(): known for known in words}
    if word.strip().lower() in spelled:
        return spelled[word.strip().lower()]
    near = nearest(word, spelled)
    there = f"nearest: {', '.join(near)}" if near else f"expected one of {', '.join(sorted(words))}"
    raise TableError(f"{file}: {key} has {word!r:.60}, which is not known; {there}")


def texts(file: str, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts, empty where the key is missing. Raises TableError for anything else."""
    value = row.get(key, [])
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise wrong(file, key, value, said("a list of texts"))
    return tuple(value)


def table(file: str, row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the table under a key, empty where the key is missing. Raises TableError for anything else."""
    value = row.get(key, {})
    if not isinstance(value, Mapping):
        raise wrong(file, key, value, f"[{key}]")
    return value


def rows(file: str, row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a list of tables, at least one. Raises TableError for anything else."""
    value = row.get(key)
    if not isinstance(value, list) or not value:
        raise wrong(file, key, value, f"[[{key}]]")
    return value
