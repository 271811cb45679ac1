"""The real agents, as ``tests/real/run`` brings them: how each is told of a model server and asked without a screen."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripted_script import MODEL, WINDOW, Served, Touch
from scripted_wire import Tool

ROOT = os.environ.get("TRUELIMIT_REAL_AGENTS", "")
# Nothing but the loopback address: no telemetry, no updates, no titles or lists of models from elsewhere.
QUIET = {
    "DO_NOT_TRACK": "1", "NO_COLOR": "1", "CI": "1", "TERM": "dumb", "LANG": "C.UTF-8", "NO_UPDATE_NOTIFIER": "1",
    "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent. ``tool`` says a touch of a file in its words; ``prepare`` writes what it needs into its home.

    ``ask``: the words of its command line for a message, the second and later ones of a session going on with it.
    ``sides``: whether it writes down the calls that it makes for itself.
    """

    name: str
    program: str
    tool: Callable[[Touch], tuple[str, dict[str, Any]]]
    prepare: Callable[[Path, Path, str], dict[str, str]]
    ask: Callable[[str, bool], list[str]]
    sides: bool = False
    tells_first_token: str = "none"
    together: Callable[[list[Tool]], list[Tool]] = lambda tools: tools

    @property
    def path(self) -> Path:
        """Return its program's file."""
        return Path(ROOT) / self.name / "node_modules" / ".bin" / self.program

    def words(self, item: Served) -> list[Tool]:
        """Return the tool calls of an answer as this agent knows them."""
        calls = zip(item.told, item.reply.touches, strict=True)
        return self.together([(key, *self.tool(touch)) for key, touch in calls])


@dataclass(frozen=True, slots=True)
class Home:
    """An agent at work in a home and a folder of its own."""

    agent: Agent
    home: Path
    work: Path
    variables: dict[str, str]

    def ask(self, message: str, *, goes_on: bool, seconds: float = 60) -> tuple[int | None, str]:
        """Let it do a turn and return its status (None: killed after so many seconds) and all that it said."""
        process = subprocess.Popen(
            [str(self.agent.path), *self.agent.ask(message, goes_on)],
            env=self.environment(), cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            said, _ = process.communicate()
            return None, said
        _end(process)
        return process.returncode, said

    def environment(self) -> dict[str, str]:
        """Return the variables: nothing that the user's own agents go by."""
        bins = (Path(ROOT) / "node" / "node_modules" / ".bin", self.agent.path.parent)
        path = os.pathsep.join([*map(str, bins), os.environ.get("PATH", "")])
        kept = {key: os.environ[key] for key in ("TMPDIR", "SYSTEMROOT") if key in os.environ}
        return {**kept, **QUIET, "HOME": str(self.home), "PATH": path, **self.variables}


def _end(process: subprocess.Popen[str]) -> None:
    """Leave nothing behind that it started."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def settled(agent: Agent, home: Path, work: Path, url: str) -> Home:
    """Return an agent in a new home that asks the server at ``url``, working in a folder with files a.py to h.py."""
    work.mkdir(parents=True)
    home.mkdir(parents=True, exist_ok=True)
    for letter in "abcdefgh":
        (work / f"{letter}.py").write_text(f"before = '{letter}'\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(work)], check=False)
    return Home(agent, home, work, agent.prepare(home, work, url))


def _named(
    keys: tuple[str, str, str, str], names: tuple[str, str, str]
) -> Callable[[Touch], tuple[str, dict[str, Any]]]:
    """Return the usual three tools by their keys (path, old, new, content) and names (read, edit, write)."""
    path, old, new, content = keys

    def tool(touch: Touch) -> tuple[str, dict[str, Any]]:
        given = {
            "read": {},
            "edit": {old: "before", new: "after"},
            "write": {content: "written = 1\n"},
        }[touch.what]
        return names[("read", "edit", "write").index(touch.what)], {path: touch.path, **given}

    return tool


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def _claude(home: Path, work: Path, url: str) -> dict[str, str]:
    _ = home, work
    models = ("ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL")
    return {
        "ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "x", **dict.fromkeys(models, MODEL),
        "ANTHROPIC_MODEL": MODEL, "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(WINDOW),
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "8192",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1", "CLAUDE_CODE_MAX_RETRIES": "1",
    }  # fmt: skip


def _ask_claude(message: str, goes_on: bool) -> list[str]:
    more = ["--continue"] if goes_on else []
    return ["-p", *more, "--permission-mode", "acceptEdits", "--strict-mcp-config", message]


AGENTS = (
    Agent(
        "claude-code", "claude",
        _named(("file_path", "old_string", "new_string", "content"), ("Read", "Edit", "Write")),
        _claude, _ask_claude,
    ),
)  # fmt: skip
