"""truelimit workload, from a home of recorded sessions to what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.work_records import AGENTS, SAMPLES
from truelimit.adapters.demo.stage import stage
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
            if "2.1.332" in path.name:  # a later version: its own tests count it
                continue
            (folder / path.name).write_bytes(path.read_bytes())
    return tmp_path / "home"


def asked(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> dict[str, object]:
    assert workload.run([*map(str, arguments), "--json"]) == status
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
    found = asked(capsys, "--only-files", "--file", log, "--log", other, "--store", tmp_path / "w.duckdb", status=1)
    assert found["store"]["records"] == 4  # type: ignore[index]
    (refused,) = found["refused"]  # type: ignore[misc]
    assert refused["file"] == str(other)
    assert "neither a transcript" in refused["why"]
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
        (["--file", "/nowhere/at/all"], "not read: /nowhere/at/all: No such file or directory"),
        (["--since", "yesterday"], "'yesterday' is no time; expected a day or a time of ISO 8601"),
        (["--export", "x.txt"], "export writes .parquet or .jsonl"),
    ],
)
def test_what_cannot_be_used_is_said(
    home: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments if "--home" in arguments else ["--home", str(home), *arguments]
    if "--since" in given:
        with pytest.raises(SystemExit, match="2"):
            workload.run(given)
    else:
        assert workload.run(given) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_refused_file_does_not_end_the_rest(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused ones first, between and last; each named once with its reason; the rest is in the store."""
    bad, gone = tmp_path / "bad.jsonl", tmp_path / "gone.jsonl"
    bad.write_text('{"id": "1", "session": "s", "model": "m", "prompt_tokens": "x"}\n', encoding="utf-8")
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 and no more")
    good = [AGENTS / "codex/rollout-ok.jsonl", AGENTS / "claude-code/session-ok.jsonl"]
    files = [part for path in (bad, good[0], gone, torn, good[1], bad) for part in ("--file", str(path))]
    found = asked(capsys, "--only-files", *files, status=1)
    assert found["requests"] == 2
    assert [item["file"] for item in found["refused"]] == list(map(str, (gone, bad, torn)))  # type: ignore[attr-defined]
    assert workload.run(["--only-files", "--file", str(bad), "--file", str(gone)]) == 2
    told = capsys.readouterr()
    assert f"not read: {bad}: none of 1 rows can be taken; line 1: column prompt_tokens is wrong" in told.err
    assert "No recorded work" not in told.out  # what the store holds is still shown
    _ = home


@pytest.mark.parametrize(
    "name",
    [
        "codex/rollout-ok.jsonl", "codex/rollout-idle-timeout.jsonl", "claude-code/session-ok.jsonl",
        "claude-code/session-context-cmd.jsonl", "qwen-code/chat-ok.jsonl", "pi/session-idle.jsonl",
    ],
)  # fmt: skip
def test_a_transcript_is_no_table(name: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "--only-files", "--file", AGENTS / name)
    assert found["refused"] == []
    assert [item["name"] for item in found["agents"]] in ([], [name.partition("/")[0]])  # type: ignore[attr-defined]
    _ = home


def test_a_transcript_that_speaks_of_tables_is_no_table(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words of the columns deeper down, or in somebody's text, do not count: only the keys at the top do."""
    raw = (AGENTS / "codex/rollout-ok.jsonl").read_bytes().splitlines(keepends=True)
    note = {
        "timestamp": "2026-11-22T21:00:00Z",
        "type": "event_msg",
        "payload": {"id": 1, "session": "s", "model": "m"},
    }
    path = tmp_path / "rollout-1.jsonl"
    path.write_bytes(json.dumps(note).encode() + b"\n" + b"".join(raw))
    found = asked(capsys, "--only-files", "--file", path)
    assert [item["name"] for item in found["agents"]] == ["codex"]  # type: ignore[attr-defined]
    _ = home


def test_a_table_with_a_damaged_line(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"session": "s", "model": "m", "prompt_tokens": 10, "ending": "no such ending"}
    lines = [json.dumps({"id": "1", **row}), "{half", json.dumps({"id": "2", **row, "prompt_tokens": -1}), "[1]",
             json.dumps({"id": "3", **row})]  # fmt: skip
    table = tmp_path / "t.jsonl"
    table.write_text("\n".join(lines), encoding="utf-8")
    found = asked(capsys, "--only-files", "--file", table)
    assert (found["requests"], found["damaged_lines"], found["refused"]) == (2, 3, [])
    told = {item["fact"]: item["why"] for item in found["missing"]}  # type: ignore[attr-defined]
    assert told == {
        f"line 2 of {table}": "skipped: is no JSON (half-written or damaged)",
        f"line 3 of {table}": "skipped: column prompt_tokens is wrong; expected a whole number of 0 or more",
        f"line 4 of {table}": "skipped: is no JSON object",
        f"endings of {table}": "2 are none of done, overflow, truncated, timed-out, cancelled, crashed, unknown: "
        "counted as unknown",
    }
    assert found["outcomes"][0]["name"] == "unknown"  # type: ignore[index]
    assert {"what": "how it ended", "requests": 2, "of": 2} in found["unknown"]  # type: ignore[operator]
    assert workload.run(["--only-files", "--file", str(table)]) == 0
    assert "how it ended: 2 of 2 requests" in " ".join(capsys.readouterr().out.split())
    _ = home


def test_a_table_of_another_form_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"id": "1", "session": "s", "model": "m", "prompt_tokens": "x"}\n', encoding="utf-8")
    assert workload.run(["--home", str(home), "--file", str(table)]) == 2
    assert "column prompt_tokens is wrong; expected a whole number" in capsys.readouterr().err


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


def test_a_relative_home_has_the_rules_of_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    stage(tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    rules = ("--private", "~/clients/*", "--public", "~/nowhere/*")
    for name in ("demo", str(tmp_path / "demo")):
        found = asked(capsys, "--home", name, "--store", tmp_path / f"{len(name)}.duckdb", *rules)
        assert found["private_requests"] == 94
        assert [item["fact"] for item in found["missing"]] == [f"rule {tmp_path}/demo/nowhere/*"]  # type: ignore[attr-defined]
