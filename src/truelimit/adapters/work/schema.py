"""The columns of a request record, as they stand in the store and in the Parquet or JSONL that anyone may bring.

Counts, seconds, hashes and classes; never text of a prompt. docs/guides/workload.md describes each column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from sys import intern
from typing import Any

from truelimit.adapters.work.model_names import kept
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import HOUR, Seconds, Tokens

# name, DuckDB type, whether a record without it is refused
COLUMNS: tuple[tuple[str, str, bool], ...] = (
    ("id", "VARCHAR", True),
    ("source", "VARCHAR", False),
    ("agent", "VARCHAR", False),
    ("session", "VARCHAR", True),
    ("model", "VARCHAR", True),
    ("time", "DOUBLE", False),
    ("prompt_tokens", "BIGINT", False),
    ("cached_tokens", "BIGINT", False),
    ("new_tokens", "BIGINT", False),
    ("output_tokens", "BIGINT", False),
    ("first_token_s", "DOUBLE", False),
    ("duration_s", "DOUBLE", False),
    ("ending", "VARCHAR", False),
    ("retry_of", "VARCHAR", False),
    ("turn", "VARCHAR", False),
    ("files_read", "INTEGER", False),
    ("files_edited", "INTEGER", False),
    ("work_class", "VARCHAR", False),
    ("workspace", "VARCHAR", False),
    ("private", "BOOLEAN", False),
)
NAMES = tuple(name for name, _, _ in COLUMNS)
_ENDINGS: dict[str | None, Ending] = {item.value: item for item in Ending}
_CLASSES: dict[str | None, WorkClass] = {item.value: item for item in WorkClass}
_WHOLE = {"BIGINT": "int64", "INTEGER": "int32", "BOOLEAN": "bool", "DOUBLE": "float64"}
MOST_TOKENS = 2**31 - 1  # more is no prompt
LONGEST = 10 * 366 * 24 * HOUR  # s: no call lasts ten years


def row(item: WorkRequest) -> tuple[object, ...]:
    """Return a record as values in the order of COLUMNS; the time is seconds since 1970, UTC."""
    return (
        item.id,
        item.source,
        item.agent,
        item.session,
        kept(item.model),
        item.time.timestamp() if item.time else None,
        item.prompt_tokens,
        item.cached_tokens,
        item.new_tokens,
        item.output_tokens,
        item.first_token,
        item.duration,
        item.ending.value,
        item.retry_of,
        item.turn,
        item.files_read,
        item.files_edited,
        item.work_class.value,
        item.workspace,
        item.private,
    )


def request(values: Sequence[Any]) -> WorkRequest:
    """Return the record of a row. What is no known ending or class, and no possible number, becomes unknown."""
    named = dict(zip(NAMES, values, strict=True))
    at = named["time"]
    return WorkRequest(
        named["id"],
        intern(named["source"] or "table"),
        intern(named["agent"] or "unknown"),
        intern(named["session"]),
        intern(named["model"]),
        None if at is None else datetime.fromtimestamp(at, UTC),
        _tokens(named["prompt_tokens"]),
        _tokens(named["cached_tokens"]),
        _tokens(named["new_tokens"]),
        _tokens(named["output_tokens"]),
        _seconds(named["first_token_s"]),
        _seconds(named["duration_s"]),
        _ENDINGS.get(named["ending"], Ending.UNKNOWN),
        named["retry_of"],
        intern(named["turn"]) if named["turn"] else None,
        named["files_read"] or 0,
        named["files_edited"] or 0,
        _CLASSES.get(named["work_class"], WorkClass.UNKNOWN),
        intern(named["workspace"]) if named["workspace"] else None,
        named["private"],
    )


def batch(items: Iterable[WorkRequest]) -> dict[str, Any]:
    """Return records as NumPy columns, masked where nothing is known: the fast way into DuckDB."""
    import numpy as np

    columns = list(zip(*map(row, items), strict=True))
    return {name: _column(values, kind, np) for (name, kind, _), values in zip(COLUMNS, columns, strict=True)}


def _column(values: Sequence[Any], kind: str, np: Any) -> Any:
    if kind == "VARCHAR":
        return np.array(values, dtype=object)
    absent = [value is None for value in values]
    filled = [0 if missing else value for value, missing in zip(values, absent, strict=True)]
    return np.ma.array(np.array(filled, dtype=_WHOLE[kind]), mask=absent)


def _tokens(value: int | None) -> Tokens | None:
    return Tokens(int(value)) if value is not None and 0 <= value <= MOST_TOKENS else None


def _seconds(value: float | None) -> Seconds | None:
    return Seconds(float(value)) if value is not None and 0 <= value <= LONGEST else None
