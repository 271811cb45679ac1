"""The store keeps each record once, all of a file or nothing, and gives back what it was given."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.work_records import context
from truelimit.adapters.work import table
from truelimit.adapters.work.model_names import kept
from truelimit.adapters.work.schema import COLUMNS, NAMES, request, row
from truelimit.adapters.work.store import FileState, Part, WorkStore, WorkStoreError
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import Seconds, Tokens

STATE = FileState("/home/x/a.jsonl", 100, 1, 2, 100, "test", '{"turn": 1}', 3)
FULL = WorkRequest(
    "1",
    "claude-code",
    "claude-code",
    "s",
    "m",
    datetime(2026, 2, 18, 11, 15, tzinfo=UTC),
    Tokens(146_760),
    Tokens(10),
    Tokens(146_750),
    Tokens(5),
    Seconds(1.5),
    Seconds(908.0),
    Ending.TIMED_OUT,
    None,
    "t",
    3,
    6,
    WorkClass.EDIT_MANY,
    "w",
    True,
)
BARE = WorkRequest("2", "table", "unknown", "s", "m")


def test_gives_back_what_it_was_given(tmp_path: Path) -> None:
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(STATE, [FULL, BARE])
        assert list(store.requests()) == [BARE, FULL]
        assert store.states() == [STATE]
        assert store.damaged() == 3
    with WorkStore(tmp_path / "w.duckdb", read_only=True) as again:
        assert again.count() == 2


def test_a_record_is_kept_once(tmp_path: Path) -> None:
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(STATE, [FULL, FULL])
        store.add(STATE, [FULL])
        assert store.count() == 1


def test_all_of_a_file_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WorkStore(tmp_path / "w.duckdb") as store:
        monkeypatch.setattr("truelimit.adapters.work.store.FileState.__slots__", ("absent",))
        with pytest.raises(AttributeError):
            store.add(STATE, [FULL])
        assert store.count() == 0


def test_a_file_that_is_no_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_text("not a database at all, sorry" * 500, encoding="utf-8")
    with pytest.raises(WorkStoreError, match="cannot be opened as the store of work"):
        WorkStore(tmp_path / "w.duckdb")


def test_exports_parquet_that_reads_back(tmp_path: Path) -> None:
    import duckdb

    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(STATE, [FULL, BARE])
        assert store.export(tmp_path / "it's.parquet") == 2
    found = duckdb.read_parquet(str(tmp_path / "it's.parquet")).order("id").fetchall()
    assert [request(values) for values in found] == [FULL, BARE]


def test_columns_are_the_fields_of_a_record() -> None:
    assert len(COLUMNS) == len(WorkRequest.__slots__) == len(row(FULL)) == len(NAMES)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.builds(
            WorkRequest,
            id=st.text(min_size=1, max_size=8),
            source=st.just("x"),
            agent=st.just("y"),
            session=st.text(max_size=5),
            model=st.text(max_size=5),
            prompt_tokens=st.one_of(st.none(), st.integers(0, 2**31 - 1).map(Tokens)),
            duration=st.one_of(st.none(), st.floats(0, 3e8).map(Seconds)),
            ending=st.sampled_from(list(Ending)),
            private=st.one_of(st.none(), st.booleans()),
        ),
        max_size=8,
        unique_by=lambda item: item.id,
    )
)
def test_any_record_survives(items: list[WorkRequest]) -> None:
    once = [request(row(item)) for item in items]
    assert once == [replace(item, model=kept(item.model)) for item in items]
    assert [request(row(item)) for item in once] == once


def old_store(path: Path, records: int) -> Path:
    """Write a store of the first form, as it was: with paths in clear, and readable by all."""
    import duckdb

    columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
    with duckdb.connect(str(path)) as old:
        old.execute(f"CREATE TABLE requests_1 ({columns}, PRIMARY KEY (id))")
        old.execute("CREATE TABLE files_1 (path VARCHAR, size BIGINT, PRIMARY KEY (path))")
        old.execute("INSERT INTO files_1 VALUES ('/home/me/clients/acme/1.jsonl', 5)")
        for number in range(records):
            values = row(WorkRequest(f"{number:024x}", "codex", "codex", "a" * 24, "m"))
            old.execute(f"INSERT INTO requests_1 VALUES ({', '.join('?' * len(values))})", values)
    path.chmod(0o644)
    return path


def test_a_store_of_an_older_form_is_replaced_and_its_records_are_set_aside(tmp_path: Path) -> None:
    path = old_store(tmp_path / "w.duckdb", 3)
    with WorkStore(path) as store:
        assert store.set_aside is not None
        assert (store.set_aside.records, store.count(), store.states()) == (3, 0, [])
        held = store.set_aside.file
    assert held is not None
    assert b"acme" not in path.read_bytes()
    (reading,) = [table.read(held, context(), {})]
    assert [item.id for item in reading.requests] == [f"{number:024x}" for number in range(3)]
    with WorkStore(path) as again:
        assert again.set_aside is None


def test_a_store_of_an_older_form_is_not_read_as_it_is(tmp_path: Path) -> None:
    path = old_store(tmp_path / "w.duckdb", 3)
    before = path.read_bytes()
    with pytest.raises(WorkStoreError, match="older form; run truelimit workload"):
        WorkStore(path, read_only=True)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_form_is_left_alone(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "w.duckdb")) as newer:
        newer.execute("CREATE TABLE requests_99 (a INTEGER)")
    with pytest.raises(WorkStoreError, match="newer version"):
        WorkStore(tmp_path / "w.duckdb")


@pytest.mark.parametrize("name", ["w.duckdb", "bad.parquet", "bad.csv", "bad.jsonl"])
@pytest.mark.parametrize("content", [b"rubbish " * 999, b""])
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WorkStoreError, match="is no DuckDB file; nothing was written to it"):
        WorkStore(tmp_path / name)
    assert (tmp_path / name).read_bytes() == content
    with pytest.raises(WorkStoreError, match="is no DuckDB file"):
        WorkStore(tmp_path / name, read_only=True)


def test_a_database_of_something_else_is_refused_and_kept(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(path)) as theirs:
        theirs.execute("CREATE TABLE bookings (a INTEGER)")
    before = path.read_bytes()
    with pytest.raises(WorkStoreError, match="something else, with a table 'bookings'"):
        WorkStore(path)
    assert path.read_bytes() == before
    with pytest.raises(WorkStoreError, match="is a folder"):
        WorkStore(tmp_path)


def test_a_new_store_may_have_any_name(tmp_path: Path) -> None:
    with WorkStore(tmp_path / "w.parquet") as store:
        store.add(STATE, [FULL])
    with WorkStore(tmp_path / "w.parquet") as again:
        assert again.count() == 1


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    path, before = tmp_path / "new" / "w.duckdb", os.umask(0o022)
    try:
        with WorkStore(path) as store:
            store.add(STATE, [FULL])
            modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
        assert modes == {"w.duckdb": 0o600, "w.duckdb.wal": 0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o644)
        with WorkStore(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.umask(0o022) == 0o022  # as it was
    finally:
        os.umask(before)


def test_a_store_belongs_to_one_salt(tmp_path: Path) -> None:
    for salt in ("one", "one"):
        with WorkStore(tmp_path / "w.duckdb") as store:
            store.belongs_to(salt)
    with WorkStore(tmp_path / "w.duckdb") as store, pytest.raises(WorkStoreError, match=r"another work\.salt"):
        store.belongs_to("two")


def of_file(path: str, reader: str = "codex") -> FileState:
    return FileState(path, 1, 1, 1, 1, reader)


def test_a_file_read_anew_loses_what_it_no_longer_tells(tmp_path: Path) -> None:
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(of_file("a"), [BARE, FULL])
        store.add(of_file("b"), [replace(BARE, id="3")])
        store.add(of_file("a"), [FULL], anew=True)
        assert [item.id for item in store.requests()] == ["3", "1"]


def test_a_copy_comes_forth_where_the_original_went(tmp_path: Path) -> None:
    copy = replace(BARE, session="resumed")
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(of_file("a"), [BARE])
        store.add(of_file("b"), [copy])
        assert (list(store.requests()), store.copies()) == ([BARE], 1)
        store.add(of_file("a"), [BARE], anew=True)  # read again: it stays the original
        assert list(store.requests()) == [BARE]
        store.add(of_file("a"), [], anew=True)
        assert (list(store.requests()), store.copies()) == ([copy], 0)


def test_a_table_does_not_speak_over_the_transcript(tmp_path: Path) -> None:
    stale = replace(BARE, output_tokens=Tokens(1))
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(of_file("old", "table"), [stale])
        store.add(of_file("a"), [BARE])
        store.add(of_file("new", "table"), [stale])
        assert list(store.requests()) == [BARE]


def test_a_log_that_was_rotated_keeps_what_it_told(tmp_path: Path) -> None:
    half, whole = replace(BARE, id="3", session="now"), replace(BARE, id="4", session="now")
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(of_file("log", "server-log"), [BARE, half])
        part = Part("log", "server-log", anew=True, keeps_sessions=True, state=of_file("log", "server-log"))
        part.requests = [whole]
        store.add_all([part])
        assert [item.id for item in store.requests()] == ["2", "4"]


def test_a_reading_that_was_broken_off_changes_nothing(tmp_path: Path) -> None:
    part = Part("a", "table", anew=True, requests=[replace(BARE, id="3")])
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(of_file("a", "table"), [BARE])
        store.add_all([part])  # its end was not reached
        assert [item.id for item in store.requests()] == ["2"]
    with WorkStore(tmp_path / "w.duckdb") as again:
        again.add(of_file("b"), [FULL])
        assert [item.id for item in again.requests()] == ["2", "1"]


def test_a_number_that_cannot_be_is_not_known() -> None:
    absurd = replace(FULL, prompt_tokens=Tokens(10**15), duration=Seconds(1e12), first_token=Seconds(-3.0))
    found = request(row(absurd))
    assert (found.prompt_tokens, found.duration, found.first_token) == (None, None, None)
