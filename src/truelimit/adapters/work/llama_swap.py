"""llama-swap's store: the table ``activity`` of its SQLite file (``store.path``), one row a request.

``ts_created`` is when a request ended, in whole seconds. Where llama-server told its timings (``prompt_per_second``
above 0), ``input_tokens`` is what was read anew and the prompt is that and ``cache_tokens``; else it is the whole
prompt. It knows no sessions: each request is one of its own. Rows are read from the last one known on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from truelimit.adapters.agents.openclaw.sqlite_store import columns_of, opened_store
from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.talk import Counts, Talk
from truelimit.adapters.work.values import name, number, seconds
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import Ending, WorkRequest

SOURCE = "llama-swap"
_COLUMNS = (
    "id", "ts_created", "model_id", "resp_status_code", "cache_tokens", "input_tokens", "output_tokens",
    "prompt_per_second", "duration_ms", "error_msg",
)  # fmt: skip
_WRONG = 400
_GONE = 499


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the requests since the last run. Never raises."""
    import sqlite3

    missing: list[Missing] = []
    found: list[WorkRequest] = []
    last = number(memory.get("last")) or 0
    adds = bool(last)
    try:
        with opened_store(path, missing) as connection:
            if not set(_COLUMNS) <= columns_of(connection, "activity"):
                return Reading(missing=(Missing("requests", f"{path}: has no table of activity that is llama-swap's"),))
            adds = adds and _goes_on(connection, last)
            last = last if adds else 0
            query = f"SELECT {', '.join(_COLUMNS)} FROM activity WHERE id > ? ORDER BY id"  # noqa: S608 - constant names
            for row in connection.execute(query, (last,)):
                values = dict(zip(_COLUMNS, row, strict=True))
                found += _request(values, context)
                last = max(last, number(values["id"]) or 0)
    except (sqlite3.Error, OSError, OverflowError, MemoryError, UnicodeDecodeError) as error:
        why = getattr(error, "sqlite_errorname", "") or type(error).__name__
        missing.append(Missing("requests", f"{path}: could not be read ({why})"))
    return Reading(found, 0, tuple(missing), {"last": last}, adds=adds)


def _goes_on(connection: Any, last: int) -> bool:
    """Return whether the rows go on from the last one known: a store that was made anew counts from 1 again."""
    newest = connection.execute("SELECT max(id) FROM activity").fetchone()[0]
    return newest is None or (isinstance(newest, int) and newest >= last)


def _request(values: dict[str, Any], context: Context) -> list[WorkRequest]:
    at = number(values["ts_created"])
    mark = f"{values['id']} {at}"
    talk = Talk(SOURCE, "unknown", context.hasher(SOURCE, "conversation", mark), model=name(_text(values["model_id"])))
    took = seconds(values["duration_ms"])
    rate = values["prompt_per_second"]
    rate = float(rate) if isinstance(rate, int | float) and rate > 0 else None
    fresh, cached = number(values["input_tokens"]), number(values["cache_tokens"])
    talk.tells_cache = rate is not None and cached is not None
    prompt = fresh if rate is None or fresh is None else fresh + (cached or 0)
    return talk.ended(
        context.hasher(SOURCE, mark), None if at is None else float(at),
        Counts(prompt or None, cached, number(values["output_tokens"])), context,
        ending=_ending(values, took), began=None if at is None or took is None else at - took,
        first_token=None if rate is None or fresh is None else fresh / rate,
    )  # fmt: skip


def _ending(values: dict[str, Any], took: float | None) -> Ending:
    status, error = number(values["resp_status_code"]) or 0, _text(values["error_msg"])
    if status == _GONE:
        return Ending.CANCELLED
    if error:
        return of_text(error, took)[0]
    if status >= _WRONG:
        return Ending.UNKNOWN
    return Ending.DONE


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
