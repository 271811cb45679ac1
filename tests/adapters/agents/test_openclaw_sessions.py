from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from truelimit.adapters.agents.openclaw.session_file import read_session_file
from truelimit.adapters.agents.openclaw.sessions import find_logs, read_sessions
from truelimit.app.ports import Places
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Call, ErrorKind, Outcome, Session

SAMPLES = Path(__file__).parents[2] / "samples" / "openclaw"
FEBRUARY = SAMPLES / "2026.2.17"
SEPTEMBER = SAMPLES / "2026.9.6"


def only(path: Path) -> Session:
    evidence = read_session_file(path)
    assert evidence.missing == ()
    assert len(evidence.sessions) == 1
    return evidence.sessions[0]


def prompt(call: Call) -> tuple[int, Basis]:
    assert call.prompt_tokens is not None
    return call.prompt_tokens.value, call.prompt_tokens.basis


def test_openai_style_call_shows_its_whole_908_seconds() -> None:
    (call,) = only(FEBRUARY / "session-openai-completions-3x300s.jsonl").calls
    assert call.seconds == pytest.approx(908.0, abs=0.1)
    assert (call.provider, call.model, call.api) == ("local", "stall330", "openai-completions")
    assert call.error is not None
    assert (call.error.kind, call.outcome) == (ErrorKind.TIMEOUT, Outcome.ERROR)


def test_native_attempts_are_302_seconds_each_without_the_back_off() -> None:
    calls = only(FEBRUARY / "session-native-ollama-4x300s-fetch-failed.jsonl").calls
    assert [round(call.seconds or 0) for call in calls] == [302, 302, 303, 302]
    assert {call.error.kind for call in calls if call.error} == {ErrorKind.CONNECTION}
    assert calls[-1].ended == datetime(2026, 11, 22, 21, 26, 8, 58000, UTC)


def test_the_message_after_a_prompt_error_did_not_begin_with_the_note() -> None:
    first, second = only(FEBRUARY / "session-native-ollama-600s-abort.jsonl").calls
    assert (first.seconds, second.seconds) == (pytest.approx(302.1, abs=0.1), pytest.approx(296, abs=0.1))
    assert second.error is not None
    assert (second.error.kind, second.error.advice_key) == (ErrorKind.TIMEOUT, "agents.defaults.timeoutSeconds")


def test_retries_after_a_crash_leave_out_2_4_and_8_seconds() -> None:
    calls = only(FEBRUARY / "session-http500-retries.jsonl").calls
    assert len(calls) == 4
    assert all((call.seconds or 9) < 0.1 for call in calls)
    assert {call.error.kind for call in calls if call.error} == {ErrorKind.ENGINE_CRASH}


@pytest.mark.parametrize(
    ("name", "numbers", "misread"),
    [
        ("session-overflow-llama-server", (146_760, 131_072), False),
        ("session-overflow-vllm", (138_568, 131_072), False),
        ("session-overflow-recognised", (None, None), False),
        ("session-overflow-not-recognised", (None, None), True),
    ],
)
def test_overflows(name: str, numbers: tuple[int | None, int | None], misread: bool) -> None:
    (call,) = only(FEBRUARY / f"{name}.jsonl").calls
    assert call.error is not None
    assert call.error.kind is ErrorKind.OVERFLOW
    assert (call.error.prompt, call.error.context) == numbers
    assert call.error.misread is misread
    if numbers[0] is not None:
        assert prompt(call) == (numbers[0], Basis.REPORTED)


def test_answered_calls_carry_usage_and_no_error() -> None:
    calls = only(FEBRUARY / "session-grows-past-window-no-compaction.jsonl").calls
    assert [prompt(call)[0] for call in calls] == [29_353, 50_006, 70_660, 91_301, 111_954]
    assert {(call.outcome, call.error, call.output_tokens) for call in calls} == {(Outcome.DONE, None, 3)}
    assert {call.cached_tokens for call in calls} == {None}  # written as 0 by an api that does not tell


def test_september_rows_and_trajectories() -> None:
    calls = only(SEPTEMBER / "timeout-transcript_events.jsonl").calls
    assert [(call.outcome, call.error.seconds) for call in calls if call.error] == [(Outcome.ABORTED, 300.0)] * 2
    timed = only(SEPTEMBER / "timeout-trajectory.jsonl").calls
    assert [round(call.seconds or 0, 1) for call in timed] == [300.3, 300.1]
    assert {call.error.advice_key for call in timed if call.error} == {"models.providers.<id>.timeoutSeconds"}


def test_a_call_whose_input_is_lost_has_no_start() -> None:
    session = only(SEPTEMBER / "long-session-transcript_events.jsonl")
    assert [call.started for call in session.calls] == [None] * 3
    assert session.compaction_entries == 2


