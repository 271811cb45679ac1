"""truelimit report: what it writes, where, and what it says when it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.cli.main import main
from truelimit.cli.report import run

FIGURES = {"options-replay", "options-usd", "stack-1-context", "stack-1-memory", "stack-1-time"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "home"
    folder.mkdir()
    stage(folder)
    return folder


def test_it_writes_a_page_and_the_drawings(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "out.html"
    code = run(
        ["--home", str(home), "--html", str(out), "--svg", str(tmp_path / "svg"), "--png", str(tmp_path / "png")]
    )
    assert code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("written: ") == 1 + 2 * len(FIGURES)
    assert {path.stem for path in (tmp_path / "svg").glob("*.svg")} == FIGURES
    assert {path.stem for path in (tmp_path / "png").glob("*.png")} == FIGURES
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "CTX001 label-caps-context" in text
    assert re.search(r"288 requests in 26 conversations, 1\.\d hours of waiting for 288 timed calls\.", text)
    assert {name for name in FIGURES if f'<figure id="{name}">' in text} == FIGURES


def test_two_runs_write_the_same_bytes(home: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        run(["--home", str(home), "--html", str(tmp_path / name)])
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_line_that_is_recorded_is_not_in_the_page(home: Path, tmp_path: Path) -> None:
    """Texts of prompts and answers never enter a report."""
    transcript = (home / ".openclaw/agents/main/sessions/20260218-refactor.jsonl").read_text(encoding="utf-8")
    texts = [
        text for text in re.findall(r'"text":\s*"([^"]{12,})"', transcript) if not text.startswith("Request timed")
    ]
    assert texts
    run(["--home", str(home), "--html", str(tmp_path / "out.html")])
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert not [text for text in texts if text[:30] in page]


def test_hindi(home: Path, tmp_path: Path) -> None:
    main(["report", "--home", str(home), "--html", str(tmp_path / "out.html"), "--lang", "hi", "--created", "18 फ़रवरी"])
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert '<html lang="hi">' in text
    assert "1,31,072 टोकन" in text
    assert "18 फ़रवरी" in text


def test_an_unknown_language_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    assert main(["report", "--home", str(tmp_path), "--html", str(tmp_path / "x.html"), "--lang", "tlh"]) == 2
    assert capsys.readouterr().err == "truelimit: there is no language 'tlh'; there are: en, hi\n"
    assert not (tmp_path / "x.html").exists()


def test_nothing_to_write_is_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        run([])
    assert error.value.code == 2
    assert "expected at least one of --html FILE, --svg DIR, --png DIR" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--home", str(home), "--html", str(tmp_path)]) == 2
    assert f"truelimit: {tmp_path}: cannot be written" in capsys.readouterr().err


def test_an_empty_home_is_a_page_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["--home", str(empty), "--html", str(tmp_path / "out.html")]) == 2
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "Nothing was found" in text
    assert "the work: no local stack was found" in text
    capsys.readouterr()


def test_help_names_what_it_writes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--help"])
    text = capsys.readouterr().out
    assert all(option in text for option in ("--html FILE", "--svg DIR", "--png DIR", "--lang TAG", "--home DIR"))


def test_a_machine_of_ones_own_is_on_the_page_by_name(home: Path, tmp_path: Path) -> None:
    own, out = tmp_path / "mine.toml", tmp_path / "out.html"
    own.write_text('name = "My box"\nmemory_gib = 48\nbandwidth_gb_per_s = 1500\n', encoding="utf-8")
    assert run(["--home", str(home), "--html", str(out), "--among", str(own), "--among", "dgx-spark"]) == 1
    text = out.read_text(encoding="utf-8")
    figure = text[text.index('<figure id="options-usd">') :].split("</figure>")[0]
    assert ">My box</text>" in figure
    assert ">no price known</text>" in figure
    assert ">NVIDIA DGX Spark</text>" in figure
    assert "PC with RTX 5090" not in text, "machines that nobody named are not tried beside those that somebody did"


def test_a_machine_that_there_is_not_is_no_page_without_it(home: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out.html"
    assert run(["--home", str(home), "--html", str(out), "--among", "nosuch"]) == 2
    assert "'nosuch' is not in the table" in capsys.readouterr().err
    assert not out.exists()
