"""Values of a table that somebody brings: each of its column's type, or the reason why not, which repeats no value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from truelimit.adapters.work import values as read_values
from truelimit.adapters.work.context import Context
from truelimit.adapters.work.schema import COLUMNS, request
from truelimit.domain.message import said
from truelimit.domain.workload import WorkRequest

_HASHED = ("id", "session", "turn", "workspace", "retry_of")
_LATEST = 32_503_680_000.0  # the year 3000, in seconds: what is later is told in milliseconds
_MOST = {"BIGINT": 2**63 - 1, "INTEGER": 2**31 - 1}
_BOOLEANS = {True: True, False: False, "true": True, "false": False}
_WORDS = {
    "VARCHAR": said("text"),
    "BIGINT": said("a whole number of 0 or more"),
    "INTEGER": said("a whole number of 0 or more"),
    "DOUBLE": said("a number"),
    "BOOLEAN": said("true or false"),
    "time": said("seconds since 1970 or an ISO 8601 time"),
}
REQUIRED = tuple(name for name, _, needed in COLUMNS if needed)


class WrongValue(ValueError):
    """A row that cannot be taken: says which column, what was expected."""


def record(row: Mapping[str, Any], context: Context) -> WorkRequest:
    """Return the record of a row, its names hashed. Raises WrongValue."""
    absent = [name for name in REQUIRED if name not in row]
    if absent:
        raise WrongValue(absent_columns(absent, row))
    values = {name: _checked(name, kind, needed, row.get(name)) for name, kind, needed in COLUMNS}
    for key in _HASHED:
        if values[key] is not None:
            values[key] = context.hasher.foreign(values[key])
    values["model"] = read_values.model(read_values.name(values["model"])) or "unknown"
    return request(list(values.values()))


def absent_columns(absent: list[str], row: Mapping[str, Any]) -> str:
    """Return in words which required columns are missing, and which there are."""
    there = ", ".join(name[:40] for name in list(row)[:30])
    return said(
        "required columns are missing: {absent}; there are: {there}", absent=", ".join(absent), there=there or "-"
    )


def _checked(name: str, kind: str, needed: bool, value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        if needed:
            raise WrongValue(said("column {name} is empty; expected {what}", name=name, what=_WORDS[kind]))
        return None
    word = "time" if name == "time" else kind
    found = _KINDS[word](value, kind)
    if found is None:
        raise WrongValue(said("column {name} is wrong; expected {what}", name=name, what=_WORDS[word]))
    return found


def _text(value: Any, _kind: str) -> str | None:
    return None if isinstance(value, dict | list | bytes | bool) or value == "" else str(value)


def _whole(value: Any, kind: str) -> int | None:
    number = _number(value, kind)
    if number is None or number != int(number):
        return None
    exact = int(value) if isinstance(value, int | str) and not _is_fraction(value) else int(number)
    return exact if 0 <= exact <= _MOST[kind] else None


def _is_fraction(value: Any) -> bool:
    return isinstance(value, str) and not value.strip().lstrip("+-").isdecimal()


def _number(value: Any, _kind: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _boolean(value: Any, _kind: str) -> bool | None:
    if isinstance(value, str):
        value = value.strip().lower()
    return _BOOLEANS.get(value) if isinstance(value, bool | int | str) else None


def _time(value: Any, kind: str) -> float | None:
    if isinstance(value, date):
        at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
        found: float | None = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    else:
        found = _number(value, kind)
        found = read_values.instant(value) if found is None and isinstance(value, str) else found
    return found if found is not None and 0 <= found <= _LATEST else None


_KINDS: dict[str, Callable[[Any, str], Any]] = {
    "VARCHAR": _text, "BIGINT": _whole, "INTEGER": _whole, "DOUBLE": _number, "BOOLEAN": _boolean, "time": _time,
}  # fmt: skip
