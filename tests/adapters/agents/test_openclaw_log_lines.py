from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from truelimit.adapters.agents.openclaw.call_merge import merge_calls
from truelimit.adapters.agents.openclaw.log_lines import is_openclaw_log, read_log_file
from truelimit.adapters.agents.openclaw.session_file import read_session_file
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Call, ErrorKind, Session

SAMPLES = Path(__file__).parents[2] / "samples" / "openclaw"
FEBRUARY = SAMPLES / "2026.2.17"
SEPTEMBER = SAMPLES / "2026.9.6"


def sessions(path: Path) -> dict[str, Session]:
    return {session.id: session for session in read_log_file(path).sessions}


def only(path: Path, session: str) -> Call:
    (call,) = sessions(path)[session].calls
    return call


@pytest.mark.parametrize(("name", "seconds"), [("300s", 300.0), ("600s", 600.0)])
def test_february_run_timeout(name: str, seconds: float) -> None:
    ((session, found),) = sessions(FEBRUARY / f"log-agent-timeout-{name}.jsonl").items()
    (call,) = found.calls
    assert session.startswith("f-ollama-stall330")
    assert call.error is not None
    assert (call.error.kind, call.error.seconds, call.seconds) == (ErrorKind.TIMEOUT, seconds, seconds)


def test_february_overflow_names_its_transcript_and_small_windows_their_size() -> None:
    found = sessions(FEBRUARY / "log-overflow-and-small-window.jsonl")
    overflow = found["f-ovf-ollama-old"].calls[0]
    assert overflow.error is not None
    assert (overflow.model, overflow.error.kind) == ("ovf-ollama-old", ErrorKind.OVERFLOW)
    (small,) = found["log-overflow-and-small-window.jsonl"].calls
    assert small.error is not None
    assert (small.model, small.error.kind, small.error.context) == ("tiny", ErrorKind.WINDOW_TOO_SMALL, 8192)


def test_september_attempts_of_a_wall_with_no_line_of_its_own() -> None:
    calls = sessions(SEPTEMBER / "log-openai-compat-first-event-300s.jsonl")["n-oai-bodystall330"].calls
    assert [round(call.seconds or 0) for call in calls] == [301, 300]
    assert [call.prompt_tokens.value for call in calls if call.prompt_tokens] == [12_680, 12_840]
    assert {call.prompt_tokens.basis for call in calls if call.prompt_tokens} == {Basis.DERIVED}


def test_september_fetch_timeout_has_its_limit() -> None:
    first, second = sessions(SEPTEMBER / "log-timeout-300s-two-attempts.jsonl")["n-ollama-stall330-ts300"].calls
    assert second.error is not None
    assert (second.error.seconds, second.seconds) == (300.0, pytest.approx(300, abs=0.01))
    assert first.seconds == pytest.approx(300.6, abs=0.1)


def test_september_errors_count_once_although_three_lines_tell_of_each() -> None:
    found = sessions(SEPTEMBER / "log-overflow-and-errors.jsonl")
    assert {name: len(session.calls) for name, session in found.items()} == {
        "n-ovf-ollama-new": 1,
        "n-ovf-llamacpp": 1,
        "n-e500": 8,
    }
    new = found["n-ovf-ollama-new"].calls[0].error
    assert new is not None
    assert (new.kind, new.misread) == (ErrorKind.OVERFLOW, True)
    old = found["n-ovf-llamacpp"].calls[0]
    assert old.prompt_tokens is not None
    assert (old.prompt_tokens.value, old.prompt_tokens.basis) == (146_760, Basis.REPORTED)


def test_plain_lines_of_a_service_tell_the_same() -> None:
    call = only(SEPTEMBER / "gateway-console.txt", "gw2")
    assert call.error is not None
    assert (call.provider, call.model, call.error.prompt) == ("ollama", "ovf-llamacpp", 146_760)


def test_slow_is_not_failed() -> None:
    evidence = read_log_file(SEPTEMBER / "log-gateway-slow-model.jsonl")
    assert (evidence.sessions, evidence.missing) == ((), ())
    assert "0 failed calls in 60 lines" in evidence.examined[0]


