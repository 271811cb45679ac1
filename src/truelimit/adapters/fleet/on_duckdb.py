"""DuckDB, in this process: the default. It spills to disk where memory is short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from truelimit.adapters.fleet.columns import PERSON
from truelimit.adapters.fleet.engine import Progress
from truelimit.adapters.fleet.errors import FLEET_EXTRA, FleetError, first_line, needed
from truelimit.adapters.fleet.person import replay_person
from truelimit.domain.message import said
from truelimit.workload.stack import ReplayStack

_KEPT = "truelimit_kept"
ROWS_AT_ONCE = 2_000_000  # of some people together; one person's rows are always together


class DuckDbEngine:
    """Answers from Parquet files on this machine."""

    name = "DuckDB"

    def __init__(self, connection: Any, paths: Sequence[str]) -> None:
        """Take an Ibis connection and the files."""
        self._connection, self._paths = connection, list(paths)

    def table(self) -> Any:
        """Return the files as one table. Raises FleetError."""
        with _errors():
            return self._connection.read_parquet(self._paths, union_by_name=True)

    def kept(self, table: Any) -> Any:
        """Return the rows in a table of DuckDB's own."""
        with _errors():
            return self._connection.create_table(_KEPT, table, temp=True)

    def answer(self, question: Any) -> list[dict[str, Any]]:
        """Return the rows of an answer. Raises FleetError."""
        with _errors():
            found: list[dict[str, Any]] = self._connection.to_pyarrow(question).to_pylist()
        return found

    def replay(
        self, rows: Any, stacks: Sequence[ReplayStack], people: Mapping[str, int], progress: Progress
    ) -> Iterator[dict[str, Any]]:
        """Yield the replay of each person, reading the rows of some people at a time. Raises FleetError."""
        done, whole = 0, sum(people.values())
        for names in batches(people):
            with _errors():
                held = self._connection.to_pyarrow(rows.filter(rows[PERSON].isin(names)))
            for one in by_person(held):
                yield from replay_person(one, stacks).to_pylist()
            done += len(held)
            progress("replaying", done / whole)


def batches(people: Mapping[str, int], most: int = ROWS_AT_ONCE) -> Iterator[list[str]]:
    """Yield people, as many at a time as have ``most`` rows together; whoever has more comes alone."""
    held: list[str] = []
    rows = 0
    for person in sorted(people):
        if held and rows + people[person] > most:
            yield held
            held, rows = [], 0
        held.append(person)
        rows += people[person]
    if held:
        yield held


def by_person(rows: Any) -> Iterator[Any]:
    """Yield the rows of each person of an Arrow table."""
    import numpy as np
    import pyarrow as pa

    if not len(rows):
        return
    codes = rows.column(PERSON).combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    edges = np.flatnonzero(np.diff(codes[order], prepend=-1, append=codes.max() + 1))
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield rows.take(pa.array(order[start:stop]))


@contextmanager
def duckdb_engine(paths: Sequence[str], folder: Path) -> Iterator[DuckDbEngine]:
    """Yield the engine; what does not fit into memory goes to ``folder``. Raises FleetError where Ibis is missing."""
    try:
        import ibis

        with _errors():
            connection = ibis.duckdb.connect(temp_directory=str(folder))
    except ImportError as error:
        raise needed(error, FLEET_EXTRA) from error
    try:
        yield DuckDbEngine(connection, paths)
    finally:
        connection.disconnect()


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what DuckDB says of files into FleetError."""
    import duckdb

    try:
        yield
    except (duckdb.Error, OSError) as error:
        raise FleetError(said("DuckDB cannot count these files: {error}", error=first_line(error))) from error
