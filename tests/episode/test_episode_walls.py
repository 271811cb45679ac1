"""Timers on the path of a request: which one ended it, how often it was tried, and what can move it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.episode_home import BASE, NOON, SAMPLES, Call, EpisodeHome, at, entry
from support.episode_logs import gin, load_b, start
from support.episode_report import doctor, fix
from support.episode_scenes import (
    M2_ULTRA,
    V1,
    era_b,
    era_c,
    february,
    four_attempts,
    idle_twice,
    long_text,
    september,
)

LONG = long_text(140_000)


def _with_sample(root: Path, sample: str, timeout: int | None, model: str = "stall330") -> EpisodeHome:
    home = EpisodeHome(root)
    home.model(f"{model}:latest")
    defaults = {"timeoutSeconds": timeout} if timeout else None
    home.openclaw([entry(model)], primary=f"ollama/{model}", api="ollama", defaults=defaults)
    return home.sample_session(sample)


def test_recorded_four_attempts_are_one_incident(tmp_path: Path) -> None:
    report = doctor(_with_sample(tmp_path, "session-native-ollama-4x300s-fetch-failed.jsonl", 3600))
    incident = report.only
    assert incident["cause"] == "prefill-exceeds-wall"
    assert (incident["attempts"], incident["hidden_attempts"]) == (4, 0)
    assert incident["seconds"] == pytest.approx(1223.6, abs=0.1)
    assert incident["prompt_tokens_basis"] == "assumed"
    assert report.binding("time") == (300, "client-library", "configured")
    assert {"TIM001", "TIM002", "TIM003"} <= set(incident["findings"])
    assert report.finding("TIM002")["fix"]["applicability"] == "manual"


def test_recorded_three_hidden_attempts(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path)
    home.openclaw(
        [entry("stall330")],
        provider="local",
        primary="local/stall330",
        base_url="http://127.0.0.1:8000/v1",
        defaults={"timeoutSeconds": 2100},
    ).sample_session("session-openai-completions-3x300s.jsonl")
    incident = doctor(home).only
    assert incident["cause"] == "prefill-exceeds-wall"
    assert (incident["attempts"], incident["hidden_attempts"]) == (3, 2)


@pytest.mark.parametrize("log", [False, True], ids=["transcript alone", "with the agent's log"])
def test_recorded_abort_by_the_run_timeout(tmp_path: Path, log: bool) -> None:
    home = _with_sample(tmp_path, "session-native-ollama-600s-abort.jsonl", None)
    if log:
        home.agent_log((SAMPLES / "2026.2.17" / "log-agent-timeout-600s.jsonl").read_text(encoding="utf-8"))
    report = doctor(home)
    incident = report.only
    assert incident["cause"] == "prefill-exceeds-wall"
    assert incident["attempts"] == 2
    assert "600 s" in incident["reasons"][0], "the last attempt was cut by the timer over them all"
    assert report.rung("agent-run", "time")["value"] == 600
    assert "TIM002" in incident["findings"], "no key moves the 300 s below it"


def test_the_advice_of_the_error_text_cannot_help(tmp_path: Path) -> None:
    said = (
        "Request timed out before a response was generated. Please try again, or increase "
        "`agents.defaults.timeoutSeconds` in your config."
    )
    calls = [
        Call(NOON, 302.1, error="fetch failed", text=LONG),
        Call(at(302.1), 297.9, error=said, same_turn=True),
    ]
    report = doctor(february(tmp_path, calls, model=BASE, window=262_144, timeout=None), *M2_ULTRA)
    assert report.only["attempts"] == 2
    assert "cannot help" in report.finding("TIM003")["message"]
    assert report.binding() == (262_144, "model", "physical")
    assert fix(february(tmp_path / "2", calls, model=BASE, window=262_144), *M2_ULTRA)["files"] == []


def test_a_long_prompt_on_a_known_machine(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, four_attempts(LONG)), *M2_ULTRA)
    incident = report.only
    assert (incident["cause"], incident["attempts"]) == ("prefill-exceeds-wall", 4)
    limit = report.finding("TIM002")["calculation"]
    assert limit["result"] == pytest.approx(96_094, rel=0.01)
    assert limit["unit"] == "tokens"


def test_a_greeting_on_a_known_machine_is_not_a_long_prefill(tmp_path: Path) -> None:
    """8,700 tokens take 5 s there: whatever kept the server silent for four times 300 s, it was not reading."""
    report = doctor(february(tmp_path, four_attempts("hello")), *M2_ULTRA)
    incident = report.only
    assert (incident["cause"], incident["explained"], incident["attempts"]) == ("unexplained", False, 4)
    assert incident["findings"] == ["SRV004"]
    assert report.hardware == "unknown"


def test_a_provider_timeout_of_september_has_a_key(tmp_path: Path) -> None:
    home = september(tmp_path, idle_twice(LONG), provider_more={"timeoutSeconds": 300}, log=era_c())
    report = doctor(home)
    incident = report.only
    assert (incident["cause"], incident["attempts"], incident["hidden_attempts"]) == ("prefill-exceeds-wall", 2, 0)
    value, set_by, kind = report.binding("time")
    assert (value, set_by, kind) == (300, "agent-config", "configured")
    made = report.finding("TIM001")["fix"]
    assert (made["applicability"], made["edits"]) == ("safe", 1)
    (change,) = fix(home)["files"]
    assert '-        "timeoutSeconds": 300' in change["diff"]
    (raised,) = [line for line in change["diff"].splitlines() if line.startswith("+ ")]
    assert int(raised.rpartition(":")[2]) > 615, "longer than the reading takes by the arithmetic"


def test_an_agent_timeout_of_september(tmp_path: Path) -> None:
    said = (
        "Request timed out before a response was generated. Please try again, or increase "
        "`agents.defaults.timeoutSeconds` in your config."
    )
    home = september(
        tmp_path, [Call(NOON, 300.3, error=said, text=LONG)], defaults={"timeoutSeconds": 300}, log=era_c()
    )
    report = doctor(home)
    assert (report.only["cause"], report.only["attempts"]) == ("prefill-exceeds-wall", 1)
    assert report.binding("time")[:2] == (300, "agent-config")
    assert report.finding("TIM001")["fix"]["applicability"] == "safe"
    (change,) = fix(home)["files"]
    assert '"timeoutSeconds": 300' in change["diff"]


def test_headers_early_and_then_silence(tmp_path: Path) -> None:
    """llama-server of 2026 sends its headers at once: the watchdog for the first event is what ends the prefill."""
    home = september(
        tmp_path, idle_twice(LONG), api="openai-completions", provider="local", base_url="http://127.0.0.1:8080/v1"
    )
    report = doctor(home, *M2_ULTRA)
    assert (report.only["cause"], report.only["attempts"]) == ("prefill-exceeds-wall", 2)
    binding = report.ladder()["time"]["binding"]
    assert (binding["name"], binding["value"], binding["set_by"]) == ("first-event", 300, "agent-default")
    assert report.finding("TIM001")["fix"]["applicability"] == "safe"
    (change,) = fix(home, *M2_ULTRA)["files"]
    assert '+        "timeoutSeconds": ' in change["diff"]


def test_native_ollama_of_september_has_no_wall(tmp_path: Path) -> None:
    """1,900 s of silence were answered there (measured): only the run's budget of 48 h is left."""
    report = doctor(september(tmp_path, [Call(NOON, 1900, input=140_000, output=100)], log=era_c()))
    assert report.incidents == []
    assert report.binding("time")[0] >= 172_800
    assert not [code for code in report.codes if code.startswith("TIM")]


