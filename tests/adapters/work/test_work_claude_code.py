"""Claude Code: exact records of recorded sessions, and what its format is known to do."""

from __future__ import annotations

from typing import Any

import pytest

from support.work_records import AGENTS, brief, context, folded, jsonl, of_file
from truelimit.adapters.work.claude_code import ClaudeCode
from truelimit.domain.workload import Ending, WorkClass

FOLDER = AGENTS / "claude-code"
MODEL = "qwen3-coder:30b-v-128k"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ok", [(MODEL, "21:07:50", 12_220, None, 12, None, 2.303, "done")]),
        ("idle", [("idle", "21:08:41", 12_215, None, 12, None, 300.437, "done")]),
        ("overflow-llamacpp", [("unknown", "21:07:57", 146_760, None, None, None, 0.561, "overflow")]),
        ("overflow-openai", [("unknown", "21:08:02", 146_760, None, None, None, 0.212, "overflow")]),
        ("context-cmd", []),
        (
            "hang",
            [
                ("unknown", "21:08:39", None, None, None, None, 361.299, "timed-out"),
                ("unknown", "21:14:41", None, None, None, None, 360.497, "timed-out"),
                ("unknown", "21:20:43", None, None, None, None, 360.778, "timed-out"),
                ("unknown", "21:26:46", None, None, None, None, 360.417, "timed-out"),
                ("unknown", "21:32:50", None, None, None, None, 360.384, "timed-out"),
            ],
        ),
    ],
)
def test_recorded_sessions(name: str, expected: list[tuple[object, ...]]) -> None:
    assert list(map(brief, of_file(ClaudeCode, FOLDER / f"session-{name}.jsonl"))) == expected


def test_a_request_begins_when_it_was_sent_and_is_of_the_model_that_it_asked() -> None:
    """2.1.332 writes an ``api-request``: the server saw it within 0.02 s, and 0.06 to 0.2 s after the input."""
    edits = of_file(ClaudeCode, FOLDER / "session-edits-2.1.332.jsonl")
    assert [(item.prompt_tokens, item.cached_tokens, item.output_tokens, item.duration) for item in edits] == [
        (10_100, None, 31, 0.396), (10_250, 10_100, 42, 0.439), (10_400, 10_250, 53, 0.401),
        (10_700, 10_400, 64, 0.45), (11_300, 10_700, 75, 0.465), (11_900, 11_300, 86, 0.4),
        (12_100, 0, 97, 0.464), (12_900, 12_100, 108, 0.506), (13_800, 12_900, 119, 0.449),
        (14_200, 13_800, 130, 0.411),
    ]  # fmt: skip
    files = [(1, 0), (1, 1), (1, 1), (3, 0), (3, 3), (3, 3), (4, 0), (4, 4), (4, 6), (4, 6)]
    assert [(item.files_read, item.files_edited) for item in edits] == files
    (failed,) = of_file(ClaudeCode, FOLDER / "session-overflow-2.1.332.jsonl")
    assert brief(failed) == ("scripted-30b", "06:44:26", 70_000, None, None, None, 0.526, "overflow")
    cut, rest = of_file(ClaudeCode, FOLDER / "session-cut-off-2.1.332.jsonl")
    assert (cut.output_tokens, rest.output_tokens, cut.turn == rest.turn) == (8_192, 75, True)


def test_attempts_repeat_the_first() -> None:
    first, *others = of_file(ClaudeCode, FOLDER / "session-hang.jsonl")
    assert first.retry_of is None
    assert {item.retry_of for item in others} == {first.id}
    assert len({item.turn for item in (first, *others)}) == 1


def test_no_text_and_no_path_is_in_a_record() -> None:
    for path in FOLDER.glob("*.jsonl"):
        for item in of_file(ClaudeCode, path):
            assert "hello" not in repr(item)
            assert "/home" not in repr(item)


def _common(at: str, uuid: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    base = {"parentUuid": parent, "isSidechain": False, "cwd": "/p", "sessionId": "s", "uuid": uuid}
    return base | {"timestamp": f"2026-02-18T10:{at}.000Z"} | more


def user(at: str, uuid: str, text: str = "do it", **more: Any) -> dict[str, Any]:
    return _common(at, uuid, type="user", message={"role": "user", "content": text}, **more)


def result(at: str, uuid: str, parent: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "tool_result", "tool_use_id": "t", "content": "x" * 50}]
    return _common(at, uuid, parent, type="user", message={"role": "user", "content": content}, **more)


def answer(at: str, uuid: str, parent: str, part: dict[str, Any], **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 5, "output_tokens": 7}
    message = {"id": "m", "role": "assistant", "model": "opus", "content": [part], "stop_reason": None}
    message = message | {"usage": usage | more.pop("usage", {})} | more.pop("message", {})
    return _common(at, uuid, parent, type="assistant", message=message, requestId="r1", **more)


