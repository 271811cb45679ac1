"""Codex, Qwen Code and Pi: exact records of recorded sessions, and what their formats are known to do."""

from __future__ import annotations

from typing import Any

import pytest

from support.work_records import AGENTS, brief, context, folded, jsonl, of_file
from truelimit.adapters.work.codex import Codex
from truelimit.adapters.work.pi import Pi
from truelimit.adapters.work.qwen_code import QwenCode
from truelimit.domain.workload import Ending, WorkClass

MODEL = "qwen3-coder:30b-v-128k"
OVERFLOWN = (146_760, None, None, None)

CASES: list[tuple[type, str, list[tuple[object, ...]]]] = [
    (Codex, "codex/rollout-ok", [(MODEL, "21:01:59", 9_892, None, 12, 0.537, 0.567, "done")]),
    (Codex, "codex/rollout-no-window-set", [(MODEL, "21:02:35", 9_898, None, 12, 0.244, 0.251, "done")]),
    (
        Codex,
        "codex/rollout-overflow-recognised",
        [("ovf-openai", "21:02:38", None, None, None, None, 0.656, "overflow")],
    ),
    (
        Codex,
        "codex/rollout-overflow-vllm-unrecognised",
        [("ovf-vllm", "21:02:40", *OVERFLOWN, 0.217, "overflow")],
    ),
    (
        Codex,
        "codex/rollout-idle-timeout",
        [
            ("idle", "21:02:34", None, None, None, None, 300.792, "timed-out"),
            ("idle", "21:07:34", None, None, None, None, 300.334, "timed-out"),
            ("idle", "21:12:35", None, None, None, None, 300.426, "timed-out"),
            ("idle", "21:17:35", None, None, None, None, 300.947, "timed-out"),
            ("idle", "21:22:36", None, None, None, None, 301.681, "timed-out"),
        ],
    ),
    (
        QwenCode,
        "qwen-code/chat-ok",
        [
            (MODEL, "21:06:36", 15_068, None, 12, 1.505, 1.529, "done"),
            (MODEL, "21:06:38", 11_075, None, 12, 0.244, 0.247, "done"),
        ],
    ),
    (
        QwenCode,
        "qwen-code/chat-unknown-model",
        [
            ("unknown-model", "21:06:46", 15_051, None, 12, 0.493, 0.636, "done"),
            ("unknown-model", "21:06:46", 11_072, None, 12, 0.294, 0.297, "done"),
        ],
    ),
    (QwenCode, "qwen-code/chat-overflow", [("ovf-llamacpp", "21:06:57", *OVERFLOWN, 0.846, "overflow")]),
    (
        QwenCode,
        "qwen-code/chat-hang",
        [
            ("hang", at, None, None, None, None, took, "timed-out")
            for at, took in (
                ("21:08:01", 483.817),
                ("21:16:06", 483.398),
                ("21:24:13", 483.241),
                ("21:32:23", 483.352),
            )
        ],
    ),
    (
        QwenCode,
        "qwen-code/chat-idle",
        [
            ("idle", at, None, None, None, None, took, "timed-out")
            for at, took in (
                ("21:08:00", 240.966),
                ("21:12:02", 240.018),
                ("21:16:04", 240.037),
                ("21:20:07", 240.017),
            )
        ],
    ),
    (Pi, "pi/session-qwen3-coder_30b-v-128k", [(MODEL, "21:05:39", 1_390, None, 12, None, 0.257, "done")]),
    (Pi, "pi/session-nolimit", [("nolimit", "21:05:42", 1_386, None, 12, None, 0.494, "done")]),
    (Pi, "pi/session-idle", [("idle", "21:07:52", 1_387, None, 12, None, 1501.269, "done")]),
    (Pi, "pi/session-ovf-llamacpp", [("ovf-llamacpp", "21:05:47", *OVERFLOWN, 0.344, "overflow")]),
    (Pi, "pi/session-ovf-lmstudio", [("ovf-lmstudio", "21:05:51", *OVERFLOWN, 0.455, "overflow")]),
]


@pytest.mark.parametrize(("fold", "name", "expected"), CASES, ids=[name for _, name, _ in CASES])
def test_recorded_sessions(fold: type, name: str, expected: list[tuple[object, ...]]) -> None:
    items = of_file(fold, AGENTS / f"{name}.jsonl")
    assert list(map(brief, items)) == expected
    assert all(item.turn is not None and item.workspace is not None for item in items)


def test_silent_attempts_of_codex_and_errors_of_qwen_repeat_the_first() -> None:
    for fold, name in ((Codex, "codex/rollout-idle-timeout"), (QwenCode, "qwen-code/chat-hang")):
        first, *others = of_file(fold, AGENTS / f"{name}.jsonl")
        assert first.retry_of is None
        assert {item.retry_of for item in others} == {first.id}


def test_the_memory_extractor_is_a_side_call() -> None:
    main, helper = of_file(QwenCode, AGENTS / "qwen-code" / "chat-ok.jsonl")
    assert (main.work_class, helper.work_class) == (WorkClass.UNKNOWN, WorkClass.SIDE_CALL)
    assert main.session != helper.session
    assert main.turn == helper.turn


# Codex


def event(at: str, kind: str, **payload: Any) -> dict[str, Any]:
    return line(at, "event_msg", type=kind, **payload)