def test_at_info_level_a_retry_still_shows_its_attempt(tmp_path: Path) -> None:
    lines = (SEPTEMBER / "log-openai-compat-first-event-300s.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if json.loads(line)["_meta"]["logLevelName"] != "DEBUG"]
    path = tmp_path / "openclaw.log"
    path.write_text("\n".join(kept), encoding="utf-8")
    (session,) = read_log_file(path).sessions
    assert [(call.model, call.seconds) for call in session.calls] == [("bodystall330", None)] * 2


@pytest.mark.parametrize("text", ["", "time=2026-02-18 level=INFO msg=x\n", '{"a": 1}\n', "[GIN] 2026/02/18\n", "\x00"])
def test_another_programs_log_is_left_to_others(tmp_path: Path, text: str) -> None:
    path = tmp_path / "server.log"
    path.write_text(text, encoding="utf-8")
    assert not is_openclaw_log(path.read_bytes())
    evidence = read_log_file(path)
    assert (evidence.sessions, evidence.missing, evidence.examined) == ((), (), ())


def test_a_log_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert "no such file" in read_log_file(tmp_path / "none.log").missing[0].why


def test_a_fetch_of_something_else_is_no_call(tmp_path: Path) -> None:
    lines = (SEPTEMBER / "log-timeout-300s-two-attempts.jsonl").read_text(encoding="utf-8")
    path = tmp_path / "openclaw.log"
    path.write_text(lines.replace("/api/chat", "/index.html"), encoding="utf-8")
    (session,) = read_log_file(path).sessions
    assert all(call.error is not None and call.error.seconds is None for call in session.calls)


def test_a_damaged_line_is_counted(tmp_path: Path) -> None:
    data = (FEBRUARY / "log-agent-timeout-300s.jsonl").read_bytes()
    path = tmp_path / "openclaw.log"
    path.write_bytes(data + data[:200])
    evidence = read_log_file(path)
    assert "1 failed calls in 2 lines, 1 damaged" in evidence.examined[0]


def test_a_log_line_adds_its_limit_to_the_call_of_the_transcript_and_is_dropped() -> None:
    transcript = read_session_file(FEBRUARY / "session-native-ollama-600s-abort.jsonl").sessions
    log = read_log_file(FEBRUARY / "log-agent-timeout-600s.jsonl").sessions
    (session,) = merge_calls([*log, *transcript])
    assert len(session.calls) == 2
    error = session.calls[1].error
    assert error is not None
    assert (error.kind, error.seconds) == (ErrorKind.TIMEOUT, 600.0)
    assert "session-native" in session.calls[1].where


def test_a_log_line_without_model_takes_that_of_its_session() -> None:
    transcript = read_session_file(FEBRUARY / "session-native-ollama-600s-abort.jsonl").sessions[0]
    (log,) = read_log_file(FEBRUARY / "log-agent-timeout-300s.jsonl").sessions
    call = replace(log.calls[0], session=transcript.id)
    (session,) = merge_calls([transcript, replace(log, id=transcript.id, calls=(call,))])
    assert [item.model for item in session.calls] == ["stall330"] * 3


def test_transcript_trajectory_and_log_of_one_session_count_once() -> None:
    parts = [
        read_session_file(SEPTEMBER / "timeout-trajectory.jsonl"),
        read_log_file(SEPTEMBER / "log-timeout-300s-two-attempts.jsonl"),
        read_session_file(SEPTEMBER / "timeout-transcript_events.jsonl"),
        read_session_file(SEPTEMBER / "timeout-session_nodes.json"),
    ]
    (session,) = merge_calls([item for part in parts for item in part.sessions])
    assert [round(call.seconds or 0, 1) for call in session.calls] == [300.4, 300.1]
    assert [call.prompt_tokens.value for call in session.calls if call.prompt_tokens] == [12_680, 12_840]
    assert session.context_tokens is not None


def test_merging_is_idempotent_and_keeps_order() -> None:
    names = ("log-overflow-and-errors.jsonl", "log-timeout-300s-two-attempts.jsonl")
    once = merge_calls([session for name in names for session in read_log_file(SEPTEMBER / name).sessions])
    assert merge_calls(once) == once
    assert merge_calls([*once, *once]) == once
    for session in once:
        times = [call.ended for call in session.calls if call.ended]
        assert times == sorted(times)


def test_different_sessions_that_end_together_stay_apart() -> None:
    a, b = (read_session_file(FEBRUARY / "session-usage-above-window.jsonl").sessions[0] for _ in range(2))
    other = replace(b, id="other", calls=tuple(replace(call, session="other") for call in b.calls))
    assert [len(session.calls) for session in merge_calls([a, other])] == [1, 1]
