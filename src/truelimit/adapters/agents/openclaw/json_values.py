"""Reading values of untrusted JSON: the wanted type within sane bounds, or None."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

LARGEST_NUMBER = 10**15
_LONGEST_NAME = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS = 32_503_680_000_000  # the year 3000


def parse(raw: bytes | str) -> object:
    """Return the JSON value in ``raw``, or None when it is not JSON, too deep, or not UTF-8."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> int | None:
    """Return a whole number from 0 to 10**15, or None. Booleans are no numbers."""
    if type(value) is int:  # nearly all of the hundred thousands that a home holds
        return value if 0 <= value <= LARGEST_NUMBER else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= LARGEST_NUMBER:  # false for NaN and the infinities too
        return None
    return int(value)


def name(value: object) -> str:
    """Return a name (model, provider, key) in one printable line of at most 200 characters; empty if it is no text."""
    return _name(value[:_LONGEST_NAME]) if isinstance(value, str) else ""


@functools.lru_cache(maxsize=1024)
def _name(value: str) -> str:
    """Return the name in a text; the few names of a home come by the ten thousand."""
    value = value.strip()
    return value if value.isprintable() else "".join(char for char in value if char.isprintable()).strip()


def words(value: object) -> str:
    """Return ``value`` if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """Return a time given as ISO 8601 text (UTC when it names no zone) or as milliseconds since 1970, or None."""
    if isinstance(value, str):
        return _from_text(value)
    ms = number(value)
    if ms is None or isinstance(value, float) or ms > _LATEST_MS:
        return None
    return _EPOCH + timedelta(milliseconds=ms)


def _from_text(value: str) -> datetime | None:
    if len(value) > 40:
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
