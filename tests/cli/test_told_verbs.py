"""Every verb tells its help and its page in a language of circled letters: what is still English stands out."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from support.pseudo import PSEUDO, untold
from truelimit.adapters.demo.stage import stage
from truelimit.cli import main as command
from truelimit.report import language as languages

DATA = ("ray start", "vllm serve", "exo weights", "truelimit")  # commands to type
VERBS = sorted(command.VERBS)


@pytest.fixture(autouse=True)
def strange(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = languages.language
    monkeypatch.setattr(languages, "language", lambda tag: PSEUDO if tag == "de" else real(tag))
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    stage(folder)
    return folder


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """Run a verb in the language of circles and return what was not told, but for commands."""
    with suppress(SystemExit):
        command.main([*argv, "--lang", "de"])
    seen = capsys.readouterr()
    assert len(seen.out) > 100
    return [text for text in untold(seen.out) if not text.startswith(DATA)]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_is_told(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, verb, "--help") == []


def test_the_doctor_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "doctor", "--home", str(home)) == []


def test_the_fix_is_told_but_for_its_diff(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(told(capsys, "fix", "--home", str(home))) == {"it is the", "the error said to raise this"}


def test_the_work_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "workload", "--home", str(home)) == []


def test_a_plan_is_told_but_for_the_titles_of_sources(capsys: pytest.CaptureFixture[str]) -> None:
    # "-ngl all" ends a command, and a formula that begins with "weights" follows it
    options = ("--machine", "dgx-spark", "--context", "65536", "--deadline", "60", "--slots", "2")
    sources = {
        "all weights",
        "hardware documentation",
        "documentation and launch pages",
        "model card and",
        "header of",
        "file size of its",
        "estimated for",
    }
    assert set(told(capsys, "plan", "qwen3-coder-30b-a3b", *options)) <= sources


def test_a_sweep_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ("--sweep", "context=8192..32768", "machine=dgx-spark", "quant=Q4_K_M,Q8_0")
    assert told(capsys, "plan", "qwen3-8b", *sweep) == []


@pytest.mark.parametrize("code", ["CTX001", "TIM001"])
def test_the_pages_of_rules_can_be_told(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["explain", code, "--lang", "hi"]) == 0
    page = capsys.readouterr().out
    assert "यह क्या करता है" in page
    assert "What it does" not in page
