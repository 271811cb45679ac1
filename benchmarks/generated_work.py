"""Transcripts as agents write them, of a wanted size: shares of bytes as in real sessions, texts of letters.

A Claude Code step is an answer of two lines (text, then a tool call) and a tool's result; a Codex step is reasoning, a
call, its output and two lines of counts. Results of tools are most of the bytes, of which a few are large.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

_BEGAN = datetime(2026, 2, 1, tzinfo=UTC)
_WORDS = ("def", "return", "value", '"quoted"', "path\\name", "für", "x = 1\n", "    ", "# note\n", "self.state", "0.5")
_TURN = 12  # steps


def claude_code(path: Path, megabytes: float, seed: int = 1) -> int:
    """Write a session of Claude Code; return how many answers are in it."""
    chance, written, steps = random.Random(seed), 0, 0
    with path.open("w", encoding="utf-8") as stream:
        while written < megabytes * 1e6:
            for value in _claude_step(chance, path.stem, steps):
                line = json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"
                written += stream.write(line)
            steps += 1
    return steps


def codex(path: Path, megabytes: float, seed: int = 2) -> int:
    """Write a rollout of Codex; return how many answers are in it."""
    chance, written, steps = random.Random(seed), 0, 0
    with path.open("w", encoding="utf-8") as stream:
        meta = {"id": path.stem, "cwd": "/home/user/project", "source": "cli"}
        written += stream.write(_line(_BEGAN, "session_meta", meta))
        while written < megabytes * 1e6:
            for at, kind, payload in _codex_step(chance, steps):
                written += stream.write(_line(at, kind, payload))
            steps += 1
    return steps


def _claude_step(chance: random.Random, session: str, step: int) -> list[dict[str, object]]:
    at = _BEGAN + timedelta(seconds=30 * step)
    common = {"isSidechain": False, "userType": "external", "cwd": "/home/user/project", "sessionId": session}
    rest = {"version": "2.1.330", "gitBranch": "main"}
    usage = {
        "input_tokens": 12,
        "cache_creation_input_tokens": 900,
        "cache_read_input_tokens": 20_000 + 50 * step % 90_000,
        "output_tokens": 300,
    }
    answer = {
        "id": f"msg_{session}_{step}",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": None,
        "usage": usage,
    }
    edit = {
        "file_path": f"/home/user/project/file{step % 40}.py",
        "old_string": text(chance, 300),
        "new_string": text(chance, 600),
    }
    tool = {"type": "tool_use", "id": f"t{step}", "name": ("Read", "Edit", "Bash")[step % 3], "input": edit}
    result = text(chance, 60_000 if chance.random() < 0.05 else chance.randrange(200, 6_000))
    lines: list[dict[str, object]] = []
    if step % _TURN == 0:
        lines.append(
            {
                "parentUuid": None,
                **common,
                "type": "user",
                "message": {"role": "user", "content": text(chance, 400)},
                "uuid": f"u{session}{step}",
                "timestamp": _iso(at),
                **rest,
            }
        )
    for part, seconds in (({"type": "text", "text": text(chance, 500)}, 8), (tool, 9)):
        lines.append(
            {
                "parentUuid": f"r{session}{step - 1}",
                **common,
                **rest,
                "message": {**answer, "content": [part]},
                "requestId": f"req{step}",
                "type": "assistant",
                "uuid": f"a{session}{step}{seconds}",
                "timestamp": _iso(at + timedelta(seconds=seconds)),
            }
        )
    lines.append(
        {
            "parentUuid": f"a{session}{step}9",
            **common,
            **rest,
            "type": "user",
            "message": {
                "role": "user",
                "content": [{"tool_use_id": f"t{step}", "type": "tool_result", "content": result}],
            },
            "uuid": f"r{session}{step}",
            "timestamp": _iso(at + timedelta(seconds=12)),
            "toolUseResult": {"stdout": result, "stderr": "", "interrupted": False},
        }
    )
    return lines


def _codex_step(chance: random.Random, step: int) -> list[tuple[datetime, str, dict[str, object]]]:
    at = _BEGAN + timedelta(seconds=30 * step)
    usage = {
        "input_tokens": 20_000 + 50 * step % 90_000,
        "cached_input_tokens": 19_000,
        "output_tokens": 300,
        "total_tokens": 0,
    }
    whole = {"input_tokens": 20_000 * step, "output_tokens": 300 * step, "total_tokens": 20_300 * (step + 1)}
    result = text(chance, 60_000 if chance.random() < 0.05 else chance.randrange(200, 6_000))
    lines: list[tuple[datetime, str, dict[str, object]]] = []
    if step % _TURN == 0:
        lines.append((at, "event_msg", {"type": "task_started", "turn_id": f"turn{step}"}))
        lines.append((at, "event_msg", {"type": "user_message", "message": text(chance, 400)}))
    lines += [
        (at, "response_item", {"type": "reasoning", "summary": [], "encrypted_content": text(chance, 1_500)}),
        (
            at,
            "response_item",
            {
                "type": "function_call",
                "name": "shell",
                "arguments": json.dumps({"command": ["bash", "-lc", f"cat file{step % 40}.py"]}),
                "call_id": f"c{step}",
            },
        ),
        (
            at + timedelta(seconds=9),
            "event_msg",
            {
                "type": "token_count",
                "info": {"total_token_usage": whole, "last_token_usage": usage, "model_context_window": 258_400},
            },
        ),
        (
            at + timedelta(seconds=12),
            "response_item",
            {"type": "function_call_output", "call_id": f"c{step}", "output": result},
        ),
    ]
    return lines


def _line(at: datetime, kind: str, payload: dict[str, object]) -> str:
    value = {"timestamp": _iso(at), "type": kind, "payload": payload}
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text(chance: random.Random, size: int) -> str:
    """Return a text of about so many characters."""
    piece = " ".join(chance.choices(_WORDS, k=40))
    return (piece * (size // len(piece) + 1))[:size]