def home(tmp_path: Path) -> Path:
    folder = tmp_path / "agents" / "main" / "sessions"
    folder.mkdir(parents=True)
    shutil.copy(FEBRUARY / "session-grows-past-window-no-compaction.jsonl", folder / "long.jsonl")
    shutil.copy(FEBRUARY / "sessions.json", folder / "sessions.json")
    return tmp_path


def read(state_dir: Path) -> tuple[Session, ...]:
    return read_sessions(state_dir, Places(state_dir, isolated=True)).sessions


def test_counters_of_sessions_json_join_their_transcript(tmp_path: Path) -> None:
    (session,) = read(home(tmp_path))
    assert session.compaction_count is not None
    assert (session.compaction_count.value, session.compaction_entries) == (7, 0)
    assert session.context_tokens is not None
    assert session.context_tokens.value == 65_536
    assert session.context_tokens.where.endswith("sessions.json: agent:main:main.contextTokens")
    assert session.total_tokens is not None
    assert session.total_tokens.value == 70_660


def test_a_session_without_transcript_counts_no_compactions(tmp_path: Path) -> None:
    (home(tmp_path) / "agents/main/sessions/long.jsonl").unlink()
    (session,) = read(tmp_path)
    assert (session.id, session.calls, session.compaction_count) == ("long", (), None)


def test_examined_lists_each_file_with_its_counts(tmp_path: Path) -> None:
    evidence = read_sessions(home(tmp_path), Places(tmp_path, isolated=True))
    assert any("long.jsonl: 5 calls in 14 lines" in text for text in evidence.examined)
    assert any("sessions.json: 1 entries" in text for text in evidence.examined)
    assert evidence.missing == ()


def test_nothing_there_is_nothing_found(tmp_path: Path) -> None:
    evidence = read_sessions(tmp_path / "none", Places(tmp_path, isolated=True))
    assert (evidence.sessions, evidence.missing, evidence.examined) == ((), (), ())


USER = "secret prompt " * 100


def line(kind: str, second: int, **fields: object) -> dict[str, object]:
    stamp = datetime(2026, 2, 18, 10, 0, tzinfo=UTC).timestamp() + second
    text = datetime.fromtimestamp(stamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": kind, "id": f"i{second}", "parentId": None, "timestamp": text, **fields}


def user(second: int, text: str = USER) -> dict[str, object]:
    return line("message", second, message={"role": "user", "content": [{"type": "text", "text": text}]})


def answer(second: int, stop: str = "stop", prompt: int = 0, **more: object) -> dict[str, object]:
    usage = {"input": prompt, "output": 100 if prompt else 0, "cacheRead": 0}
    message = {"role": "assistant", "content": [], "api": "ollama", "provider": "ollama", "model": "m", "usage": usage}
    return line("message", second, message={**message, "stopReason": stop, **more})


def write(tmp_path: Path, lines: list[dict[str, object]], counters: dict[str, object] | None = None) -> Session:
    folder = tmp_path / "agents" / "main" / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(item) + "\n" for item in [line("session", 0, version=3) | {"id": "s"}, *lines])
    (folder / "s.jsonl").write_text(text, encoding="utf-8")
    if counters is not None:
        entry = {"sessionId": "s", "updatedAt": 1_771_408_800_000 + 900_000, **counters}
        (folder / "sessions.json").write_text(json.dumps({"agent:main:main": entry}), encoding="utf-8")
    (session,) = read(tmp_path)
    return session


FAILED = [user(1), answer(10, prompt=90_000), user(20), answer(320, "error", errorMessage="fetch failed")]


def test_a_failed_call_takes_the_fresh_counter_of_the_agent(tmp_path: Path) -> None:
    session = write(tmp_path, FAILED, {"totalTokens": 146_760, "totalTokensFresh": True, "modelOverride": "big"})
    assert prompt(session.calls[1]) == (146_760, Basis.REPORTED)
    assert session.calls[1].prompt_tokens is not None
    assert "sessions.json" in session.calls[1].prompt_tokens.where
    assert session.pinned_model == "big"


