"""OpenClaw's two stores, opencode, Cline, servers' logs and llama-swap: exact records."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from support.openclaw_store import build_store
from support.work_records import AGENTS, SAMPLES, brief, context
from truelimit.adapters.work import cline, llama_swap, openclaw, opencode, opencode_log, server_logs
from truelimit.domain.workload import Ending, WorkClass, WorkRequest

FEBRUARY = SAMPLES / "openclaw" / "2026.2.17"


def read(module: Any, path: Path) -> list[WorkRequest]:
    reading = module.read(path, context(), {})
    assert reading.missing == ()
    return list(reading.requests)


# OpenClaw


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai-completions-3x300s", [("stall330", "21:05:49", None, None, None, None, 908.018, "timed-out")]),
        ("overflow-llama-server", [("ovf-llamacpp", "20:54:22", 146_760, None, None, None, 0.059, "overflow")]),
        ("usage-above-window", [("silent146760", "20:54:53", 146_760, None, 3, None, 0.094, "done")]),
        (
            "native-ollama-4x300s-fetch-failed",
            [
                ("stall330", "21:05:44", None, None, None, None, 302.023, "timed-out"),
                ("stall330", "21:10:48", None, None, None, None, 302.061, "timed-out"),
                ("stall330", "21:15:54", None, None, None, None, 303.021, "timed-out"),
                ("stall330", "21:21:05", None, None, None, None, 302.48, "timed-out"),
            ],
        ),
    ],
)
def test_openclaw_of_february(name: str, expected: list[tuple[object, ...]]) -> None:
    items = read(openclaw, FEBRUARY / f"session-{name}.jsonl")
    assert list(map(brief, items)) == expected
    assert [item.retry_of for item in items] == [None] + [items[0].id] * (len(items) - 1)


@pytest.mark.parametrize("pack", [False, True])
def test_openclaw_of_september(tmp_path: Path, pack: bool) -> None:
    path = tmp_path / "openclaw-agent.sqlite"
    build_store(path, "timeout", pack=pack).close()
    items = [item for item in read(openclaw, path) if item.ending is Ending.TIMED_OUT]
    assert list(map(brief, items)) == [
        ("stall330", "20:58:03", 12_840, None, None, None, 300.337, "timed-out"),
        ("stall330", "21:03:07", 12_840, None, None, None, 300.102, "timed-out"),
    ]
    assert items[1].retry_of == items[0].id
    assert items[0].turn is not None


def test_openclaw_knows_turns_and_files(tmp_path: Path) -> None:
    call = {"type": "toolCall", "id": "c", "name": "edit", "arguments": {"path": "a.py"}}
    usage = {"input": 10, "output": 5, "cacheRead": 0, "cacheWrite": 0}
    base = {"role": "assistant", "model": "m", "provider": "ollama", "api": "ollama", "usage": usage}

    def entry(at: str, key: str, message: dict[str, Any]) -> dict[str, Any]:
        return {"type": "message", "id": key, "parentId": None, "timestamp": f"2026-02-18T10:{at}Z", "message": message}

    lines = [
        {"type": "session", "version": 3, "id": "s", "timestamp": "2026-02-18T10:00:00Z", "cwd": "/p"},
        entry("00:00", "1", {"role": "user", "content": "x"}),
        entry("00:09", "2", {**base, "content": [call], "stopReason": "toolUse"}),
        entry("00:10", "3", {"role": "toolResult", "content": [{"type": "text", "text": "x"}]}),
        entry("00:19", "4", {**base, "content": [], "stopReason": "stop"}),
        entry("01:00", "5", {"role": "user", "content": "y"}),
        entry("01:09", "6", {**base, "content": [], "stopReason": "stop"}),
    ]
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    first, second, third = read(openclaw, path)
    assert [item.files_edited for item in (first, second, third)] == [1, 1, 0]
    assert first.turn == second.turn != third.turn
    assert first.workspace is not None


# opencode


def database(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript((AGENTS / "opencode" / "schema.sql").read_text(encoding="utf-8"))
    for name in names:
        for line in (AGENTS / "opencode" / f"db-rows-{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            put(connection, row["table"], **row["row"])
    connection.commit()
    connection.close()
    return path


def put(connection: sqlite3.Connection, table: str, **row: object) -> None:
    values = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)


def test_opencode_recorded_rows(tmp_path: Path) -> None:
    path = database(tmp_path / "opencode.db", "ok", "overflow", "overflow-unrecognised")
    items = sorted(read(opencode, path), key=lambda item: item.time or 0)
    assert list(map(brief, items)) == [
        ("qwen3-coder:30b-v-128k", "20:48:34", 7_694, None, 12, None, 12.686, "done"),
        ("ovf-vllm", "21:03:39", None, None, None, None, 7.001, "overflow"),
        ("ovf-vllm", "21:03:46", None, None, None, None, 0.446, "overflow"),
        ("ovf-lmstudio", "21:04:30", 146_760, None, None, None, 6.336, "overflow"),
    ]
    assert items[2].work_class is WorkClass.SIDE_CALL
    assert items[1].turn == items[2].turn


def test_opencode_hidden_attempts_stand_before_their_answer(tmp_path: Path) -> None:
    path = database(tmp_path / "opencode.db")
    session = "ses_dfaf07220ffeBVD5vUcLxdv6re"
    connection = sqlite3.connect(path)
    put(connection, "session", id=session, project_id="g", slug="x", directory="/p", title="t", version="1",
        time_created=1, time_updated=1)  # fmt: skip
    rows = {"user": ("u", 1795381260000, {}), "assistant": ("a", 1795381260500, {})}
    tokens = {"input": 100, "output": 5, "reasoning": 2, "cache": {"read": 40, "write": 0}}
    more = {"modelID": "hang", "tokens": tokens, "finish": "stop"}
    for role, (key, at, _) in rows.items():
        data = {"role": role, "time": {"created": at, "completed": 1795382500000}} | (
            more if role == "assistant" else {}
        )
        put(connection, "message", id=key, session_id=session, time_created=at, time_updated=at, data=data)
    connection.commit()
    connection.close()
    log = path.parent / "log"
    log.mkdir()
    text = (AGENTS / "opencode" / "log-header-timeout.txt").read_text(encoding="utf-8")
    (log / "opencode.log").write_text(text, encoding="utf-8")
    *failed, done = read(opencode, path)
    assert [item.ending for item in failed] == [Ending.TIMED_OUT] * 4
    assert [round(item.duration or 0) for item in failed] == [301, 300, 300, 300]
    assert {item.prompt_tokens for item in failed} == {140}  # told by the attempt that was answered
    assert brief(done)[1:6] == ("21:21:36", 140, 40, 7, None)
    assert {item.retry_of for item in (*failed[1:], done)} == {failed[0].id}


def test_opencode_log_alone() -> None:
    folder = AGENTS / "opencode"
    items = read(opencode_log, folder / "log-header-timeout.txt")
    assert [item.ending for item in items] == [Ending.TIMED_OUT] * 4
    silent = read(opencode_log, folder / "log-chunk-timeout.txt")
    assert [(item.ending, item.duration) for item in silent] == [(Ending.TIMED_OUT, 300.0)] * 4
    main, helper = read(opencode_log, folder / "log-overflow.txt")
    assert (main.ending, helper.work_class) == (Ending.OVERFLOW, WorkClass.SIDE_CALL)


def test_opencode_reads_only_sessions_that_changed(tmp_path: Path) -> None:
    path = database(tmp_path / "opencode.db", "ok", "overflow-unrecognised")
    first = opencode.read(path, context(), {})
    assert len(list(first.requests)) == 2
    assert list(opencode.read(path, context(), first.memory).requests) == []
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE message SET time_updated = 9999999999999 WHERE session_id = 'ses_dfafb8076ffeX0gisPHkpfL6Ki'"
    )
    connection.commit()
    connection.close()
    assert len(list(opencode.read(path, context(), first.memory).requests)) == 1


# Cline


def test_cline_recorded_sessions() -> None:
    (item,) = read(cline, AGENTS / "cline" / "session.messages.json")
    assert brief(item) == ("qwen3-coder:30b-v-128k", "21:12:54", 5_450, None, 12, None, 0.158, "done")
    assert item.workspace is not None
    (item,) = read(cline, AGENTS / "cline" / "session-overflow.messages.json")
    assert brief(item) == ("ovf-lmstudio", "21:24:57", None, None, None, None, 0.247, "overflow")


def test_cline_of_the_older_extension(tmp_path: Path) -> None:
    usage = {"tokensIn": 100, "tokensOut": 9, "cacheWrites": 10, "cacheReads": 50}
    edit = {"tool": "editedExistingFile", "path": "a.py"}
    messages = [
        {"ts": 1795381974000, "say": "task", "text": "do it"},
        {"ts": 1795381975000, "say": "api_req_started", "text": json.dumps(usage)},
        {"ts": 1795381979000, "ask": "tool", "text": json.dumps(edit)},
        {"ts": 1795381980000, "say": "api_req_started", "text": json.dumps({"cancelReason": "user_cancelled"})},
    ]
    path = tmp_path / "ui_messages.json"
    path.write_text(json.dumps(messages), encoding="utf-8")
    first, second = read(cline, path)
    assert (first.prompt_tokens, first.cached_tokens, first.duration, first.files_edited) == (160, 50, None, 1)
    assert second.ending is Ending.CANCELLED


# Servers


def test_ollama_logs() -> None:
    items = read(server_logs, SAMPLES / "ollama-logs" / "era_c_0.33.0_composed.log")
    model = "sha256-1194192cf2a1"
    assert list(map(brief, items)) == [
        (model, "18:14:09", 2_750, 0, 2, 52.193, 54.6, "done"),
        (model, "20:00:04", 2_752, 31, None, None, 3.7, "cancelled"),
        (model, "20:05:00", 9_499, None, None, None, 0.012, "overflow"),
        (model, "20:05:00", 1_499, None, None, None, None, "truncated"),
    ]
    cut = [item for item in read(server_logs, SAMPLES / "ollama-logs" / "era_b_0.11.4_debug.log")
           if item.ending is Ending.TRUNCATED]  # fmt: skip
    assert [(item.prompt_tokens, item.cached_tokens, item.new_tokens) for item in cut] == [
        (529, 3, 509),
        (529, 4, 508),
        (1_989, 4, 508),
    ]


def test_llama_server_logs() -> None:
    folder = SAMPLES / "llamacpp" / "logs"
    items = read(server_logs, folder / "llama-server_b10434_disconnects_verbosity4.log")
    assert [brief(item)[2:] for item in items] == [
        (2_750, 0, 2, 52.193, 52.279, "done"),
        (2_752, 31, None, None, None, "cancelled"),
        (2_751, 32, 2, 35.591, 35.721, "done"),
        (2_744, 32, None, None, None, "cancelled"),
    ]
    full = read(server_logs, folder / "llama-server_b10434_unified_kv_exhausted.log")
    assert [item.ending for item in full] == [Ending.OVERFLOW] * 3


def test_llama_swap(tmp_path: Path) -> None:
    path = tmp_path / "swap.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE activity (id INTEGER PRIMARY KEY, ts_created INTEGER, model_id TEXT, resp_status_code INTEGER, "
        "cache_tokens INTEGER, input_tokens INTEGER, output_tokens INTEGER, prompt_per_second REAL, "
        "duration_ms INTEGER, error_msg TEXT)"
    )
    rows = [
        (1, 1795381974, "qwen", 200, 900, 100, 20, 400.0, 5000, ""),
        (2, 1795381990, "qwen", 200, -1, 1200, 30, -1.0, 4000, ""),
        (
            3,
            1795381999,
            "qwen",
            400,
            0,
            0,
            0,
            -1.0,
            20,
            "request (9 tokens) exceeds the available context size (8 tokens)",
        ),
        (4, 1795382999, "qwen", 499, 0, 0, 0, -1.0, 60000, ""),
    ]
    connection.executemany("INSERT INTO activity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    first = llama_swap.read(path, context(), {})
    items = list(first.requests)
    assert [brief(item)[2:] for item in items] == [
        (1_000, 900, 20, 0.25, 5.0, "done"),
        (1_200, None, 30, None, 4.0, "done"),
        (None, None, 0, None, 0.02, "overflow"),
        (None, None, 0, None, 60.0, "cancelled"),
    ]
    assert items[0].new_tokens == 100
    assert list(llama_swap.read(path, context(), first.memory).requests) == []


def test_opencode_of_a_scripted_server(tmp_path: Path) -> None:
    """Steps of less than a second are counted once each, titles are none of them, an overflow without words is one."""
    path = database(tmp_path / "opencode.db", "scripted-1.18.33")
    (path.parent / "log").mkdir()
    text = (AGENTS / "opencode" / "log-scripted-1.18.33.txt").read_text(encoding="utf-8")
    (path.parent / "log" / "opencode.log").write_text(text, encoding="utf-8")
    items = sorted(read(opencode, path), key=lambda item: item.time or 0)
    turns = [item for item in items if item.work_class is not WorkClass.SIDE_CALL]
    assert [(item.prompt_tokens, item.cached_tokens, item.output_tokens, item.ending.value) for item in turns] == [
        (10_100, None, 31, "done"), (10_250, 10_100, 42, "done"), (10_400, 10_250, 53, "done"),
        (10_700, 10_400, 64, "done"), (11_300, 10_700, 75, "done"), (11_900, 11_300, 86, "done"),
        (12_100, 0, 97, "done"), (12_900, 12_100, 108, "done"), (13_800, 12_900, 119, "done"),
        (14_200, 13_800, 130, "done"), (None, None, None, "overflow"), (700, None, 5, "done"),
        (10_050, None, 8_192, "done"),
    ]  # fmt: skip
    assert len({item.turn for item in turns}) == 5, "what opencode asks itself after a compaction begins no turn"
    assert all(0.5 < (item.duration or 0) < 0.8 for item in turns if item.prompt_tokens == 10_100)


def test_cline_asks_itself_to_go_on_after_a_cut() -> None:
    cut, rest = read(cline, AGENTS / "cline" / "session-cut-off-3.0.65.messages.json")
    assert (cut.output_tokens, rest.output_tokens, cut.turn == rest.turn) == (8_192, 75, True)
