"""The context slider of Ollama's desktop app, kept in its SQLite file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama.environment import CONTEXT_LENGTH
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing

if TYPE_CHECKING:
    import sqlite3

    from truelimit.app.ports import Places

_MOST_STEPS = 1_000_000

# Up to schema 13 the app wrote 4096 for "not moved"; from 14 on, 0.
_ZERO_MEANS_AUTO_SINCE = 14
_OLD_DEFAULT = 4096


def database_paths(places: Places) -> tuple[Path, ...]:
    """Return where the app keeps its settings, on macOS and on Windows."""
    local = places.environment.get("LOCALAPPDATA")
    windows = Path(local) if local and not places.isolated else places.home / "AppData" / "Local"
    mac = places.home / "Library" / "Application Support" / "Ollama" / "db.sqlite"
    return mac, windows / "Ollama" / "db.sqlite"


def from_desktop(places: Places) -> tuple[dict[str, Known[str]], tuple[Missing, ...], tuple[str, ...]]:
    """Return the slider as OLLAMA_CONTEXT_LENGTH (the app sets it for the server it starts), troubles, files."""
    for path in database_paths(places):
        try:
            if path.is_file():
                return (*_read(path), (str(path),))
        except OSError:
            continue
    return {}, (), ()


def _read(path: Path) -> tuple[dict[str, Known[str]], tuple[Missing, ...]]:
    import sqlite3

    fact = said("context slider of Ollama's desktop app")
    try:
        with contextlib.closing(sqlite3.connect(_uri(path), uri=True, timeout=0.2)) as database:
            # A damaged or hostile file must not keep the query busy.
            database.set_progress_handler(lambda: 1, _MOST_STEPS)
            value, schema = (_setting(database, key) for key in ("context_length", "schema_version"))
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        why = said(
            "{path}: table settings cannot be read ({name}); name OLLAMA_CONTEXT_LENGTH yourself",
            path=path,
            name=type(error).__name__,
        )
        return {}, (Missing(fact, why),)
    if not isinstance(value, int) or value <= 0 or _is_old_default(value, schema):
        return {}, ()
    where = said("{path}: settings.context_length", path=path)
    return {CONTEXT_LENGTH: Known(str(value), where, Basis.SPECIFIED)}, ()


def _setting(database: sqlite3.Connection, key: str) -> object:
    """Return one value of the only row of ``settings``, or None. Raises sqlite3.Error."""
    columns = {row[1] for row in database.execute("PRAGMA table_info(settings)")}
    if key not in columns:
        return None
    row = database.execute(f"SELECT {key} FROM settings LIMIT 1").fetchone()  # noqa: S608 - key is one of two constants
    return row[0] if row else None


def _is_old_default(value: int, schema: object) -> bool:
    return value == _OLD_DEFAULT and isinstance(schema, int) and schema < _ZERO_MEANS_AUTO_SINCE


def _uri(path: Path) -> str:
    """Return a read-only address that leaves no file behind beside the database.

    While the app runs, its write-ahead log is read too; else the database is taken as it stands.
    """
    wal = path.with_name(path.name + "-wal")
    in_use = wal.is_file() and path.with_name(path.name + "-shm").is_file()
    return f"{path.absolute().as_uri()}?mode=ro{'' if in_use else '&immutable=1'}"