def tool(name: str, **arguments: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t", "name": name, "input": arguments}


TEXT = {"type": "text", "text": "yes"}


def test_lines_of_one_message_are_one_record() -> None:
    lines = jsonl(
        user("00:00", "u"),
        answer("00:05", "a1", "u", TEXT, usage={"output_tokens": 1}),
        answer("00:09", "a2", "a1", tool("Edit", file_path="/p/a.py"), usage={"output_tokens": 40}),
    )
    (item,) = folded(ClaudeCode(context()), lines)
    assert brief(item) == ("opus", "10:00:00", 115, 100, 40, None, 9.0, "done")
    assert (item.new_tokens, item.files_edited, item.files_read) == (15, 1, 0)


def test_files_are_of_the_turn_so_far() -> None:
    other = {"message": {"id": "m2"}}
    lines = jsonl(
        user("00:00", "u"),
        answer("00:05", "a1", "u", tool("Read", file_path="/p/a.py")),
        result("00:06", "r1", "a1"),
        answer("00:09", "a2", "r1", tool("MultiEdit", file_path="/p/b.py"), **other),
        result("00:10", "r2", "a2"),
        answer("00:12", "a3", "r2", tool("Write", file_path="/p/b.py"), message={"id": "m3"}),
        user("01:00", "u2"),
        answer("01:05", "a4", "u2", TEXT, message={"id": "m4"}),
    )
    items = folded(ClaudeCode(context()), lines)
    assert [(item.files_read, item.files_edited) for item in items] == [(1, 0), (1, 1), (1, 1), (0, 0)]
    assert [item.duration for item in items] == [5.0, 3.0, 2.0, 5.0]
    assert len({item.turn for item in items}) == 2


def test_a_success_tells_the_failed_attempts_their_prompt() -> None:
    error = {"formatted": "Request timed out", "connection": {"message": "No data arrived"}, "message": "x"}
    failed = _common("06:00", "e", "u", type="system", subtype="api_error", error=error, retryInMs=1000)
    lines = jsonl(user("00:00", "u"), failed, answer("07:00", "a", "e", TEXT))
    first, second = folded(ClaudeCode(context()), lines)
    assert (first.ending, first.prompt_tokens, first.model) == (Ending.TIMED_OUT, 115, "opus")
    assert (second.retry_of, second.duration) == (first.id, 59.0)


def test_after_a_compaction_another_prompt_follows() -> None:
    overflow = answer("00:03", "e", "u", TEXT, isApiErrorMessage=True, errorDetails="prompt is too long")
    boundary = _common("00:04", "b", type="system", subtype="compact_boundary")
    lines = jsonl(user("00:00", "u"), overflow, boundary, answer("00:30", "a", "b", TEXT))
    first, second = folded(ClaudeCode(context()), lines)
    assert (first.ending, second.retry_of) == (Ending.OVERFLOW, None)


def test_interrupted_while_it_waited_and_while_it_wrote() -> None:
    stop = "[Request interrupted by user]"
    waiting = jsonl(user("00:00", "u"), user("00:20", "i", stop))
    (item,) = folded(ClaudeCode(context()), waiting)
    assert (item.ending, item.duration, item.prompt_tokens) == (Ending.CANCELLED, 20.0, None)
    writing = jsonl(user("00:00", "u"), answer("00:05", "a", "u", TEXT), user("00:20", "i", stop))
    (item,) = folded(ClaudeCode(context()), writing)
    assert (item.ending, item.duration, item.prompt_tokens) == (Ending.CANCELLED, 20.0, 115)
    tools = jsonl(user("00:00", "u"), answer("00:05", "a", "u", TEXT), user("00:20", "i", stop[:-1] + " for tool use]"))
    (item,) = folded(ClaudeCode(context()), tools)
    assert item.ending is Ending.DONE


def test_sub_agents_are_side_calls_and_keep_apart() -> None:
    side = {"isSidechain": True, "agentId": "x"}
    lines = jsonl(
        user("00:00", "u"),
        user("00:01", "su", **side),
        result("00:04", "r", "a0"),
        answer("00:05", "sa", "su", tool("Edit", file_path="/p/z"), **side, message={"id": "m9"}),
        answer("00:06", "a", "r", TEXT),
    )
    helper, main = folded(ClaudeCode(context()), lines)
    assert (helper.work_class, helper.duration, helper.files_edited) == (WorkClass.SIDE_CALL, 4.0, 1)
    assert (main.work_class, main.duration, main.files_edited) == (WorkClass.UNKNOWN, 2.0, 0)
    assert helper.session != main.session


def test_a_result_may_name_its_sub_agent_late_or_not_at_all() -> None:
    side = {"isSidechain": True}
    lines = jsonl(
        user("00:01", "su", **side, agentId="x"),
        answer("00:05", "sa", "su", TEXT, **side, agentId="x"),
        result("00:08", "sr", "sa", **side, toolUseResult={"stdout": "y" * 2_000}, agentId="x"),
        answer("00:10", "sb", "sr", TEXT, **side, agentId="x", message={"id": "m2"}),
    )
    first, second = folded(ClaudeCode(context()), lines)
    assert (first.duration, second.duration, first.session == second.session) == (4.0, 2.0, True)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("qwen/qwen3-coder", "qwen/qwen3-coder"),
        ("hf.co/unsloth/Qwen3:Q4_K_M", "hf.co/unsloth/Qwen3:Q4_K_M"),
        ("/home/me/models/qwen.gguf", "qwen.gguf"),
        ("C:\\models\\qwen.gguf", "qwen.gguf"),
    ],
)
def test_the_path_of_a_model_is_not_kept(told: str, kept: str) -> None:
    lines = jsonl(user("00:00", "u"), answer("00:05", "a", "u", TEXT, message={"model": told}))
    assert [item.model for item in folded(ClaudeCode(context()), lines)] == [kept]


