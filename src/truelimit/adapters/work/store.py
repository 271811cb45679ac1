"""The store of request records: one DuckDB file under the user's data directory.

Each source file has its own rows, so that one that was rewritten loses what it no longer tells. A record that two files
tell of is seen once: of a conversation that was resumed under another name the one that was known first. Each source
file is remembered by a keyed hash of its path, size, time, inode and how far it was read, so that a second run reads
only what is new. What is known of a file and its rows are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from truelimit.adapters.store.data_dir import data_dir
from truelimit.adapters.work.schema import COLUMNS, batch, request
from truelimit.adapters.work.store_file import (
    WorkStoreError,
    attached,
    first_line,
    form_of,
    owner_only,
    private_files,
    quoted,
    refuse_other,
    removed,
)
from truelimit.adapters.work.store_parts import FileState, Part, SetAside
from truelimit.adapters.work.store_queries import ALL, SEEN_ONCE, VERSION, WITHOUT_OWNER
from truelimit.domain.message import said
from truelimit.domain.workload import WorkRequest

__all__ = ["FileState", "Part", "SetAside", "WorkStore", "WorkStoreError"]

_FETCH = 10_000
_IN_TIME = 'ORDER BY "time" NULLS FIRST, id'


class WorkStore:
    """The store, as a context manager. Only one process writes at a time; DuckDB keeps the others out.

    ``set_aside`` tells of a store of an older form that was in its place: everything is read anew then.
    """

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        """Open the store, making it where it is new. Raises WorkStoreError where that fails, OSError for its folder."""
        self.path = path or data_dir() / "work.duckdb"
        self.set_aside: SetAside | None = None
        self._held = ExitStack()
        try:
            self._open(read_only and self.path.exists())
        except BaseException:
            self._held.close()
            raise

    def _open(self, read_only: bool) -> None:
        import duckdb

        refuse_other(self.path)
        if not read_only:
            self._held.enter_context(private_files())
            self.path.parent.mkdir(parents=True, exist_ok=True)
            owner_only(self.path)
        self._db = self._held.enter_context(attached(self.path, read_only=read_only))
        form = form_of(self._db, self.path)
        if form is not None and form != VERSION:
            self._replace(form, read_only)
        if form != VERSION and read_only:
            raise WorkStoreError(said("{path}: holds no records; run truelimit workload to read some", path=self.path))
        try:
            if not read_only:
                self._make()
        except duckdb.Error as error:
            raise WorkStoreError(
                said("{path}: cannot be opened as the store of work: {why}", path=self.path, why=first_line(error))
            ) from error

    def _replace(self, form: int, read_only: bool) -> None:
        """Put an empty store in place of one of an older form. Its records, which are hashes, go into a Parquet file.

        Nothing of it is taken over: its rows do not tell which file they are of.
        """
        if form > VERSION:
            raise WorkStoreError(
                said("{path}: was written by a newer version of truelimit; name another store", path=self.path)
            )
        if read_only:
            raise WorkStoreError(
                said("{path}: is a store of an older form; run truelimit workload, which reads it anew", path=self.path)
            )
        self.set_aside = self._old_records(form)
        self._db.close()
        removed(self.path)
        self._db = self._held.enter_context(attached(self.path, read_only=False))

    def _old_records(self, form: int) -> SetAside:
        import duckdb

        target = self.path.with_name(f"{self.path.stem}.form-{form}.parquet")
        try:
            found = self._db.execute(f"SELECT count(*) FROM requests_{form}").fetchone()  # noqa: S608
            if found and found[0]:
                rows = f"SELECT {ALL} FROM requests_{form}"  # noqa: S608
                self._db.execute(f"COPY ({rows}) TO '{quoted(target)}' (FORMAT parquet)")
                return SetAside(int(found[0]), target)
        except duckdb.Error:  # half made, or not as it was: there is nothing that can be brought back
            pass
        return SetAside(0, None)

    def _make(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        run = self._db.execute
        run(f"CREATE TABLE IF NOT EXISTS made_{VERSION} (salt VARCHAR)")
        run(f"CREATE TABLE IF NOT EXISTS requests_{VERSION} ({columns}, file INTEGER, PRIMARY KEY (file, id))")
        run(
            f"CREATE TABLE IF NOT EXISTS files_{VERSION} (path VARCHAR, size BIGINT, modified_ns BIGINT, "
            '"inode" BIGINT, "offset" BIGINT, reader VARCHAR, memory VARCHAR, damaged INTEGER, '
            "number INTEGER, place INTEGER, PRIMARY KEY (path, reader))"
        )
        run(f"CREATE VIEW IF NOT EXISTS work_{VERSION} AS {SEEN_ONCE}")
        run(WITHOUT_OWNER)  # a run that was broken off in the middle of a file
        rows = run(f"SELECT path, reader, number, place FROM files_{VERSION}").fetchall()  # noqa: S608
        self._files: dict[tuple[str, str], tuple[int, int]] = {(row[0], row[1]): (row[2], row[3]) for row in rows}
        self._last = max((number for number, _ in self._files.values()), default=0)

    def __enter__(self) -> WorkStore:
        """Return the store."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file; what was not committed is undone."""
        self._db.close()
        self._held.close()

    def belongs_to(self, salt: str) -> None:
        """Tie a new store to the salt that its hashes are made with, told by a hash of its own.

        Raises WorkStoreError for a store that was made with another one: nothing would be found in it again, and
        everything would be there twice.
        """
        found = self._db.execute(f"SELECT salt FROM made_{VERSION}").fetchone()  # noqa: S608
        if found is None:
            self._db.execute(f"INSERT INTO made_{VERSION} VALUES (?)", [salt])  # noqa: S608
        elif found[0] != salt:
            raise WorkStoreError(
                said(
                    "{path}: was made with another work.salt than that of the data folder; put that one back, or name "
                    "another store",
                    path=self.path,
                )
            )

    def add(self, state: FileState, requests: Sequence[WorkRequest], *, anew: bool = False) -> None:
        """Keep the records of a file and how far it was read, both or neither."""
        self.add_all([Part(state.path, state.reader, anew=anew, state=state, requests=list(requests))])

    def add_all(self, parts: Sequence[Part]) -> None:
        """Keep what was read of files, all or nothing. A record replaces an older one of its id and file."""
        self._db.execute("BEGIN")
        before, last = dict(self._files), self._last
        try:
            for part in parts:
                self._number(part)
            self._insert(parts)
            for part in parts:
                if part.state is not None:
                    self._settle(part, part.state)
            self._db.execute("COMMIT")
        except BaseException:
            self._files, self._last = before, last
            self._db.execute("ROLLBACK")
            raise

    def _number(self, part: Part) -> None:
        """Give the part the number of its rows: the file's own, or a new one where it is read anew."""
        if part.number is not None:
            return
        known = self._files.get((part.path, part.reader))
        if known is not None and not part.anew:
            part.number = known[0]
            return
        self._last += 1
        part.number = self._last

    def _insert(self, parts: Sequence[Part]) -> None:
        latest: dict[tuple[int | None, str], WorkRequest] = {}
        for part in parts:
            for item in part.requests:
                key = (part.number, item.id)
                known = latest.get(key)
                if known is None or known.session == item.session:  # else a copy within one file
                    latest[key] = item
        if not latest:
            return
        rows = batch(latest.values())
        rows["file"] = _whole([number for number, _ in latest])
        self._db.register("incoming", rows)
        other = f"SELECT 1 FROM requests_{VERSION} r WHERE r.file = i.file AND r.id = i.id AND r.session <> i.session"  # noqa: S608
        self._db.execute(
            f"INSERT OR REPLACE INTO requests_{VERSION} SELECT {ALL}, file FROM incoming i WHERE NOT EXISTS ({other})"  # noqa: S608
        )
        self._db.unregister("incoming")

    def _settle(self, part: Part, state: FileState) -> None:
        """Write how far a file was read; what it no longer tells of goes."""
        key = (part.path, part.reader)
        known = self._files.get(key)
        if part.renews_sessions and part.requests:
            self._renew(part)
        if known is not None and known[0] != part.number:
            if part.keeps_sessions:
                self._carry(known[0], part.number)
            self._db.execute(f"DELETE FROM requests_{VERSION} WHERE file = ?", [known[0]])  # noqa: S608
        place = known[1] if known is not None else 1 + max((place for _, place in self._files.values()), default=0)
        values = [getattr(state, name) for name in FileState.__slots__]
        marks = ", ".join("?" * (len(values) + 2))
        self._db.execute(
            f"INSERT OR REPLACE INTO files_{VERSION} VALUES ({marks})",  # noqa: S608
            [*values, part.number, place],
        )
        self._files[key] = (part.number or 0, place)

    def _carry(self, before: int, now: int | None) -> None:
        """Keep the conversations that a file no longer holds: a log that was rotated, a database that was tidied."""
        gone = f"SELECT session FROM requests_{VERSION} WHERE file = ?"  # noqa: S608
        self._db.execute(
            f"INSERT OR IGNORE INTO requests_{VERSION} SELECT {ALL}, ? FROM requests_{VERSION} "  # noqa: S608
            f"WHERE file = ? AND session NOT IN ({gone})",
            [now, before, now],
        )

    def _renew(self, part: Part) -> None:
        told = batch(part.requests)
        self._db.register("told", {"id": told["id"], "session": told["session"]})
        self._db.execute(
            f"DELETE FROM requests_{VERSION} WHERE file = ? AND session IN (SELECT session FROM told) "  # noqa: S608
            "AND id NOT IN (SELECT id FROM told)",
            [part.number],
        )
        self._db.unregister("told")

    def states(self) -> list[FileState]:
        """Return how far each source file was read."""
        chosen = ", ".join(f'"{name}"' for name in FileState.__slots__)
        return [FileState(*values) for values in self._db.execute(f"SELECT {chosen} FROM files_{VERSION}").fetchall()]  # noqa: S608

    def requests(self) -> Iterator[WorkRequest]:
        """Yield all records in order of time; those without a time come first."""
        for values in self._rows(ALL, _IN_TIME):
            yield request(values)

    def count(self) -> int:
        """Return how many records there are."""
        return int(next(iter(self._rows("count(*)", "")))[0])

    def copies(self) -> int:
        """Return how many records are copies that a conversation which was resumed holds of an older one."""
        query = f"SELECT count(DISTINCT (id, session)) - count(DISTINCT id) FROM requests_{VERSION}"  # noqa: S608
        found = self._db.execute(query).fetchone()
        return int(found[0]) if found else 0

    def damaged(self) -> int:
        """Return how many lines of the source files were not understood."""
        found = self._db.execute(f"SELECT coalesce(sum(damaged), 0) FROM files_{VERSION}").fetchone()  # noqa: S608
        return int(found[0]) if found else 0

    def export(self, target: Path) -> int:
        """Write all records to a Parquet file, or one of JSON lines by its name, and return how many there are.

        Raises WorkStoreError for another kind of file, or one that cannot be written.
        """
        import duckdb

        kind = {".parquet": "parquet", ".jsonl": "json", ".ndjson": "json"}.get(target.suffix.lower())
        if kind is None:
            raise WorkStoreError(said("{target}: export writes .parquet or .jsonl; name such a file", target=target))
        try:
            self._db.execute(f"COPY (FROM work_{VERSION} {_IN_TIME}) TO '{quoted(target)}' (FORMAT {kind})")
        except duckdb.Error as error:
            raise WorkStoreError(
                said("{target}: cannot be written: {why}", target=target, why=first_line(error))
            ) from error
        return self.count()

    def _rows(self, chosen: str, rest: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._db.execute(f"SELECT {chosen} FROM work_{VERSION} {rest}")  # noqa: S608
        while rows := cursor.fetchmany(_FETCH):
            yield from rows


def _whole(values: Sequence[int | None]) -> Any:
    import numpy as np

    return np.array(values, dtype="int32")