def test_a_proxy_that_the_user_names(tmp_path: Path) -> None:
    call = Call(NOON, 60.3, error="504 Gateway Timeout", text=LONG)
    report = doctor(september(tmp_path, [call], log=era_c()), "--proxy", "nginx=60")
    assert report.binding("time") == (60, "proxy", "configured")
    assert report.only["cause"] == "prefill-exceeds-wall"


def test_a_model_loaded_again_between_attempts(tmp_path: Path) -> None:
    calls = four_attempts(LONG)[:2]
    again = [*era_b_reloaded()]
    home = february(tmp_path, calls, log=lambda h: [start(), *(load_b(h.blob, when=moment) for moment in again)])
    report = doctor(home)
    assert report.only["attempts"] == 2
    assert "loaded again" in report.finding("TIM004")["message"]


def era_b_reloaded() -> tuple:
    return at(0.5), at(303.0)


def test_the_wall_in_the_access_log_alone(tmp_path: Path) -> None:
    """No transcript: three requests of 5m2s with status 500 are a client's timeout, not a crash."""
    ends = [gin(at(302 * n), 500, "5m2s") for n in (1, 2, 3)]
    home = EpisodeHome(tmp_path).coder()
    home.openclaw([entry()], base_url=V1)
    report = doctor(home.ollama_log(*era_b(home), ends))
    assert (report.only["cause"], report.only["attempts"]) == ("prefill-exceeds-wall", 3)
    assert report.only["prompt_tokens"] is None
