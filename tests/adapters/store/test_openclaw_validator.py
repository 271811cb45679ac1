"""OpenClaw's own validator: its answers as recorded, and everything that can go wrong with a program."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from truelimit.adapters.agents.openclaw_gate import OpenClawGate
from truelimit.adapters.agents.openclaw_validator import OpenClawValidator
from truelimit.app.fix_ports import ValidationResult

SAMPLES = Path(__file__).parents[2] / "samples" / "openclaw-validator"


def _ask(
    tmp_path: Path, generation: str, output: str, status: int = 0, before: str = "", seconds: float = 20.0
) -> ValidationResult:
    answer = tmp_path / "answer.txt"
    answer.write_text(output, encoding="utf-8")
    program = tmp_path / "openclaw.py"
    program.write_text(
        "import os, pathlib, sys, time\n"
        f"{before}\n"
        "asked = ' '.join(sys.argv[1:]) + os.environ['OPENCLAW_CONFIG_PATH']\n"
        f"pathlib.Path({str(tmp_path / 'asked')!r}).write_text(asked)\n"
        f"sys.stdout.buffer.write(pathlib.Path({str(answer)!r}).read_bytes())\n"
        f"sys.exit({status})\n",
        encoding="utf-8",
    )
    return OpenClawValidator(generation, "/home/u/openclaw.json", (sys.executable, str(program)), seconds=seconds)()


def _sample(name: str) -> str:
    return (SAMPLES / name).read_text(encoding="utf-8")


def test_september_valid_and_invalid(tmp_path: Path) -> None:
    good = _ask(tmp_path, "2026.9", '{ "valid": true, "path": "x" }')
    assert (good.ran, good.ok) == (True, True)
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "config validate --json/home/u/openclaw.json"
    bad = _ask(tmp_path, "2026.9", _sample("2026.9.6-validate-json-invalid.txt"), 1)
    assert (bad.ran, bad.ok) == (True, False)
    assert 'models.providers.ollama.models.0: Unrecognized key: "numCtx"' in bad.text


def test_february_is_asked_for_a_value_and_its_complaint_counts(tmp_path: Path) -> None:
    good = _ask(tmp_path, "2026.2", '{ "providers": {} }')
    assert (good.ran, good.ok) == (True, True)
    assert (tmp_path / "asked").read_text(encoding="utf-8").startswith("config get models")
    bad = _ask(tmp_path, "2026.2", _sample("2026.2.17-invalid.txt"), 1)
    assert (bad.ran, bad.ok) == (True, False)
    assert "numCtx" in bad.text


@pytest.mark.parametrize("output", ["", "not json", "[]", '{"valid": "yes"}', "{" * 50_000, "\x00\x01"])
@pytest.mark.parametrize("generation", ["2026.2", "2026.9"])
def test_an_answer_that_is_not_understood_proves_nothing(tmp_path: Path, generation: str, output: str) -> None:
    assert _ask(tmp_path, generation, output, 1).ok is None


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    before = (
        "import subprocess\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\n"
        "time.sleep(30)"
    )
    started = time.monotonic()
    result = _ask(tmp_path, "2026.9", "", before=before, seconds=1.0)
    assert result == ValidationResult(False, None, "openclaw config validate --json: no answer within 1 s")
    assert time.monotonic() - started < 8


def test_not_installed_or_not_startable(tmp_path: Path) -> None:
    missing = OpenClawValidator("2026.9", "f", environment={"PATH": str(tmp_path)})()
    assert missing == ValidationResult(
        False, None, "OpenClaw is not installed here, so its own validator was not asked"
    )
    broken = OpenClawValidator("2026.9", "f", (str(tmp_path / "none"),))()
    assert (broken.ran, broken.ok) == (False, None)
    assert "cannot be started" in broken.text


def test_secrets_in_its_words_are_masked(tmp_path: Path) -> None:
    output = '{"valid": false, "issues": [{"path": "a", "message": "apiKey: \\"s3cret\\" is wrong"}]}'
    assert "s3cret" not in _ask(tmp_path, "2026.9", output, 1).text


def test_the_gate_says_how_a_change_takes_effect() -> None:
    gate = OpenClawGate()
    assert gate.after_edit("2026.2", ()) == ()
    (only,) = gate.after_edit("2026.2", (("agents", "defaults", "timeoutSeconds"),))
    assert "restart the gateway" in only
    assert len(gate.after_edit("2026.9", (("models", "contextWindow"),))) == 2
    assert gate.accepts_parameter("num_ctx")
    assert not gate.accepts_parameter("num_ctxx")