def test_copies_of_a_resumed_session_have_the_same_id() -> None:
    lines = [user("00:00", "u"), answer("00:05", "a", "u", TEXT)]
    (old,) = folded(ClaudeCode(context()), jsonl(*lines))
    (new,) = folded(ClaudeCode(context()), jsonl(*({**line, "sessionId": "s2"} for line in lines)))
    assert (old.id, old.session) != (new.id, new.session)
    assert old.id == new.id


def test_a_clock_that_jumps_back_leaves_no_duration() -> None:
    held = context()
    lines = jsonl(user("30:00", "u"), answer("00:05", "a", "u", TEXT))
    (item,) = folded(ClaudeCode(held), lines)
    assert (item.duration, item.time is not None, held.odd["clock"]) == (None, True, 1)


def test_progress_lines_repeat_a_sub_agent_and_do_not_count() -> None:
    nested = {"message": answer("00:03", "n", "u", TEXT), "type": "agent_progress", "x": {"type": "tool_result"}}
    lines = jsonl(
        user("00:00", "u"),
        _common("00:04", "p", type="progress", data=nested),
        answer("00:05", "a", "u", TEXT),
    )
    (item,) = folded(ClaudeCode(context()), lines)
    assert item.duration == 5.0


def attached(at: str, uuid: str, parent: str) -> dict[str, Any]:
    return _common(at, uuid, parent, type="attachment", attachment={"type": "queued_command", "prompt": "go on"})


def test_the_absence_of_a_person_is_no_duration() -> None:
    """50 minutes pass after an answer, a permission, and a prompt that is no line of its own: none of it is waiting."""
    lines = jsonl(
        user("00:00", "u"),
        answer("00:05", "a1", "u", tool("Bash", command="make")),
        result("50:00", "r1", "a1"),  # somebody allowed it then
        answer("50:04", "a2", "r1", TEXT, message={"id": "m2"}),
        attached("55:00", "q", "a2"),
        answer("55:07", "a3", "q", TEXT, message={"id": "m3"}),
        _common("56:00", "s", "a3", type="system", subtype="stop_hook_summary"),
        answer("59:00", "a4", "s", TEXT, message={"id": "m4"}),
    )
    items = folded(ClaudeCode(context()), lines)
    assert [item.duration for item in items] == [5.0, 4.0, 7.0, None]  # when the last was asked is told nowhere
    assert all(item.time is not None for item in items)


def test_an_error_after_an_absence_has_no_duration_of_it() -> None:
    lines = jsonl(
        user("00:00", "u"),
        answer("00:05", "a1", "u", TEXT),
        answer("59:00", "e", "a1", TEXT, isApiErrorMessage=True, errorDetails="fetch failed"),
    )
    _, failed = folded(ClaudeCode(context()), lines)
    assert (failed.duration, failed.ending) == (None, Ending.CRASHED)


def test_a_tool_that_a_person_refused_later_ended_no_call() -> None:
    refused = "[Request interrupted by user for tool use]"
    lines = jsonl(user("00:00", "u"), answer("00:05", "a", "u", TEXT), user("50:00", "i", refused))
    (item,) = folded(ClaudeCode(context()), lines)
    assert (item.ending, item.duration) == (Ending.DONE, 5.0)
    lines += jsonl(user("51:00", "u2"), answer("51:02", "a2", "u2", TEXT, message={"id": "m2"}))
    assert len({item.turn for item in folded(ClaudeCode(context()), lines)}) == 2
