"""Records that somebody brings: Parquet, JSONL or CSV with the columns of schema.py.

Unknown columns are left out and named. A row that cannot be taken is counted, named by its line and skipped; a table
without any row that can be taken is refused. Names (id, session, turn, workspace, retry_of) that are no hashes yet
become some: no path gets into the store.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from truelimit.adapters.work.context import Context, Damage, Reading
from truelimit.adapters.work.lines import LONGEST, Cut, lines
from truelimit.adapters.work.schema import NAMES
from truelimit.adapters.work.store_file import first_line, quoted
from truelimit.adapters.work.table_values import REQUIRED, WrongValue, absent_columns, record
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import MIB

PARQUET = b"PAR1"
_FETCH = 10_000
_PEEKED = 20  # rows by which a table is told from a transcript
_RESEMBLES = 2
_MOST_COLUMNS = 100
_TELL_NOTHING = (None, "", Ending.UNKNOWN.value)
Row = tuple[int, Mapping[str, Any] | str]
"""The number of a line (of a row in Parquet) with its values by column, or with the reason why it has none."""


class TableRefused(ValueError):
    """A table that cannot be taken: says which file, and ``why``: which column, what was expected."""

    def __init__(self, path: Path, why: str) -> None:
        """Take the file and what is wrong with it."""
        super().__init__(said("{path}: {why}", path=path, why=why))
        self.why = why


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the records of a table, which are read as they are taken: that may raise TableRefused, nothing else."""
    _ = memory
    damage, missing = Damage(), list[Missing]()
    return Reading(_records(path, context, damage, missing), missing=missing, lines=damage)


def _records(path: Path, context: Context, damage: Damage, missing: list[Missing]) -> Iterator[WorkRequest]:
    unknown: dict[str, None] = {}
    taken = endless = 0
    for line, row in _rows(path):
        try:
            if isinstance(row, str):
                raise WrongValue(row)
            item = record(row, context)
        except WrongValue as error:
            damage.add(line, error.args[0])
            continue
        taken += 1
        endless += item.ending is Ending.UNKNOWN and row.get("ending") not in _TELL_NOTHING
        if len(unknown) < _MOST_COLUMNS:
            unknown.update(dict.fromkeys(name for name in row if name not in NAMES))
        yield item
    if not taken and damage.count:
        line, why = damage.first[0]
        raise TableRefused(
            path,
            said("none of {count:,} rows can be taken; line {line:,}: {why}", count=damage.count, line=line, why=why),
        )
    if endless:
        words = ", ".join(Ending)
        missing.append(
            Missing(
                said("endings of {path}", path=path),
                said("{count:,} are none of {words}: counted as unknown", count=endless, words=words),
            )
        )
    if unknown:
        names = ", ".join(name[:40] for name in unknown)
        missing.append(
            Missing(said("columns of {path}", path=path), said("not known and left out: {names}", names=names))
        )


def _rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as stream:
        head = stream.read(len(PARQUET))
    if head == PARQUET:
        return _parquet(path)
    return _csv(path) if path.suffix.lower() == ".csv" else _json_lines(path)


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as stream:
        for number, (_, line) in enumerate(lines(stream, 0), 1):
            if isinstance(line, Cut):
                yield number, said("longer than {size} MiB", size=LONGEST // MIB)
            elif text := line.strip(b" \t\r\n\xef\xbb\xbf"):
                yield number, _object(text)


def _object(text: bytes) -> Mapping[str, Any] | str:
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return said("is no JSON (half-written or damaged)")
    return value if isinstance(value, dict) else said("is no JSON object")


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        head = stream.readline(LONGEST)
        names = next(csv.reader([head], delimiter=_delimiter(head)), [])
        absent = [name for name in REQUIRED if name not in names]
        if absent:
            raise TableRefused(path, absent_columns(absent, dict.fromkeys(names)))
        reader = csv.reader(stream, delimiter=_delimiter(head))
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield reader.line_num + 1, said("is no row of CSV")
                continue
            if values:
                yield reader.line_num + 1, _named(names, values)


def _delimiter(head: str) -> str:
    return max(",;\t|", key=head.count)


def _named(names: list[str], values: list[str]) -> Mapping[str, Any] | str:
    if len(values) != len(names):
        return said("has {count:,} values; expected {names:,}", count=len(values), names=len(names))
    return {name: value if value != "" else None for name, value in zip(names, values, strict=True)}


def _parquet(path: Path) -> Iterator[Row]:
    import duckdb

    source = f"read_parquet('{quoted(path)}')"
    try:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            names = [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
            absent = [name for name in REQUIRED if name not in names]
            if absent:
                raise TableRefused(path, absent_columns(absent, dict.fromkeys(names)))
            number, cursor = 0, connection.execute(f"FROM {source}")
            while rows := cursor.fetchmany(_FETCH):
                for values in rows:
                    number += 1
                    yield number, dict(zip(names, values, strict=True))
    except duckdb.Error as error:
        raise TableRefused(path, said("cannot be read as a table: {why}", why=first_line(error))) from error


def is_table(path: Path, head: bytes) -> bool:
    """Return whether a file is a table of records: Parquet by its mark, JSONL and CSV by the keys of its first rows."""
    return head.startswith(PARQUET) or any(set(REQUIRED) <= keys for keys in _peeked(path, head))


def resembles_table(path: Path, head: bytes) -> bool:
    """Return whether a file that nothing else knows has some columns of a table: then what it lacks can be said."""
    return any(len(keys & set(NAMES)) >= _RESEMBLES for keys in _peeked(path, head))


def _peeked(path: Path, head: bytes) -> Iterator[set[str]]:
    """Yield the keys of the first rows as they stand at the top: a transcript has such words only further down."""
    text = head.strip(b" \t\r\n\xef\xbb\xbf")
    if path.suffix.lower() == ".csv":
        first = text.partition(b"\n")[0].decode("utf-8", "replace")
        yield set(next(csv.reader([first.strip()], delimiter=_delimiter(first)), []))
        return
    for line in text.split(b"\n")[:_PEEKED]:
        row = _object(line.strip())
        if not isinstance(row, str):
            yield set(row)
