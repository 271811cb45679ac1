"""The DuckDB file that the store is in: opened, kept from other users, and never mistaken for somebody else's file.

On POSIX the file, its write-ahead log and its spill folder are for their owner alone (0600, 0700): the process's umask
says so for as long as the file is open, as DuckDB makes some of them later. On Windows they inherit what their folder
allows, which in a user's profile is that user and the administrators.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from truelimit.domain.message import said

_MAGIC_AT, _MAGIC = 8, b"DUCK"  # duckdb.org/docs/stable/internals/storage: after 8 bytes of checksum
_OURS = re.compile(r"(?:requests|files|made|work)_(\d{1,4})")
_OWNER_ONLY, _OTHERS = 0o600, 0o077


class WorkStoreError(ValueError):
    """The store cannot be used: says which file, why, and what to do."""


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Make files and folders for their owner alone for a while (POSIX; the process has one umask for all threads)."""
    if os.name != "posix":
        yield
        return
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def refuse_other(path: Path) -> None:
    """Raise WorkStoreError for a path where something is that is no DuckDB file: DuckDB takes some of them as tables.

    A file without content is no store either.
    """
    if path.is_dir():
        raise WorkStoreError(said("{path}: is a folder; expected a DuckDB file, or a new name", path=path))
    if not path.exists():
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_MAGIC_AT + len(_MAGIC))
    except OSError as error:
        raise WorkStoreError(f"{path}: {error.strerror or type(error).__name__}") from error
    if head[_MAGIC_AT:] != _MAGIC:
        raise WorkStoreError(
            said(
                "{path}: cannot be opened as the store of work: it is no DuckDB file; nothing was written to it. "
                "Name a store that truelimit workload wrote, or a new file",
                path=path,
            )
        )


def attached(path: Path, *, read_only: bool) -> Any:
    """Return a connection whose tables are those of the file. Raises WorkStoreError where it cannot be opened.

    The file is attached by its kind: DuckDB would guess that from the ending of a name.
    """
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute(f"SET temp_directory = '{quoted(path)}.tmp'")
        connection.execute(f"ATTACH '{quoted(path)}' AS held (TYPE duckdb{', READ_ONLY' if read_only else ''})")
        connection.execute("USE held")
    except duckdb.Error as error:
        connection.close()
        raise WorkStoreError(
            said("{path}: cannot be opened as the store of work: {why}", path=path, why=first_line(error))
        ) from error
    return connection


def form_of(connection: Any, path: Path) -> int | None:
    """Return which form the store has, None for a file without tables. Raises WorkStoreError for somebody else's."""
    query = (
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'held' "
        "UNION ALL SELECT view_name FROM duckdb_views() WHERE database_name = 'held' AND NOT internal"
    )
    names = [str(row[0]) for row in connection.execute(query).fetchall()]
    forms = {int(found[1]) for name in names if (found := _OURS.fullmatch(name))}
    foreign = next((name for name in names if _OURS.fullmatch(name) is None), None)
    if foreign is not None:
        raise WorkStoreError(
            said(
                "{path}: cannot be opened as the store of work: it is a DuckDB file of something else, with a table "
                "{table!r}; name another one",
                path=path,
                table=foreign[:40],
            )
        )
    return max(forms, default=None)


def owner_only(path: Path) -> None:
    """Take a file from other users (POSIX), where its file system lets us."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            path.chmod(_OWNER_ONLY)


def removed(path: Path) -> None:
    """Remove a store's file and its write-ahead log. Raises WorkStoreError where that fails."""
    try:
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkStoreError(
            said(
                "{path}: is a store of an older form and cannot be removed ({why}); remove it or name another one",
                path=path,
                why=error.strerror or type(error).__name__,
            )
        ) from error


def quoted(path: Path) -> str:
    """Return a path as the inside of an SQL string."""
    return str(path).replace("'", "''")


def first_line(error: Exception) -> str:
    """Return what an error of DuckDB says, in one line."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
