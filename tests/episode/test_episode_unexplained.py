"""What no limit explains is called unexplained; queues and people who left are told for what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.episode_home import BASE, NOON, SAMPLES, Call, EpisodeHome, at
from support.episode_logs import gin, load_b, start
from support.episode_report import doctor
from support.episode_scenes import M2_ULTRA, era_b, february, idle_twice, long_text, september


def test_no_timer_lasts_so_long(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, [Call(NOON, 137, error="fetch failed")]), *M2_ULTRA)
    incident = report.only
    assert (incident["cause"], incident["explained"], incident["findings"]) == ("unexplained", False, ["SRV004"])
    words = " ".join(incident["reasons"])
    assert "137.0 s, which matches no timer" in words
    assert "no log" in words, "where no log was found, a log cannot show that nothing happened"
    assert report.hardware == "unknown"


def test_with_a_log_its_silence_is_told(tmp_path: Path) -> None:
    call = Call(NOON, 137, error="fetch failed")
    report = doctor(february(tmp_path, [call], log=lambda h: [start(), load_b(h.blob), gin(at(137), 500, "2m16s")]))
    assert report.only["cause"] == "unexplained"
    assert "the log shows no crash" in " ".join(report.only["reasons"])


def test_only_the_failure_is_wrong(tmp_path: Path) -> None:
    """Where nothing but the failure is found, the verdict must not begin with: nothing is wrong."""
    report = doctor(september(tmp_path, idle_twice(), provider_more={"timeoutSeconds": 300}), *M2_ULTRA)
    assert report.only["cause"] == "unexplained"
    assert report.sentence.startswith("1 failure is not explained")


@pytest.mark.parametrize("machine", [(), M2_ULTRA], ids=["rate unknown", "rate known"])
def test_twenty_tokens_died_at_the_wall(tmp_path: Path, machine: tuple[str, ...]) -> None:
    report = doctor(february(tmp_path, [Call(NOON, 301.9, input=20, error="fetch failed")]), *machine)
    incident = report.only
    assert (incident["cause"], incident["prompt_tokens"]) == ("unexplained", 20)
    assert "something else kept the server silent" in " ".join(incident["reasons"])


def test_an_answer_that_was_being_written_is_no_prefill(tmp_path: Path) -> None:
    """200 after 5m0s: the client left after the first token, or was content; nothing says that it failed."""
    report = doctor(february(tmp_path, log=lambda h: [*era_b(h), gin(at(300), 200, "5m0s", "/api/chat")]))
    assert report.incidents == []


def test_another_request_held_the_slot(tmp_path: Path) -> None:
    def lines(home: EpisodeHome) -> list:
        long_one = gin(at(295), 200, "9m30s", "/api/chat")
        return [start(), load_b(home.blob, when=at(-600)), long_one, gin(at(301.9), 500, "5m1s", "/api/chat")]

    call = Call(NOON, 301.9, error="fetch failed", text=long_text(11_000))
    incident = doctor(february(tmp_path, [call], log=lines)).only
    assert incident["cause"] == "queue-exceeds-wall"
    assert incident["findings"] == ["TIM005"]
    assert incident["calculation"]["result"] == pytest.approx(295 / 301.9, abs=0.02)


def test_499_while_the_model_was_loaded_is_a_queue(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, log=lambda h: [*era_b(h), gin(at(100), 499, "30.2s", "/api/chat")]))
    assert report.only["cause"] == "queue-exceeds-wall"
    assert "loading" not in report.finding("TIM005")["message"]


def test_499_while_it_was_loading(tmp_path: Path) -> None:
    def lines(home: EpisodeHome) -> list:
        return [start(), load_b(home.blob)[:2], gin(at(30.2), 499, "30.2s", "/api/chat")]

    assert doctor(february(tmp_path, log=lines)).only["cause"] == "load-exceeds-wall"


def test_the_queue_was_full_by_the_log(tmp_path: Path) -> None:
    report = doctor(february(tmp_path, log=lambda h: [*era_b(h), gin(at(100), 503, "1.2ms", "/api/chat")]))
    assert report.only["cause"] == "queue-exceeds-wall"
    assert "queue was full" in report.finding("TIM005")["message"]


def test_the_queue_was_full_by_the_text(tmp_path: Path) -> None:
    said = 'Ollama API error 503: {"error": "server busy, please try again.  maximum pending requests exceeded"}'
    report = doctor(february(tmp_path, [Call(NOON, 0.1, error=said)]))
    assert report.only["cause"] == "queue-exceeds-wall"
    assert report.only["findings"] == ["TIM005"]


@pytest.mark.parametrize("said", ["This operation was aborted", "Request was aborted.", None])
def test_a_person_left(tmp_path: Path, said: str | None) -> None:
    call = Call(NOON, 47, stop="aborted", error=said, text=long_text(140_000))
    report = doctor(february(tmp_path, [call]), *M2_ULTRA)
    incident = report.only
    assert (incident["cause"], incident["findings"]) == ("cancelled", [])
    assert report.finding("CTX001")["severity"] == "degrades", "who leaves is not stopped by a window"
    assert report.hardware == "not-needed"


def test_two_failures_of_two_kinds_are_told_apart(tmp_path: Path) -> None:
    calls = [
        Call(NOON, 137, error="fetch failed"),
        Call(at(1000), 301.9, error="fetch failed", text=long_text(140_000)),
    ]
    report = doctor(february(tmp_path, calls, model=BASE, window=262_144, num_ctx=None), *M2_ULTRA)
    assert [item["cause"] for item in report.incidents] == ["unexplained", "prefill-exceeds-wall"]
    assert report.finding("TIM001")["incidents"] == [report.incidents[1]["id"]]


def test_a_run_timeout_in_the_agents_log_alone(tmp_path: Path) -> None:
    """The timer over a whole run says nothing of what took so long: no prompt, no server, no explanation."""
    log = SAMPLES / "2026.2.17" / "log-agent-timeout-600s.jsonl"
    incident = doctor(EpisodeHome(tmp_path), "--log", str(log)).only
    assert (incident["cause"], incident["attempts"], incident["prompt_tokens"]) == ("unexplained", 1, None)
