from __future__ import annotations

import builtins
import json
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

from support.fleet_files import STACKS, written
from support.work_records import AGENTS
from truelimit.cli import collect, fleet


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "home" / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    for path in (AGENTS / "claude-code").glob("*.jsonl"):
        (folder / path.name).write_bytes(path.read_bytes())
    return tmp_path / "home"


def test_collect_adds_the_records_when_asked(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.run(["--home", str(home), "--out", str(tmp_path / "b.zip"), "--work", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    kept = {item["what"]: item["count"] for item in told["kept"]}
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert told["files"] == len(archive.namelist())
        (tmp_path / "r.parquet").write_bytes(archive.read("requests.parquet"))
    rows = duckdb.sql(f"FROM '{tmp_path / 'r.parquet'}'")
    assert rows.count("*").fetchall() == [(kept["requests of recorded work"],)]
    assert {"id", "person", "collected", "prompt_tokens"} <= set(rows.columns)
    raw = (tmp_path / "r.parquet").read_bytes()
    assert b"/home" not in raw
    assert not (tmp_path / "data" / "work.duckdb").exists()  # of a named home nothing is kept here


def test_collect_without_work_has_none(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.run(["--home", str(home), "--out", str(tmp_path / "b.zip")]) == 2
    assert "nothing to collect" in capsys.readouterr().err


def test_a_broken_file_of_rules_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "work.toml").write_text("private = 1", encoding="utf-8")
    assert collect.run(["--home", str(home), "--out", str(tmp_path / "b.zip"), "--work"]) == 2
    assert "private must be a list" in capsys.readouterr().err
    assert not (tmp_path / "b.zip").exists()


def test_without_ibis_or_pyspark_it_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] in {"ibis", "pyarrow", "pyspark"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **named)

    written(tmp_path / "in", {"ann": 3})
    monkeypatch.setattr(builtins, "__import__", without)
    assert fleet.run([str(tmp_path / "in")]) == 2
    assert "pip install 'truelimit[fleet]'" in capsys.readouterr().err
    assert fleet.run(["s3://bucket/x", "--engine", "pyspark"]) == 2
    assert "pip install 'truelimit[spark]'" in capsys.readouterr().err


def test_a_master_is_for_spark(capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.run(["x", "--spark-master", "local[2]"]) == 2
    assert "--engine pyspark" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
class TestCounted:
    @pytest.fixture(autouse=True)
    def _ibis(self) -> None:
        pytest.importorskip("ibis", reason="ibis is not installed: pip install 'truelimit[fleet]'")

    def test_json(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        written(tmp_path / "in", {"ann": 200, "bob": 100})
        (tmp_path / "s.toml").write_text(STACKS, encoding="utf-8")
        assert fleet.run([str(tmp_path / "in"), "--stacks", str(tmp_path / "s.toml"), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["schema"], found["people"], found["calls"]) == ("truelimit.fleet/1", 2, 300)
        assert [item["name"] for item in found["options"]] == ["small", "large"]
        assert sum(found["recorded"].values()) == found["requests"]
        assert [len(item["options"]) for item in found["each"]] == [2, 2]
        assert sum(item["calls"] for item in found["outcomes"]) == 300

    @pytest.mark.parametrize("form", [["--markdown"], ["--width", "120"], ["--width", "50"]])
    def test_words(self, tmp_path: Path, form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        written(tmp_path / "in", {"ann": 200, "bob": 100})
        (tmp_path / "s.toml").write_text(STACKS, encoding="utf-8")
        assert fleet.run([str(tmp_path / "in"), "--stacks", str(tmp_path / "s.toml"), *form]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert "of 2 people" in told
        assert "as recorded" in told
        assert "counted by DuckDB" in told

    def test_a_bundle_of_collect(self, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        collect.run(["--home", str(home), "--out", str(tmp_path / "out" / "b.zip"), "--work"])
        capsys.readouterr()
        assert fleet.run([str(tmp_path / "out"), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["people"], found["options"], found["recorded"]) == (1, [], None)
        assert found["calls"] > 3

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["/nowhere/at/all"], "matches nothing"),
            (["s3://bucket/x"], "--engine pyspark"),
            (["--stacks", "/nowhere/s.toml", "/nowhere/at/all"], "s.toml"),
        ],
    )
    def test_what_cannot_be_used_is_said(
        self, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert fleet.run(arguments) == 2
        assert words in capsys.readouterr().err
