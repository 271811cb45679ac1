"""The work of a bundle: what its records tell, and without them nothing of what the work was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.work_records import AGENTS
from truelimit.adapters.demo.stage import stage
from truelimit.cli import collect, verdict, workload


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    stage(tmp_path / "home")
    return tmp_path / "home"


def work(home: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert workload.run(["--home", str(home), "--store", str(store), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {key: value for key, value in found.items() if key not in {"read", "store", "missing", "notes", "records"}}


def bundle(home: Path, target: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Path:
    assert collect.run(["--home", str(home), "--out", str(target), *more]) == 0
    capsys.readouterr()
    return target


def answer(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert verdict.run(["--home", str(home), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_records_in_a_bundle_tell_what_the_home_tells(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = bundle(home, tmp_path / "with", capsys, "--work")
    there, here = work(packed, tmp_path / "1.duckdb", capsys), work(home, tmp_path / "2.duckdb", capsys)
    assert there["turn_classes"] == here["turn_classes"]
    assert there["prompt_tokens"] == here["prompt_tokens"]
    assert answer(packed, capsys)["sentence"] == answer(home, capsys)["sentence"]


def test_without_records_nobody_knows_what_the_work_was(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = bundle(home, tmp_path / "without", capsys)
    assert work(packed, tmp_path / "1.duckdb", capsys)["turn_classes"] == []
    unknown = {item["fact"]: item["why"] for item in answer(packed, capsys)["unknown"]}
    assert unknown["what the work was"].startswith("of 288 of 288 requests nobody knows which files they edit")


def test_a_zip_is_read_once_however_often_it_is_given(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed, store = bundle(home, tmp_path / "b.zip", capsys, "--work"), tmp_path / "z.duckdb"
    first, again = work(packed, store, capsys), work(packed, store, capsys)
    assert first["requests"] == again["requests"] == 288
    assert first == again
    assert workload.run(["--home", str(store), "--store", str(tmp_path / "n.duckdb")]) == 2
    assert "zip" in capsys.readouterr().err


def test_where_only_work_was_collected_the_fleet_is_next(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "other" / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    path = next((AGENTS / "claude-code").glob("*.jsonl"))
    (folder / path.name).write_bytes(path.read_bytes())
    assert collect.run(["--home", str(tmp_path / "other"), "--out", str(tmp_path / "c"), "--work"]) == 0
    told = capsys.readouterr().out
    assert "truelimit fleet c" in told
    assert "truelimit doctor" not in told
