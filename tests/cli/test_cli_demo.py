"""The last part of the demo: the weeks before, in short, and the commands that tell all of it, run as they are told."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path

import pytest

from truelimit.cli import demo_work
from truelimit.cli.main import main

PARTS = (
    "Do you need hardware? The weeks before, replayed",
    "edits of 5 or more files are 11% of the turns",
    "first, it is free",
    ": 288 of 288 requests",
    "no hardware completes more than that",
    "is a question of routing: the big ones to",
    "20 private ones stay here",
    "These weeks are made up",
    "truelimit demo --keep DIR",
    "truelimit report --home DIR",
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "kept"


@pytest.fixture(scope="module")
def told(kept: Path) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["demo", "--keep", str(kept), "--no-color", "--width", "120"]) == 0
    return out.getvalue()


def test_the_verdict_comes_last_and_in_short(told: str) -> None:
    plain = " ".join(told.split())
    places = [plain.index(part) for part in PARTS]
    assert places == sorted(places)
    assert re.search(r"nothing +0 +0\.00 +287 of 288", told)
    assert re.search(r"truelimit fix +0 +0\.00 +288 \(287 to 288\) of 288", told)
    assert len(told[told.index("Do you need hardware?") :].splitlines()) < 35


def test_its_commands_can_be_typed(
    told: str, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    last = told[told.index("All of it") :].splitlines()
    lines = [line.strip() for line in last if line.strip().startswith("truelimit ")]
    typed = {shlex.split(line)[1]: shlex.split(line.replace("DIR", str(kept)))[1:] for line in lines}
    assert list(typed) == ["demo", "workload", "verdict", "report"]
    (kept / "work.duckdb").unlink()

    assert main([*typed["workload"], "--json"]) == 0
    work = json.loads(capsys.readouterr().out)
    assert main([*typed["verdict"], "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert main(typed["report"]) == 1
    capsys.readouterr()
    assert "</html>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert verdict["sentence"] in " ".join(told.split())
    assert verdict["requests"] == work["requests"]


def test_a_demo_as_json_is_the_diagnosis_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "truelimit.doctor/1"


def test_what_cannot_be_stored_is_said(kept: Path, told: str) -> None:
    assert told
    (kept / "work.duckdb").write_bytes(b"no database")
    (said,) = demo_work.blocks(kept)
    assert "work.duckdb" in str(said)
