"""Reads values of foreign JSON: the wanted type within sane bounds, or nothing."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from ntpath import basename
from typing import Any

from truelimit.adapters.agents.openclaw.json_values import mapping, name, number, words
from truelimit.adapters.work.context import DamagedLine

__all__ = ["entry", "instant", "instant_in", "mapping", "model", "name", "number", "seconds", "words"]

_LATEST = 32_503_680_000.0  # the year 3000
_MS = 1_000
_STAMP = re.compile(rb'"timestamp"\s*:\s*"([^"\\]{10,40})"')


def entry(line: bytes) -> dict[str, Any]:
    """Return the JSON object in a line. Raises DamagedLine where there is none."""
    try:
        value = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise DamagedLine from None
    if not isinstance(value, dict):
        raise DamagedLine
    return value


def instant(value: object) -> float | None:
    """Return a time given as ISO 8601 text (UTC when it names no zone) or milliseconds since 1970 as seconds."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value) if len(value) < 41 else None
            return None if time is None else (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    ms = None if isinstance(value, bool) or not isinstance(value, int | float) else value / _MS
    return ms if ms is not None and 0 <= ms <= _LATEST else None


def instant_in(line: bytes) -> float | None:
    """Return the ``timestamp`` in the head of a line that is not decoded, as ``instant`` does."""
    found = _STAMP.search(line)
    return instant(found[1].decode("ascii", "replace")) if found else None


def model(text: str) -> str:
    """Return the name of a model; where it is the path of a file, the file's name without its folders."""
    is_path = text.startswith(("/", "~", "./", "../", "\\\\")) or text[1:3] in {":\\", ":/"}
    return basename(text) if is_path else text


def seconds(value: object) -> float | None:
    """Return milliseconds as seconds, or None."""
    found = number(value)
    return None if found is None else found / _MS
