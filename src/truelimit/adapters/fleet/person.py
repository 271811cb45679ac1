"""The replay of one person's rows on every stack: the vectorised function that each engine runs, a person at a time.

Arrow in, Arrow out. Order, conversations, caches and queues need all rows of the person, and nothing of anyone else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from truelimit.adapters.fleet.columns import PERSON
from truelimit.adapters.fleet.questions import REPLAY_COLUMNS
from truelimit.adapters.work.schema import NAMES, request, row
from truelimit.app.fleet import ENDINGS, RECORDED
from truelimit.workload.chains import folded
from truelimit.workload.columns import Columns, Floats, from_arrays
from truelimit.workload.stack import Outcome, ReplayStack
from truelimit.workload.totals import totals

_MS = 1000
COUNTS = tuple(f"n{place}" for place in range(max(len(Outcome), len(ENDINGS))))
_COUNTED = ", ".join(f"{name} bigint" for name in COUNTS)
DDL = f"{PERSON} string, option int, pace int, {_COUNTED}, seconds double, usd double"


def schema() -> Any:
    """Return the Arrow schema of the result; DDL says the same in Spark's words."""
    import pyarrow as pa

    counts = [(name, pa.int64()) for name in COUNTS]
    ends = [("seconds", pa.float64()), ("usd", pa.float64())]
    return pa.schema([(PERSON, pa.string()), ("option", pa.int32()), ("pace", pa.int32()), *counts, *ends])


def rows_schema() -> Any:
    """Return the Arrow schema of a person's rows."""
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    kinds = (text, text, text, whole, whole, whole, whole, whole, text, text, pa.bool_())
    return pa.schema(list(zip(REPLAY_COLUMNS, kinds, strict=True)))


def replay_person(rows: Any, stacks: Sequence[ReplayStack]) -> Any:
    """Return a row for what was recorded, and one for each stack and pace, of one person's rows (not empty)."""
    import pyarrow as pa

    rows = rows.select(REPLAY_COLUMNS).cast(rows_schema())
    ordered = _ordered(_chains_folded(rows))
    person = rows.column(PERSON)[0].as_py()
    found = [_record(person, RECORDED, 0, _endings(ordered), 0.0, 0.0)]
    found += _replayed(person, columns_of(ordered), stacks)
    return pa.Table.from_pylist(found, schema=schema())


def _replayed(person: str, work: Columns, stacks: Sequence[ReplayStack]) -> Iterator[dict[str, object]]:
    for number, stack in enumerate(stacks):
        for pace, item in _paces(stack):
            held = totals(work, item)
            yield _record(person, number, pace, list(held.counts), held.seconds, held.usd)


def _paces(stack: ReplayStack) -> Iterator[tuple[int, ReplayStack]]:
    yield 0, stack
    if stack.prefill_spread or stack.decode_spread:
        yield -1, stack.slower()
        yield 1, stack.faster()


def _record(
    person: str, option: int, pace: int, counts: Sequence[int], seconds: float, usd: float
) -> dict[str, object]:
    padded = [*counts, *([0] * (len(COUNTS) - len(counts)))]
    held: dict[str, object] = dict(zip(COUNTS, padded, strict=True))
    return {PERSON: person, "option": option, "pace": pace, **held, "seconds": seconds, "usd": usd}


def _endings(rows: Any) -> list[int]:
    import pyarrow.compute as pc

    told = {item["values"]: item["counts"] for item in pc.value_counts(rows.column("ending")).to_pylist()}
    return [told.get(ending.value, 0) for ending in ENDINGS]


def _chains_folded(rows: Any) -> Any:
    """Fold retries into what they repeat; only rows of chains become records for that, the rest stays as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    repeats = rows.column("retry_of")
    if repeats.null_count == len(rows):
        return rows
    heads = pc.unique(repeats.drop_null() if hasattr(repeats, "drop_null") else pc.drop_null(repeats))
    chained = pc.or_(pc.is_valid(repeats), pc.is_in(rows.column("id"), value_set=heads))
    items = [_request(values) for values in rows.filter(chained).to_pylist()]
    person = rows.column(PERSON)[0].as_py()
    made = [_values(person, dict(zip(NAMES, row(item), strict=True))) for item in folded(items)]
    return pa.concat_tables([rows.filter(pc.invert(chained)), pa.Table.from_pylist(made, schema=rows.schema)])


def _request(values: dict[str, Any]) -> Any:
    held = {"model": "", **values, "time": _seconds(values["time_ms"]), "duration_s": _seconds(values["duration_ms"])}
    return request([held.get(name) for name in NAMES])


def _values(person: str, held: dict[str, Any]) -> dict[str, Any]:
    return {PERSON: person, **held, "time_ms": _whole(held["time"]), "duration_ms": _whole(held["duration_s"])}


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / _MS


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _MS)


def _ordered(rows: Any) -> Any:
    """Rows by time, those without one first, ties by id: the same on every engine."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = pa.table({"at": rows.column("time_ms").fill_null(-1), "id": rows.column("id")})
    return rows.take(pc.sort_indices(keys, sort_keys=[("at", "ascending"), ("id", "ascending")]))


def columns_of(rows: Any) -> Columns:
    """Return the columns of rows in order of time; as workload.columns, work that nobody called private is private."""
    sessions = rows.column("session").combine_chunks().dictionary_encode().indices
    private = rows.column("private").fill_null(True).to_numpy(zero_copy_only=False)
    return from_arrays(
        rows.column("time_ms").fill_null(0).to_numpy() / _MS,
        np.asarray(sessions, dtype=np.int32),
        _numbers(rows, "prompt_tokens"),
        _numbers(rows, "output_tokens"),
        _numbers(rows, "cached_tokens"),
        np.asarray(private, dtype=bool),
        _numbers(rows, "duration_ms") / np.float32(_MS),
    )


def _numbers(rows: Any, name: str) -> Floats:
    import pyarrow as pa

    found: Floats = rows.column(name).cast(pa.float32(), safe=False).fill_null(float("nan")).to_numpy()
    return found
