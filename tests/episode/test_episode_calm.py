"""Nothing wrong, nothing there, nothing readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.episode_home import BASE, NATIVE, SEP, Call, EpisodeHome, at, entry
from support.episode_logs import load_b, start
from support.episode_report import doctor, fix
from support.episode_scenes import era_c, september


def _calls() -> list[Call]:
    return [Call(at(60 * number), 30, input=9000 + 1000 * number, output=300) for number in range(4)]


@pytest.mark.parametrize(
    "log",
    [lambda h: [start("0.24.0"), load_b(h.blob, NATIVE)], era_c()],
    ids=["Ollama 0.24", "Ollama 0.33"],
)
def test_everything_in_order(tmp_path: Path, log) -> None:  # type: ignore[no-untyped-def]
    home = september(tmp_path, _calls(), log=log)
    report = doctor(home)
    assert report.code == 0
    assert report.codes == []
    assert report.incidents == []
    assert report.sentence.startswith("Nothing is wrong with the limits of this stack.")
    assert report.hardware == "not-needed"
    assert report.binding() == (NATIVE, "model", "physical")
    plan = fix(home)
    assert (plan["files"], plan["definitions"], plan["manual"]) == ([], [], [])


def test_an_empty_home(tmp_path: Path) -> None:
    report = doctor(EpisodeHome(tmp_path))
    assert report.code == 2
    assert report.data["ladders"] == []
    assert "Nothing was found" in report.sentence


def test_a_store_without_an_agent(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder()
    report = doctor(home.ollama_log(start(), load_b(home.blob)))
    assert report.code in {0, 1}
    assert all(item["agent"] is None for item in report.data["ladders"])


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "{models: {providers: 7}}", "\x00\x01\x02", "null"], ids=range(6))
def test_a_damaged_configuration_is_told(tmp_path: Path, text: str) -> None:
    home = september(tmp_path, _calls(), log=era_c())
    (home.root / ".openclaw" / "openclaw.json").write_text(text, encoding="utf-8")
    report = doctor(home)
    assert report.code in {0, 1, 2}
    if text in {"{", "[1, 2", "\x00\x01\x02"}:
        assert any("openclaw.json" in item["fact"] + item["why"] for item in report.data["missing"])


def test_an_agent_whose_server_left_no_trace(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).openclaw([entry(BASE, NATIVE)], version=SEP, primary=f"ollama/{BASE}", api="ollama")
    report = doctor(home)
    assert report.binding()[0] == NATIVE
    assert report.hardware == "unknown"
    assert any("header" in item["fact"] for item in report.data["missing"])
