"""Records that somebody brings: Parquet, JSONL or CSV with the columns of schema.py.

Unknown columns are left out and named; a missing required one, or values of a wrong type, refuse the file and are
named. Names (id, session, turn, workspace, retry_of) that are no hashes yet become some: no path gets into the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from truelimit.adapters.work import values as read_values
from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.schema import COLUMNS, NAMES, request
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import WorkRequest

SOURCE = "table"
ENDINGS = (".parquet", ".jsonl", ".ndjson", ".csv")
_FETCH = 10_000
_HASHED = ("id", "session", "turn", "workspace", "retry_of")
_TIMES = ("TIMESTAMP", "DATE")


class TableRefused(ValueError):
    """A table that cannot be taken: says which file, which column, what was expected."""


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the records of a table, which are read as they are taken. Raises TableRefused; never another error."""
    _ = memory
    connection, source = _opened(), _source(path)
    try:
        kinds = {row[0]: row[1] for row in _run(connection, path, f"DESCRIBE FROM {source}").fetchall()}
        unknown = _checked(path, kinds)
        _refuse_wrong(connection, path, source, kinds)
    except TableRefused:
        connection.close()
        raise
    missing = (Missing(f"columns of {path}", f"not known and left out: {', '.join(unknown)}"),) if unknown else ()
    return Reading(_records(connection, path, source, kinds, context), 0, missing)


def _opened() -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _run(connection: Any, path: Path, query: str) -> Any:
    import duckdb

    try:
        return connection.execute(query)
    except duckdb.Error as error:
        raise TableRefused(f"{path}: cannot be read as a table: {_first_line(error)}") from error


def is_table(path: Path, head: bytes) -> bool:
    """Return whether a file looks like a table of records: Parquet by its mark, JSONL and CSV by required columns."""
    if head.startswith(b"PAR1"):
        return True
    first = head.partition(b"\n")[0]
    return path.suffix.lower() in ENDINGS and all(name.encode() in first for name, _, needed in COLUMNS if needed)


def _source(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    if path.suffix.lower() == ".csv":
        return f"read_csv('{quoted}', header = true)"
    if path.suffix.lower() == ".parquet":
        return f"read_parquet('{quoted}')"
    return f"read_json('{quoted}', format = 'newline_delimited')"


def _checked(path: Path, kinds: dict[str, str]) -> list[str]:
    """Return the unknown columns. Raises TableRefused for a required one that is not there."""
    absent = [name for name, _, needed in COLUMNS if needed and name not in kinds]
    if absent:
        raise TableRefused(f"{path}: required columns are missing: {', '.join(absent)}; there are: {', '.join(kinds)}")
    return [name[:40] for name in kinds if name not in NAMES]


def _records(
    connection: Any, path: Path, source: str, kinds: dict[str, str], context: Context
) -> Iterator[WorkRequest]:
    chosen = ", ".join(_column(name, kind, kinds) for name, kind, _ in COLUMNS)
    try:
        cursor = _run(connection, path, f"SELECT {chosen} FROM {source}")  # noqa: S608 - constant names
        while rows := cursor.fetchmany(_FETCH):
            for row in rows:
                yield request(_hashed(row, context))
    finally:
        connection.close()


def _column(name: str, kind: str, kinds: dict[str, str]) -> str:
    if name not in kinds:
        return "NULL"
    if name == "time" and not _is_number(kinds[name]):
        return f'epoch(CAST("{name}" AS TIMESTAMP))'
    return f'CAST("{name}" AS {kind})'


def _is_number(kind: str) -> bool:
    return kind in {"DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT", "UBIGINT"} or kind.startswith("DECIMAL")


def _refuse_wrong(connection: Any, path: Path, source: str, kinds: dict[str, str]) -> None:
    """Raise TableRefused for a column with values that are not of its type, or empty ones where one is required."""
    for name, kind, needed in COLUMNS:
        if name not in kinds:
            continue
        cast = "TIMESTAMP" if name == "time" and not _is_number(kinds[name]) else kind
        wrong = f'"{name}" IS NOT NULL AND TRY_CAST("{name}" AS {cast}) IS NULL'
        if kind in {"BIGINT", "INTEGER"}:
            wrong += f' OR TRY_CAST("{name}" AS {cast}) < 0'
        if needed:
            wrong += f' OR "{name}" IS NULL'
        count = _run(connection, path, f"SELECT count(*) FROM {source} WHERE {wrong}").fetchone()[0]  # noqa: S608
        if count:
            expected = "seconds since 1970 or an ISO 8601 time" if name == "time" else _WORDS[kind]
            each = ", one in each row" if needed else ""
            raise TableRefused(f"{path}: column {name}: {count} values are wrong; expected {expected}{each}")


_WORDS = {
    "VARCHAR": "text",
    "BIGINT": "a whole number of 0 or more",
    "INTEGER": "a whole number of 0 or more",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
}


def _hashed(row: tuple[Any, ...], context: Context) -> list[Any]:
    values = dict(zip(NAMES, row, strict=True))
    for key in _HASHED:
        if values[key] is not None:
            values[key] = context.hasher.foreign(str(values[key]))
    values["model"] = read_values.model(read_values.name(values["model"])) or "unknown"
    if isinstance(values["time"], datetime):
        values["time"] = values["time"].timestamp()
    return [values[name] for name in NAMES]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
