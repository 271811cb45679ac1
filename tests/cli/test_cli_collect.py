from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from support.work_records import AGENTS, SAMPLES, names_in
from truelimit.adapters.bundle.unpack import unpacked
from truelimit.adapters.demo.stage import stage
from truelimit.cli import collect, doctor
from truelimit.cli.main import main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    stage(folder)
    return folder


def test_a_zip_is_written_by_default(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert main(["collect", "--home", str(home)]) == 0
    (bundle,) = tmp_path.glob("truelimit-evidence-*.zip")
    names = zipfile.ZipFile(bundle).namelist()
    assert ".openclaw/openclaw.json" in names
    assert "WHAT-IS-LEFT-OUT.md" in names
    shown = capsys.readouterr().out
    assert bundle.name in shown
    assert "API keys" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", bundle.name]


def test_the_summary_as_json(home: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "new" / "bundle"
    assert collect.run(["--home", str(home), "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["schema"] == "truelimit.collect/1"
    assert summary["bundle"] == str(out)
    assert summary["files"] == sum(path.is_file() for path in out.rglob("*"))
    assert summary["bytes"] == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    assert {"what": "installations of OpenClaw", "count": 1} in summary["kept"]
    assert summary["troubles"] == []


def test_the_doctor_says_of_the_bundle_what_it_says_at_home(home: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    collect.run(["--home", str(home), "--out", str(tmp_path / "b.zip")])
    capsys.readouterr()
    assert doctor.run(["--home", str(home), "--json"]) == 1
    at_home = json.loads(capsys.readouterr().out)
    with unpacked(tmp_path / "b.zip") as folder:
        assert doctor.run(["--home", str(folder), "--json"]) == 1
    elsewhere = json.loads(capsys.readouterr().out)
    assert elsewhere["verdict"]["sentence"] == at_home["verdict"]["sentence"]
    assert elsewhere["verdict"]["hardware"] == at_home["verdict"]["hardware"]
    for key in ("cause", "attempts", "prompt_tokens", "findings", "time"):
        assert [item[key] for item in elsewhere["incidents"]] == [item[key] for item in at_home["incidents"]]
    for ladder in ("context", "time", "memory"):
        at_home_binding, binding = (
            [_rung(item[ladder]) for item in found["ladders"]] for found in (at_home, elsewhere)
        )
        assert binding == at_home_binding


def test_nothing_to_collect_is_an_error_and_leaves_nothing(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    assert collect.run(["--home", str(tmp_path / "empty"), "--out", str(tmp_path / "b.zip")]) == 2
    assert "nothing to collect" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_an_existing_place_is_not_overwritten(home: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "b.zip").write_text("mine", encoding="utf-8")
    assert collect.run(["--home", str(home), "--out", str(tmp_path / "b.zip")]) == 2
    assert collect.run(["--home", str(home), "--out", str(home)]) == 2
    assert (tmp_path / "b.zip").read_text(encoding="utf-8") == "mine"
    assert "exists" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named_here_and_not_in_the_bundle(home: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    secret = tmp_path / "secret-name.gguf"
    secret.write_bytes(b"no model")
    out = tmp_path / "out"
    assert collect.run(["--home", str(home), "--model-file", str(secret), "--out", str(out)]) == 0
    assert "secret-name.gguf" in capsys.readouterr().err
    page = (out / "WHAT-IS-LEFT-OUT.md").read_text(encoding="utf-8")
    assert "files that could not be read: 1" in page
    assert "secret-name" not in page


def test_named_files_are_taken_along(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    samples = Path(__file__).parents[1] / "samples"
    log = samples / "llamacpp" / "logs" / "llama-server_b10434_unified_kv_exhausted.log"
    session = samples / "openclaw" / "2026.2.17" / "session-openai-completions-3x300s.jsonl"
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    options = ["--log", str(log), "--session", str(session)]
    assert collect.run(["--home", str(tmp_path / "empty"), *options, "--out", str(out), "--json"]) == 0
    assert {"what": "files that you named", "count": 2} in json.loads(capsys.readouterr().out)["kept"]
    assert len(list((out / ".truelimit" / "logs").iterdir())) == 1
    assert len(list((out / ".truelimit" / "sessions").iterdir())) == 1


def _rung(ladder: dict) -> tuple | None:  # type: ignore[type-arg]
    binding = ladder["binding"]
    return binding and tuple(binding[key] for key in ("name", "value", "set_by", "kind", "basis"))


def test_no_session_path_or_workspace_is_in_a_bundle_with_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    identity = "0b1c2d3e-0000-4000-8000-123456789abc"
    home = tmp_path / "home-of-a-person"
    for source, target in (
        (SAMPLES / "openclaw/2026.2.17/session-usage-above-window.jsonl", f".openclaw/agents/main/sessions/{identity}"),
        (AGENTS / "claude-code/session-ok.jsonl", ".claude/projects/-home-me-acme/8fa0c03e-1"),
        (AGENTS / "codex/rollout-ok.jsonl", ".codex/sessions/2026/11/22/rollout-1"),
    ):
        path = home / f"{target}.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(source.read_bytes())
    assert main(["collect", "--work", "--home", str(home), "--out", str(tmp_path / "b.zip")]) == 0
    names = set().union(*(names_in(path) for path in home.rglob("*.jsonl"))) | {"home-of-a-person", "acme"}
    assert {identity, "/home/user/proj"} <= names
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        bundle.extract("requests.parquet", tmp_path)
        kept = "".join(f"{name} {bundle.read(name)!r}" for name in bundle.namelist())
    rows = duckdb.read_parquet(str(tmp_path / "requests.parquet")).fetchall()
    assert len(rows) > 2
    models = {row[4] for row in rows}
    assert [name for name in names - models if name in kept + repr(rows)] == []
