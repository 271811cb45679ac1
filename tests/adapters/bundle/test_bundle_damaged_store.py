"""A session store that SQLite itself cannot describe stays on its machine, and the bundle says so."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.openclaw_sessions import write_store


def test_a_schema_that_is_no_text_is_a_source_that_could_not_be_read(tmp_path: Path) -> None:
    """SQLite quotes the damaged schema in its message, byte for byte, and Python cannot decode that message."""
    source = tmp_path / "openclaw-agent.sqlite"
    with contextlib.closing(sqlite3.connect(source)) as store:
        store.execute("CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, event_json TEXT)")
        store.commit()
    source.write_bytes(source.read_bytes().replace(b"CREATE TABLE transcript", b"CREATE \xffABLE transcript"))
    files = BundleFiles(tmp_path / "bundle")
    write_store(source, "store.sqlite", files)
    assert [path for path, _ in files.troubles] == [str(source)]
