"""truelimit workload, from a home of recorded sessions to what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.work_records import AGENTS, SAMPLES
from truelimit.cli import workload


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    for source, target in (
        ("claude-code", ".claude/projects/p"),
        ("codex", ".codex/sessions/2026/11/22"),
        ("qwen-code", ".qwen/projects/p/chats"),
        ("pi", ".pi/agent/sessions/p"),
    ):
        folder = tmp_path / "home" / target
        folder.mkdir(parents=True)
        for path in (AGENTS / source).glob("*.jsonl"):
            (folder / path.name).write_bytes(path.read_bytes())
    return tmp_path / "home"


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert workload.run([*map(str, arguments), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_json_of_a_home(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = asked(capsys, "--home", home)
    assert first["schema"] == "truelimit.workload/1"
    assert (first["requests"], first["retries"], first["side_calls"]) == (22, 14, 2)
    outcomes = {item["name"]: item["requests"] for item in first["outcomes"]}  # type: ignore[attr-defined]
    assert outcomes == {"done": 11, "overflow": 7, "timed-out": 18}
    assert first["prompt_tokens"]["max"] == 146_760  # type: ignore[index]
    again = asked(capsys, "--home", home)
    assert again["read"]["files"] == 0  # type: ignore[index]
    assert {key: value for key, value in again.items() if key != "read"} == {
        key: value for key, value in first.items() if key != "read"
    }


@pytest.mark.parametrize("form", [["--markdown"], ["--width", "100"], ["--width", "60"]])
def test_words_of_a_home(home: Path, form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert workload.run(["--home", str(home), *form]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "22 requests in" in told
    assert "Work on 5 or more files is 0 % of the turns" in told
    assert "private or not: 22 of 22 requests" in told


def test_only_some_of_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "--home", home, "--agent", "pi", "--since", "2026-11-22")
    assert [item["name"] for item in found["agents"]] == ["pi"]  # type: ignore[attr-defined]
    assert found["store"]["left_out"] == 31  # type: ignore[index]
    nothing = asked(capsys, "--home", home, "--since", "2027-01-01")
    assert (nothing["requests"], nothing["first"]) == (0, None)


def test_files_that_are_named(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = SAMPLES / "ollama-logs" / "era_c_0.33.0_composed.log"
    other = tmp_path / "x.txt"
    other.write_text("nothing", encoding="utf-8")
    found = asked(capsys, "--only-files", "--file", log, "--log", other, "--store", tmp_path / "w.duckdb")
    assert found["store"]["records"] == 4  # type: ignore[index]
    assert "neither a transcript" in found["missing"][0]["why"]  # type: ignore[index]
    assert (tmp_path / "w.duckdb").exists()
    _ = home


def test_private_by_a_rule(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "--home", home, "--private", "/home/user")
    assert found["private_requests"] == 22


def test_an_export_can_be_brought_elsewhere(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "work.parquet"
    first = asked(capsys, "--home", home, "--export", out)
    moved = asked(capsys, "--only-files", "--file", out, "--store", tmp_path / "other.duckdb")
    keys = ("requests", "retries", "sessions", "turns", "outcomes", "prefix", "waited_seconds")
    assert {key: moved[key] for key in keys} == {key: first[key] for key in keys}


def test_neither_text_nor_paths_are_kept(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(capsys, "--home", home, "--export", tmp_path / "all.jsonl")
    kept = (tmp_path / "all.jsonl").read_text(encoding="utf-8")
    for secret in ("hello", "/home", "proj", "three-layer"):
        assert secret not in kept


def test_an_empty_home_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "home").mkdir()
    assert workload.run(["--home", str(tmp_path / "home")]) == 0
    assert "No recorded work was found." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--home", "/nowhere/at/all"], "does not exist"),
        (["--file", "/nowhere/at/all"], "does not exist"),
        (["--export", "x.txt"], "export writes .parquet or .jsonl"),
    ],
)
def test_what_cannot_be_used_is_said(
    home: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments if "--home" in arguments else ["--home", str(home), *arguments]
    assert workload.run(given) == 2
    assert words in capsys.readouterr().err


def test_a_table_of_another_form_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"id": "1", "session": "s", "model": "m", "prompt_tokens": "x"}\n', encoding="utf-8")
    assert workload.run(["--home", str(home), "--file", str(table)]) == 2
    assert "column prompt_tokens: 1 values are wrong" in capsys.readouterr().err


def test_a_store_that_is_none_and_rules_that_are_none(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.duckdb"
    bad.write_bytes(b"no store at all" * 900)
    assert workload.run(["--home", str(home), "--store", str(bad)]) == 2
    assert "cannot be opened as the store of work" in capsys.readouterr().err
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "work.toml").write_text("private = 1", encoding="utf-8")
    assert workload.run(["--home", str(home)]) == 2
    assert "private must be a list" in capsys.readouterr().err
