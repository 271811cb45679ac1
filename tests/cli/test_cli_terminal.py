"""What a terminal gets: widths, colours, encodings, help, interrupts, closed pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from servers.fake_ollama import Fault, fake_ollama
from support.damage import run
from support.homes import HOMES
from truelimit.cli import doctor as doctor_verb
from truelimit.cli.main import VERBS, main

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")
DIFF = re.compile(r"^(---|\+\+\+|@@|[ +-] )")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TRUELIMIT_DEBUG", "1")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a process of its own."""
    command = [sys.executable, "-m", "truelimit", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, env=os.environ | environment)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("verb", ["doctor", "fix", "plan"])
def test_lines_keep_to_the_width_and_numbers_stay_whole(verb: str, width: int, tmp_path: Path) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    named = ["qwen3-coder:30b", "--beside", "llama-3-8b"] if verb == "plan" else []
    _, wide, _ = run(verb, *named, *arguments, "--width", "1000")
    _, text, _ = run(verb, *named, *arguments, "--width", str(width))
    in_diff = False
    for line in text.splitlines():
        in_diff = line.startswith("--- ") or (in_diff and bool(DIFF.match(line)))
        assert len(line) <= width or in_diff, line
    missing = {number for number in NUMBER.findall(wide) if "," in number} - set(NUMBER.findall(text))
    assert not missing


def test_no_colour_unless_a_terminal_or_the_user_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    assert "\x1b" not in run("doctor", *arguments)[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run("doctor", *arguments, "--width", "100")[1]
    assert "\x1b[" in coloured
    plain = run("doctor", *arguments, "--width", "100", "--no-color")[1]
    uncoloured = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert [line.rstrip() for line in uncoloured.splitlines()] == plain.splitlines()
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("doctor", *arguments, "--width", "100")[1] == plain


def test_escape_sequences_in_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path)
    config = tmp_path / ".openclaw" / "openclaw.json"
    evil = "m\\u001b[2J\\u001b]0;owned\\u0007\\u202eevil\\u0000"
    config.write_text(
        config.read_text(encoding="utf-8").replace("qwen3-coder-30b:v-128k", evil).replace("Qwen3 Coder", evil),
        encoding="utf-8",
    )
    for form in ([], ["--markdown"]):
        for verb in ("doctor", "fix"):
            out = run(verb, "--home", str(tmp_path), *form)[1]
            assert not set(out) & set("\x1b\x07\x00\u202e"), form


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_knows_few_signs(encoding: str, tmp_path: Path) -> None:
    done = process("demo", "--width", "80", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert "131,072" in text
    assert "\ufffd" not in text


def test_our_own_words_are_ascii(tmp_path: Path) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    for verb in ("doctor", "fix"):
        assert run(verb, *arguments)[1].isascii()


@pytest.mark.skipif(os.name == "nt", reason="no pipes of this kind")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    for verb in (["doctor"], ["fix"], ["plan", "qwen3-coder:30b"]):
        command = [sys.executable, "-m", "truelimit", *verb, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
            assert started.stdout is not None
            assert started.stderr is not None
            started.stdout.close()
            assert started.stderr.read() == b""


def test_ctrl_c_is_one_line_and_the_demo_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(doctor_verb, "run", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err.strip().splitlines() == ["truelimit: interrupted; nothing was changed"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_ctrl_c_while_a_server_does_not_answer(tmp_path: Path) -> None:
    with fake_ollama(faults={"*": Fault.SLOW}) as fake:
        command = [sys.executable, "-m", "truelimit", "doctor", "--home", str(tmp_path), "--ollama", fake.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
            for _ in range(200):
                if fake.requests:
                    break
                time.sleep(0.02)
            started.send_signal(signal.SIGINT)
            out, err = started.communicate(timeout=20)
    assert (started.returncode, out) == (130, b"")
    assert err.decode().strip().splitlines() == ["truelimit: interrupted; nothing was changed"]


def test_the_demo_leaves_nothing_and_keeps_what_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    code, out, _ = run("demo", "--width", "80")
    assert (code, list((tmp_path / "tmp").iterdir())) == (0, [])
    assert "removed at the end" in " ".join(out.split())
    code, _, _ = run("demo", "--keep", str(tmp_path / "kept"))
    assert (code, (tmp_path / "kept" / ".openclaw" / "openclaw.json").is_file()) == (0, True)
    code, out, err = run("demo", "--keep", str(tmp_path / "kept"))
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(verb: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"usage: truelimit {verb}")
    lines = out.splitlines()
    for index, line in enumerate(lines[:-1]):
        if line.startswith("  -"):
            own = re.search(r"\S {2,}\S", line.strip())
            assert own or lines[index + 1].startswith(" " * 20), f"{line} is not explained"


@pytest.mark.parametrize("verb", ["doctor", "fix", "plan"])
def test_help_tells_the_exit_codes(verb: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    assert "Exit codes: 0" in capsys.readouterr().out


def test_without_a_verb_or_with_a_wrong_one(capsys: Capture) -> None:
    for arguments, code in (([], 2), (["--help"], 0), (["help"], 0), (["-h"], 0)):
        assert main(arguments) == code
        out = capsys.readouterr().out
        assert all(f"\n  {verb} " in out for verb in VERBS)
    assert main(["doktor"]) == 2
    assert "there is no verb 'doktor'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--width", "3"], ["--width", "-80"], ["--width", "wide"], ["--home"], ["--json", "--markdown"], ["--no-such"],
    ],
)  # fmt: skip
def test_options_that_are_wrong_are_refused(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", *arguments])
    assert stopped.value.code == 2
    assert "usage: truelimit doctor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--home", "nowhere"], "nowhere does not exist"),
        (["--log", "nowhere.log"], "nowhere.log does not exist"),
        (["--machine", "toaster"], "'toaster' is not in the table"),
        (["--proxy", "nginx"], "expected NAME=SECONDS"),
        (["--proxy", "nginx=nan"], "expected NAME=SECONDS"),
        (["--proxy", "nginx=-5"], "expected NAME=SECONDS"),
        (["--proxy", "=60"], "expected NAME=SECONDS"),
        (["--since", "yesterday"], "expected a day or a time"),
    ],
)
def test_values_that_are_wrong_are_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    home = [] if "--home" in arguments else ["--home", str(tmp_path)]
    code, out, err = run("doctor", *home, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_proxy_that_the_user_named_stands_in_the_time_ladder(tmp_path: Path) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    assert "BINDS" in next(
        line for line in run("doctor", *arguments, "--proxy", "nginx=60", "--width", "200")[1].splitlines()
        if line.startswith("proxy nginx")
    )  # fmt: skip
