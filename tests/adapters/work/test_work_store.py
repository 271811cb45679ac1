"""The store keeps each record once, all of a file or nothing, and gives back what it was given."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.work.schema import COLUMNS, NAMES, request, row
from truelimit.adapters.work.store import FileState, WorkStore, WorkStoreError
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
        assert store.state(STATE.path, "test") == STATE
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
            prompt_tokens=st.one_of(st.none(), st.integers(0, 2**40).map(Tokens)),
            duration=st.one_of(st.none(), st.floats(0, 1e9).map(Seconds)),
            ending=st.sampled_from(list(Ending)),
            private=st.one_of(st.none(), st.booleans()),
        ),
        max_size=8,
        unique_by=lambda item: item.id,
    )
)
def test_any_record_survives(items: list[WorkRequest]) -> None:
    assert [request(row(item)) for item in items] == items