def line(at: str, kind: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-02-18T10:{at}.000Z", "type": kind, "payload": payload}


def count(at: str, prompt: int, cached: int, output: int, total: int) -> dict[str, Any]:
    last = {"input_tokens": prompt, "cached_input_tokens": cached, "output_tokens": output}
    whole = {"input_tokens": total, "output_tokens": output, "total_tokens": total + output}
    return event(at, "token_count", info={"last_token_usage": last, "total_token_usage": whole})


OLDER = [
    line("00:00", "session_meta", id="t", cwd="/p", source="cli"),
    line("00:00", "turn_context", model="gpt", cwd="/p"),
    event("00:01", "user_message", message="do it"),
]


def test_older_codex_tells_counts_in_events_and_repeats_them() -> None:
    lines = jsonl(
        *OLDER,
        line("00:05", "response_item", type="function_call", name="shell", arguments='{"command":["cat","a.py"]}'),
        count("00:06", 100, 0, 5, 100),
        count("00:06", 100, 0, 5, 100),
        line("00:07", "response_item", type="function_call_output", output="x"),
        line("00:09", "response_item", type="custom_tool_call", name="apply_patch", input="*** Update File: b.py\n"),
        count("00:10", 150, 90, 6, 250),
    )
    first, second = folded(Codex(context()), lines)
    assert (first.prompt_tokens, first.cached_tokens, first.duration, first.files_read) == (100, None, 5.0, 1)
    assert (second.prompt_tokens, second.cached_tokens, second.new_tokens) == (150, 90, 60)
    assert (second.duration, second.files_read, second.files_edited) == (3.0, 1, 1)
    assert first.turn == second.turn


def test_counts_without_a_sum_are_told_apart_by_their_time() -> None:
    bare = [event(at, "token_count", info={"last_token_usage": {"input_tokens": 100}}) for at in ("00:06", "00:09")]
    assert len(folded(Codex(context()), jsonl(*OLDER, *bare))) == 2


def test_a_turn_that_a_person_broke_off_had_one_more_call_unless_it_was_answered() -> None:
    waiting = jsonl(*OLDER, event("00:20", "turn_aborted", reason="interrupted"))
    (item,) = folded(Codex(context()), waiting)
    assert (item.ending, item.duration) == (Ending.CANCELLED, 19.0)
    answered = jsonl(*OLDER, count("00:10", 100, 0, 5, 100), event("00:20", "turn_aborted", reason="interrupted"))
    (item,) = folded(Codex(context()), answered)
    assert item.ending is Ending.DONE


def test_an_empty_count_at_another_time_is_no_attempt() -> None:
    assert folded(Codex(context()), jsonl(*OLDER, event("00:20", "token_count", info=None))) == []


def test_a_sub_agent_of_codex_is_a_side_call() -> None:
    meta = line("00:00", "session_meta", id="t", cwd="/p", source={"subagent": "review"})
    (item,) = folded(Codex(context()), jsonl(meta, *OLDER[1:], count("00:10", 100, 0, 5, 100)))
    assert item.work_class is WorkClass.SIDE_CALL


# Qwen Code


def test_tool_calls_of_qwen_come_after_their_call() -> None:
    base = {"sessionId": "s", "cwd": "/p", "version": "0.24.4"}
    usage = {"event.name": "qwen-code.api_response", "event.timestamp": "2026-02-18T10:00:05Z", "duration_ms": 4000}
    usage |= {"model": "m", "input_token_count": 100, "output_token_count": 5, "cached_content_token_count": 60}
    call = {"functionCall": {"name": "write_file", "args": {"file_path": "/p/a"}}}
    at = {"timestamp": "2026-02-18T10:00:00Z"}
    lines = jsonl(
        {"uuid": "1", **at, **base, "type": "user", "provenance": "real_user", "message": {"parts": [{"text": "x"}]}},
        {"uuid": "2", **at, **base, "type": "system", "systemPayload": {"uiEvent": usage}},
        {"uuid": "3", **at, **base, "type": "assistant", "message": {"parts": [call]}},
    )
    (item,) = folded(QwenCode(context()), lines)
    assert (item.prompt_tokens, item.cached_tokens, item.new_tokens, item.files_edited) == (100, 60, 40, 1)


# Pi


def message(at: str, key: str, role: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": key, "timestamp": f"2026-02-18T10:{at}Z", "message": {"role": role, **more}}


def test_pi_counts_the_cache_beside_the_input() -> None:
    call = {"type": "toolCall", "id": "c", "name": "edit", "arguments": {"path": "a.py"}}
    usage = {"input": 10, "output": 5, "cacheRead": 100, "cacheWrite": 20}
    lines = jsonl(
        {"type": "session", "version": 3, "id": "s", "timestamp": "2026-02-18T10:00:00Z", "cwd": "/p"},
        message("00:00", "1", "user", content="x"),
        message("00:09", "2", "assistant", content=[call], usage=usage, stopReason="toolUse", model="m"),
        message("00:12", "3", "toolResult", content=[{"type": "text", "text": "x"}]),
        message("00:20", "4", "assistant", content=[], usage=usage, stopReason="aborted", model="m"),
    )
    first, second = folded(Pi(context()), lines)
    assert (first.prompt_tokens, first.cached_tokens, first.new_tokens, first.files_edited) == (130, 100, 30, 1)
    assert (second.ending, second.duration) == (Ending.CANCELLED, 8.0)


def test_the_absence_of_a_person_is_no_duration_of_pi() -> None:
    usage = {"input": 10, "output": 5}
    asked = {"timestamp": "2026-02-18T10:50:00Z"}  # an extension asked: no message of the user came before
    lines = jsonl(
        {"type": "session", "version": 3, "id": "s", "timestamp": "2026-02-18T10:00:00Z", "cwd": "/p"},
        message("00:00", "1", "user", content="x"),
        message("00:09", "2", "assistant", content=[], usage=usage, stopReason="stop", model="m"),
        message("50:03", "3", "assistant", content=[], usage=usage, stopReason="stop", model="m", **asked),
    )
    assert [item.duration for item in folded(Pi(context()), lines)] == [9.0, 3.0]
