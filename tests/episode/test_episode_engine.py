"""Real crashes, real lacks of memory, loads that stall: never the fault of a window or of a timer of the agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.episode_home import LABEL, NOON, Call, EpisodeHome, at, entry
from support.episode_logs import gin, load_b, load_c, slog, start
from support.episode_report import Report, doctor, fix
from support.episode_scenes import M2_ULTRA, era_b, february, long_text

OOM = 'Ollama API error 500: {"error": "model requires more system memory (34.4 GiB) than is available (17.7 GiB)"}'
KILLED = 'Ollama API error 500: {"error": "llama-server process has terminated: signal: killed"}'
STALLED = 'Ollama API error 500: {"error": "timed out waiting for llama runner to start - progress 0.42 - "}'


def _engine(report: Report, cause: str) -> dict:
    incident = report.only
    assert (incident["cause"], incident["explained"]) == (cause, True)
    assert incident["findings"] == ["SRV003"]
    assert report.finding("SRV003")["fix"]["applicability"] == "manual"
    return incident


def test_recorded_crash_with_retries_is_one_incident(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path)
    home.model("e500:latest")
    home.openclaw([entry("e500")], primary="ollama/e500", api="ollama").sample_session("session-http500-retries.jsonl")
    report = doctor(home, *M2_ULTRA)
    assert _engine(report, "engine-crash")["attempts"] == 4
    assert report.hardware == "unknown"
    assert "died" in report.sentence


@pytest.mark.parametrize("log", [False, True], ids=["text alone", "log too"])
def test_killed(tmp_path: Path, log: bool) -> None:
    def lines(home: EpisodeHome) -> list:
        said = 'error="llama-server process has terminated: signal: killed"'
        return [
            start("0.31.0"),
            load_c(home.blob),
            slog(at(39), "error loading llama server", said, "ERROR"),
            gin(at(40), 500, "40s", "/api/chat"),
        ]

    home = february(tmp_path, [Call(NOON, 40, error=KILLED)], log=lines if log else None)
    incident = doctor(home, *(() if log else M2_ULTRA)).only
    assert incident["cause"] in {"engine-crash", "out-of-memory"}
    assert incident["findings"] == ["SRV003"]


def test_a_crash_at_the_very_second_of_the_wall(tmp_path: Path) -> None:
    """The log says that the engine died; that a wall was due as well must not turn it into a timeout."""

    def lines(home: EpisodeHome) -> list:
        died = 'Post \\"http://127.0.0.1:53121/completion\\": EOF'
        return [*era_b(home), slog(at(300), f"llm predict error: {died}", "", "ERROR"), gin(at(301), 500, "5m1s")]

    call = Call(NOON, 301.9, error="fetch failed", text=long_text(140_000))
    report = doctor(february(tmp_path, [call], log=lines))
    _engine(report, "engine-crash")
    assert report.finding("CTX001")["severity"] == "degrades", "longer than the window, but that is not why it died"


def test_out_of_memory_although_it_should_fit(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, [Call(NOON, 3, error=OOM)]), *M2_ULTRA)
    incident = _engine(report, "out-of-memory")
    assert "should have fitted" in " ".join(incident["reasons"])
    assert report.hardware == "unknown"


def test_out_of_memory_that_the_arithmetic_confirms(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, [Call(NOON, 3, error=OOM)]), "--machine", "rtx-4090")
    incident = _engine(report, "out-of-memory")
    assert "arithmetic agrees" in " ".join(incident["reasons"])
    assert incident["calculation"]["result"] < 0
    assert "MEM004" in report.codes
    value, set_by, kind = report.binding()
    assert (set_by, kind) == ("machine", "physical")
    assert value < LABEL
    assert report.hardware == "not-needed", "a shorter context holds what was asked"


def test_out_of_memory_where_nothing_would_fit(tmp_path: Path) -> None:
    """Prompts of 120,000 tokens on a card of 12 GiB and 16 GiB of main memory: not even a q8_0 cache helps."""

    def lines(home: EpisodeHome) -> list:
        card = start(total="12.0 GiB", system="16.0 GiB", chip="NVIDIA GeForce RTX 3060", library="CUDA", tier=4096)
        return [card, load_b(home.blob)]

    calls = [Call(NOON, 3, input=120_000, error=OOM)]
    report = doctor(february(tmp_path, calls, log=lines))
    assert report.only["cause"] == "out-of-memory"
    assert report.hardware in {"needed", "would-help"}


def test_a_load_that_stalls(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, [Call(NOON, 300.5, error=STALLED)], log=lambda h: [start()]))
    assert report.only["cause"] == "load-exceeds-wall"
    assert report.only["findings"] == ["TIM005"]
    assert report.only["calculation"]["result"] == pytest.approx(0.5)


def test_a_stalled_load_in_the_log_is_no_clients_timeout(tmp_path: Path) -> None:
    """500 after 5m0s: with the stall beside it, it is OLLAMA_LOAD_TIMEOUT and not the client."""

    def lines(home: EpisodeHome) -> list:
        cmd = f'cmd="ollama runner --ollama-engine --model /x/{home.blob} --port 1"'
        said = 'error="timed out waiting for llama runner to start - progress 0.42 - "'
        return [
            start(),
            slog(NOON, "starting runner", cmd),
            slog(at(300), "error loading llama server", said),
            gin(at(300), 500, "5m0s", "/api/chat"),
        ]

    report = doctor(february(tmp_path, log=lines))
    assert report.only["cause"] == "load-exceeds-wall"


def test_a_slow_load_that_ate_the_wall(tmp_path: Path) -> None:
    call = Call(NOON, 301.9, error="fetch failed", text="hello")

    def lines(home: EpisodeHome) -> list:
        left = "client connection closed before server finished loading, aborting load"
        return [start(), load_b(home.blob)[:2], slog(at(301.8), left), gin(at(301.9), 499, "5m1s", "/api/chat")]

    report = doctor(february(tmp_path, [call], log=lines))
    assert report.only["cause"] == "load-exceeds-wall"
    assert report.only["findings"] == ["TIM005"]


def test_a_dead_engine_changes_no_plan(tmp_path: Path) -> None:
    """What the fix then does is about the label; it must not claim to mend the crash."""
    home = february(tmp_path, [Call(NOON, 40, error=KILLED)])
    assert doctor(home, *M2_ULTRA).finding("CTX001")["incidents"] == []
    assert fix(home, *M2_ULTRA)["applicability"] == "safe"


def test_a_setting_that_the_engine_refuses(tmp_path: Path) -> None:
    """A quantised V cache without flash attention: the engine's own words are told, nothing else is blamed."""
    from support.server_log_text import LLAMA_LOGS

    log = LLAMA_LOGS / "xllamacpp_b11549_quantised_V_without_FA_error.log"
    report = doctor(EpisodeHome(tmp_path), "--log", str(log))
    assert report.only["cause"] == "engine-crash"
    assert "quantized V cache requires" in " ".join(report.only["reasons"])
    assert "not a matter of the configuration" not in " ".join(report.only["reasons"])
    assert "a fault of the engine or its driver" not in report.finding("SRV003")["message"]
