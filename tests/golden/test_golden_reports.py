"""The reports of the demo's home in four modes, as files. TRUELIMIT_GOLDEN=1 writes them anew: read the diff."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.damage import run
from truelimit.adapters.demo.stage import stage

HERE = Path(__file__).parent
MODES = {
    "text-80.txt": ["--width", "80", "--no-color"],
    "text-120-colour.txt": ["--width", "120"],
    "markdown.md": ["--markdown"],
    "json.json": ["--json"],
}


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("verb", ["doctor", "fix", "plan"])
def test_the_report_is_as_it_was(verb: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "colour" in mode:
        monkeypatch.setenv("FORCE_COLOR", "1")
    home = tmp_path / "home"
    home.mkdir()
    stage(home)
    named = ["qwen3-coder:30b", "--beside", "llama-3-8b"] if verb == "plan" else []
    _, out, err = run(verb, *named, "--home", str(home), *MODES[mode])
    assert err == ""
    text = out.replace(str(home).replace("\\", "\\\\") if mode == "json.json" else str(home), "HOME")
    golden = HERE / f"{verb}-{mode}"
    if os.environ.get("TRUELIMIT_GOLDEN"):
        golden.write_text(text, encoding="utf-8", newline="\n")
    assert text == golden.read_text(encoding="utf-8"), "TRUELIMIT_GOLDEN=1 writes it anew, if that is what you want"
