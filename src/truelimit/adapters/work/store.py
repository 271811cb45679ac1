"""The store of request records: one DuckDB file under the user's data directory.

A record is kept once: its id decides. Each source file is remembered by size, time, inode and how far it was read, so
that a second run reads only what is new. Files and records of one source file are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from truelimit.adapters.store.data_dir import data_dir
from truelimit.adapters.work.schema import COLUMNS, NAMES, batch, request
from truelimit.domain.workload import WorkRequest

_VERSION = 1
_FETCH = 10_000


class WorkStoreError(ValueError):
    """The store cannot be used: says which file, why, and what to do."""


@dataclass(frozen=True, slots=True)
class FileState:
    """How far a source file was read: identity, bytes read, what the reader needs to go on, damaged lines."""

    path: str
    size: int
    modified_ns: int
    inode: int
    offset: int
    reader: str
    memory: str = ""
    damaged: int = 0


class WorkStore:
    """The store, as a context manager. Only one process writes at a time; DuckDB keeps the others out."""

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        """Open the store, making it where it is new. Raises WorkStoreError where that fails."""
        import duckdb

        self.path = path or data_dir() / "work.duckdb"
        read_only = read_only and self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = duckdb.connect(str(self.path), read_only=read_only)
            if not read_only:
                self._make()
        except duckdb.Error as error:
            raise WorkStoreError(f"{self.path}: cannot be opened as the store of work: {_first_line(error)}") from error

    def _make(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        self._db.execute(f"CREATE TABLE IF NOT EXISTS requests_{_VERSION} ({columns}, PRIMARY KEY (id))")
        self._db.execute(
            f"CREATE TABLE IF NOT EXISTS files_{_VERSION} (path VARCHAR, size BIGINT, modified_ns BIGINT, "
            '"inode" BIGINT, "offset" BIGINT, reader VARCHAR, memory VARCHAR, damaged INTEGER, '
            "PRIMARY KEY (path, reader))"
        )

    def __enter__(self) -> WorkStore:
        """Return the store."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file; what was not committed is undone."""
        self._db.close()

    def state(self, path: str, reader: str) -> FileState | None:
        """Return how far a file was read by a reader, or None."""
        found = self._db.execute(
            f"SELECT * FROM files_{_VERSION} WHERE path = ? AND reader = ?",  # noqa: S608 - a constant name
            [path, reader],
        ).fetchone()
        return FileState(*found) if found else None

    def add(self, state: FileState, requests: Sequence[WorkRequest]) -> int:
        """Keep the records of a file and how far it was read, both or neither. Returns how many were copies."""
        return self.add_all([state], requests)

    def add_all(self, states: Sequence[FileState], requests: Sequence[WorkRequest]) -> int:
        """Keep records and how far their files were read, all or nothing.

        A record replaces an older one of its id, unless that belongs to another session: then it is a copy, as a
        resumed session has them, and is left out. Returns how many were.
        """
        self._db.execute("BEGIN")
        try:
            copies = self._insert(requests)
            for state in states:
                values = [getattr(state, name) for name in FileState.__slots__]
                marks = ", ".join("?" * len(values))
                self._db.execute(f"INSERT OR REPLACE INTO files_{_VERSION} VALUES ({marks})", values)  # noqa: S608
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return copies

    def _insert(self, requests: Sequence[WorkRequest]) -> int:
        latest: dict[str, WorkRequest] = {}
        copied = set()
        for item in requests:
            known = latest.get(item.id)
            if known is not None and known.session != item.session:
                copied.add(item.id)
                continue
            latest[item.id] = item
        if not latest:
            return 0
        self._db.register("incoming", batch(latest.values()))
        theirs = f"SELECT 1 FROM requests_{_VERSION} r WHERE r.id = i.id AND r.session <> i.session"  # noqa: S608
        before = self._db.execute(f"SELECT count(*) FROM incoming i WHERE EXISTS ({theirs})").fetchone()  # noqa: S608
        columns = ", ".join(NAMES)
        self._db.execute(
            f"INSERT OR REPLACE INTO requests_{_VERSION} SELECT {columns} FROM incoming i WHERE NOT EXISTS ({theirs})"  # noqa: S608
        )
        self._db.unregister("incoming")
        return len(copied) + (int(before[0]) if before else 0)

    def states(self) -> list[FileState]:
        """Return how far each source file was read."""
        return [FileState(*values) for values in self._db.execute(f"SELECT * FROM files_{_VERSION}").fetchall()]  # noqa: S608

    def requests(self) -> Iterator[WorkRequest]:
        """Yield all records in order of time; those without a time come first."""
        for values in self._rows(", ".join(NAMES), 'ORDER BY "time" NULLS FIRST, id'):
            yield request(values)

    def count(self) -> int:
        """Return how many records there are."""
        return int(next(iter(self._rows("count(*)", "")))[0])

    def damaged(self) -> int:
        """Return how many lines of the source files were not understood."""
        found = self._db.execute(f"SELECT coalesce(sum(damaged), 0) FROM files_{_VERSION}").fetchone()  # noqa: S608
        return int(found[0]) if found else 0

    def numbers(self) -> dict[str, Any]:
        """Return all records as NumPy columns in order of time, text columns as objects."""
        chosen, order = ", ".join(NAMES), 'ORDER BY "time" NULLS FIRST, id'
        found: dict[str, Any] = self._db.execute(f"SELECT {chosen} FROM requests_{_VERSION} {order}").fetchnumpy()  # noqa: S608
        return found

    def export(self, target: Path) -> int:
        """Write all records to a Parquet file, or one of JSON lines by its name, and return how many there are.

        Raises WorkStoreError for another kind of file, or one that cannot be written.
        """
        import duckdb

        kind = {".parquet": "parquet", ".jsonl": "json", ".ndjson": "json"}.get(target.suffix.lower())
        if kind is None:
            raise WorkStoreError(f"{target}: export writes .parquet or .jsonl; name such a file")
        rows = f'FROM requests_{_VERSION} ORDER BY "time" NULLS FIRST, id'
        try:
            self._db.execute(f"COPY ({rows}) TO '{_quoted(target)}' (FORMAT {kind})")
        except duckdb.Error as error:
            raise WorkStoreError(f"{target}: cannot be written: {_first_line(error)}") from error
        return self.count()

    def _rows(self, chosen: str, rest: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._db.execute(f"SELECT {chosen} FROM requests_{_VERSION} {rest}")  # noqa: S608
        while rows := cursor.fetchmany(_FETCH):
            yield from rows


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
