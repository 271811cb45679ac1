"""Values of the options of bench."""

from __future__ import annotations

import math
import os
import re

from truelimit.app.bench_ports import BenchError
from truelimit.cli.parser import bad_value
from truelimit.cli.tokens import tokens
from truelimit.domain.message import said
from truelimit.units import HOUR

_MOST_TOKENS = 10_000_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def positive(text: str) -> int:
    """Return a count from 1 to 10 million; separators are allowed. Raises ArgumentTypeError for anything else."""
    found = tokens(text)
    if found is not None and found <= _MOST_TOKENS:
        return found
    raise bad_value(
        said(
            "{text!r} is no count; expected a whole number from 1 to {most_tokens:,}",
            text=text[:40],
            most_tokens=_MOST_TOKENS,
        )
    )


def depths(text: str) -> tuple[int, ...]:
    """Return depths in tokens, ascending, each once: ``512,4096,16384``. Raises ArgumentTypeError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or len(parts) > 20:
        raise bad_value(said("{text!r}: expected up to 20 numbers of tokens, such as 512,4096,16384", text=text[:40]))
    return tuple(sorted({positive(part) for part in parts}))


def seconds(text: str) -> float:
    """Return a time of more than 0 and at most a day. Raises ArgumentTypeError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 24 * HOUR:
        raise bad_value(said("{text!r} is no time in seconds; expected more than 0, at most a day", text=text[:40]))
    return value


def key_of(name: str | None) -> str | None:
    """Return the key in an environment variable. Raises BenchError, which does not repeat what may be a key."""
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        raise BenchError(said("--api-key-env: expected the name of an environment variable, not the key itself"))
    value = os.environ.get(name, "").strip()
    if not value or not value.isascii() or not value.isprintable():
        known = name if len(name) <= 32 else said("the variable")
        raise BenchError(
            said("--api-key-env: {known} is not set, or holds no key; set it in the environment", known=known)
        )
    return value
