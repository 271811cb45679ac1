"""Tables that somebody brings: taken, or refused with a word on what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.work_records import context, jsonl
from truelimit.adapters.work import table
from truelimit.adapters.work.store import FileState, WorkStore
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Tokens

ROW = {"id": "1", "session": "s", "model": "m", "prompt_tokens": 100, "ending": "timed-out"}


def written(path: Path, *rows: dict[str, object]) -> Path:
    path.write_bytes(b"\n".join(jsonl(*rows)) + b"\n")
    return path


def test_json_lines_are_taken_and_names_become_hashes(tmp_path: Path) -> None:
    at = {"time": "2026-02-18T10:00:00Z", "workspace": "/home/me/secret"}
    path = written(tmp_path / "a.jsonl", {**ROW, **at, "price": 3, "note": "x"})
    reading = table.read(path, context(), {})
    (item,) = list(reading.requests)
    assert (item.model, item.prompt_tokens, item.ending) == ("m", 100, Ending.TIMED_OUT)
    assert item.time is not None
    assert item.time.isoformat() == "2026-02-18T10:00:00+00:00"
    assert "secret" not in repr(item)
    assert "price, note" in reading.missing[0].why


def test_csv_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,session,model,time,duration_s\n1,s,m,1771412531.5,3\n", encoding="utf-8")
    (item,) = list(table.read(path, context(), {}).requests)
    assert item.time is not None
    assert (item.time.timestamp(), item.duration) == (1771412531.5, 3.0)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_an_export_comes_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    hashed = context().hasher
    item = WorkRequest(hashed("a"), "codex", "codex", hashed("s"), "m", prompt_tokens=Tokens(5), turn=hashed("t"))
    with WorkStore(tmp_path / "w.duckdb") as store:
        store.add(FileState("x", 1, 1, 1, 1, "test"), [item])
        store.export(tmp_path / f"out{suffix}")
    assert list(table.read(tmp_path / f"out{suffix}", context(), {}).requests) == [item]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "1", "model": "m"}, "required columns are missing: session; there are: id, model"),
        ({**ROW, "prompt_tokens": "many"}, "column prompt_tokens is wrong; expected a whole number of 0 or more"),
        ({**ROW, "prompt_tokens": -5}, "column prompt_tokens is wrong"),
        ({**ROW, "prompt_tokens": 1.5}, "column prompt_tokens is wrong"),
        ({**ROW, "prompt_tokens": 2**63}, "column prompt_tokens is wrong"),
        ({**ROW, "time": "yesterday"}, "column time is wrong; expected seconds since 1970 or an ISO 8601"),
        ({**ROW, "time": 1_771_412_531_000}, "column time is wrong"),  # milliseconds
        ({**ROW, "duration_s": 1e999}, "column duration_s is wrong; expected a number"),
        ({**ROW, "model": None}, "column model is empty; expected text"),
        ({**ROW, "session": {"a": 1}}, "column session is wrong; expected text"),
        ({**ROW, "private": "perhaps"}, "column private is wrong; expected true or false"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, row: dict[str, object], words: str) -> None:
    """One row is skipped with its line and reason; a table of nothing else is refused with the same words."""
    reading = table.read(written(tmp_path / "a.jsonl", ROW, row, ROW), context(), {})
    assert len(list(reading.requests)) == 2
    ((line, why),) = reading.lines.first
    assert (line, reading.lines.count) == (2, 1)
    assert words in why
    with pytest.raises(table.TableRefused, match=words):
        list(table.read(written(tmp_path / "b.jsonl", row), context(), {}).requests)


def test_rows_of_parquet_and_csv_that_are_damaged(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "a.parquet"
    columns = "t(id, session, model, prompt_tokens)"
    rows = f"(VALUES ('1', 's', 'm', 'many'), ('2', 's', 'm', '7'), ('3', NULL, 'm', '7')) {columns}"
    duckdb.execute(f"COPY (FROM {rows}) TO '{path}' (FORMAT parquet)")
    reading = table.read(path, context(), {})
    assert [item.prompt_tokens for item in reading.requests] == [7]
    assert [line for line, _ in reading.lines.first] == [1, 3]
    sheet = tmp_path / "a.csv"
    sheet.write_text('id;session;model;time\n1;s;m;\n2;s\n"3;s;m;2026-02-18', encoding="utf-8")
    reading = table.read(sheet, context(), {})
    assert [item.time for item in reading.requests] == [None]
    assert [line for line, _ in reading.lines.first] == [3, 4]


def test_many_damaged_lines_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(ROW).encode() + b"\n" + b"{\n" * 5_000)
    reading = table.read(path, context(), {})
    assert len(list(reading.requests)) == 1
    assert (reading.lines.count, len(reading.lines.first)) == (5_000, 10)


def test_no_table_at_all(tmp_path: Path) -> None:
    for name, raw in (("a.parquet", b"PAR1 no"), ("b.jsonl", b'{"id": 1, "session"\n'), ("c.csv", b"")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(table.TableRefused, match=name):
            list(table.read(tmp_path / name, context(), {}).requests)


def test_is_told_by_its_content(tmp_path: Path) -> None:
    raw = json.dumps(ROW).encode()
    assert table.is_table(tmp_path / "a.jsonl", raw)
    assert not table.is_table(tmp_path / "a.jsonl", b'{"id": 1}')
    assert table.is_table(tmp_path / "a.jsonl", b"{damaged\n" + raw)
    assert not table.is_table(tmp_path / "a.jsonl", json.dumps({"payload": ROW}).encode())
    assert table.is_table(tmp_path / "a.bin", b"PAR1")