@pytest.mark.parametrize(
    "counters",
    [
        {"totalTokens": 90_000},  # the count of the call before
        {"totalTokens": 90_100},  # the same with its answer
        {"totalTokens": 146_760, "totalTokensFresh": False},
        {"totalTokens": 146_760, "updatedAt": 1_771_408_800_000},  # older than the call
        {"totalTokens": "146760"},
        None,
    ],
)
def test_else_the_last_prompt_and_the_text_since(tmp_path: Path, counters: dict[str, object] | None) -> None:
    session = write(tmp_path, FAILED, counters)
    assert prompt(session.calls[1]) == (90_100 + len(USER) // 4, Basis.ASSUMED)


def test_a_first_call_adds_what_the_system_prompt_takes(tmp_path: Path) -> None:
    report = {"systemPrompt": {"chars": 20_000}, "tools": {"schemaChars": 20_000}}
    with_report = write(tmp_path, FAILED[2:], {"systemPromptReport": report})
    assert prompt(with_report.calls[0]) == (10_000 + len(USER) // 4, Basis.ASSUMED)
    without = write(tmp_path, FAILED[2:], {})
    assert prompt(without.calls[0]) == (8_700 + len(USER) // 4, Basis.ASSUMED)


def test_long_inputs_are_measured_only_when_needed_and_then_exactly(tmp_path: Path) -> None:
    text = 'quotes " and \\ and \n and é ' * 1000
    lines = [user(1), answer(10, prompt=90_000), user(20, text), answer(320, "error", errorMessage="fetch failed")]
    assert prompt(write(tmp_path, lines).calls[1]) == (90_100 + len(text) // 4, Basis.ASSUMED)


def test_keys_inside_text_do_not_count(tmp_path: Path) -> None:
    trap = '","role":"assistant","usage":{"input":5},"stopReason":"error","timestamp":"2030-01-01T00:00:00Z"}}'
    lines = [
        user(1, trap * 200),
        answer(10, prompt=7, content=[{"type": "toolCall", "arguments": {"usage": {"input": 1}}}]),
    ]
    (call,) = write(tmp_path, lines).calls
    assert (prompt(call)[0], call.seconds) == (7, 9)


def test_a_clock_that_jumps_back_gives_no_duration(tmp_path: Path) -> None:
    (call,) = write(tmp_path, [user(50), answer(10, prompt=7)]).calls
    assert call.seconds is None


def test_compaction_starts_the_count_anew(tmp_path: Path) -> None:
    lines = [user(1), answer(10, prompt=90_000), line("compaction", 11, summary="x" * 400, tokensBefore=90_100)]
    session = write(tmp_path, [*lines, user(20), answer(320, "error", errorMessage="fetch failed")])
    assert session.compaction_entries == 1
    assert prompt(session.calls[1]) == (8_700 + (400 + len(USER)) // 4, Basis.ASSUMED)


def test_a_fork_does_not_repeat_the_calls_of_its_parent(tmp_path: Path) -> None:
    header = line("session", 15, version=3, parentSession="other") | {"id": "s"}
    session = write(tmp_path, [header, *FAILED])
    assert [call.outcome for call in session.calls] == [Outcome.ERROR]
    assert prompt(session.calls[0]) == (90_100 + len(USER) // 4, Basis.ASSUMED)


def test_a_transcript_put_aside_by_a_reset_is_read(tmp_path: Path) -> None:
    write(tmp_path, FAILED)
    folder = tmp_path / "agents/main/sessions"
    (folder / "s.jsonl").rename(folder / "s.jsonl.reset.2026-02-18T11-15-00.000Z")
    assert [len(session.calls) for session in read(tmp_path)] == [2]


def test_no_text_of_anybody_is_kept(tmp_path: Path) -> None:
    failed = answer(320, "error", errorMessage="500 you said: secret prompt, key sk-12345")
    session = write(tmp_path, [*FAILED[:3], failed], {"totalTokens": 5, "skillsSnapshot": {"prompt": "secret prompt"}})
    assert "secret" not in repr(session)
    assert "sk-1" not in repr(session)


def test_logs_are_looked_for_in_the_state_folder_and_on_this_machine_only_if_allowed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    shutil.copy(FEBRUARY / "log-agent-timeout-300s.jsonl", tmp_path / "logs" / "openclaw-2026-11-22.log")
    isolated = Places(tmp_path, isolated=True)
    assert [path.name for path in find_logs(tmp_path, isolated)] == ["openclaw-2026-11-22.log"]
    assert [session.id for session in read(tmp_path)] == ["f-ollama-stall330-at300"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    evidence = read_session_file(tmp_path / "none.jsonl")
    assert "no such file" in evidence.missing[0].why
    assert "no such file" in read_session_file(tmp_path).missing[0].why


def test_counters_alone_may_be_named(tmp_path: Path) -> None:
    assert {session.id for session in read_session_file(SEPTEMBER / "overflow-session_nodes.json").sessions} == {
        "n-ok",
        "n-ovf-ollama-new",
        "n-ovf-llamacpp",
        "n-silent146760",
        "n-low12000",
        "n-oai-ovf-vllm",
    }
    assert only(FEBRUARY / "sessions.json").id == "long"
