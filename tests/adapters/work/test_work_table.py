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
        ({"id": "1", "model": "m"}, "required columns are missing: session"),
        ({**ROW, "prompt_tokens": "many"}, "column prompt_tokens: 1 values are wrong; expected a whole number"),
        ({**ROW, "prompt_tokens": -5}, "column prompt_tokens: 1 values are wrong"),
        ({**ROW, "time": "yesterday"}, "column time: 1 values are wrong; expected seconds since 1970 or an ISO 8601"),
        ({**ROW, "model": None}, "column model: 1 values are wrong; expected text, one in each row"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, row: dict[str, object], words: str) -> None:
    with pytest.raises(table.TableRefused, match=words):
        table.read(written(tmp_path / "a.jsonl", ROW, row) if "session" in row else written(tmp_path / "a.jsonl", row),
                   context(), {})  # fmt: skip


def test_no_table_at_all(tmp_path: Path) -> None:
    for name, raw in (("a.parquet", b"PAR1 no"), ("b.jsonl", b'{"id": 1, "session"\n'), ("c.csv", b"")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(table.TableRefused, match=name):
            table.read(tmp_path / name, context(), {})


def test_is_told_by_its_content(tmp_path: Path) -> None:
    raw = json.dumps(ROW).encode()
    assert table.is_table(tmp_path / "a.jsonl", raw)
    assert not table.is_table(tmp_path / "a.jsonl", b'{"id": 1}')
    assert table.is_table(tmp_path / "a.bin", b"PAR1")
