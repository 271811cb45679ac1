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

import psutil
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
    ``unwritten``: prompts that it writes nowhere;
    ``tells_overflow``: whether it always keeps how long a prompt was that was too long. ``resumes``: whether a turn may
    go on with the session of the one before; else each is a session. ``early``: seconds by which a record may begin
    before the server saw the request.
    """

    name: str
    program: str
    tool: Callable[[Touch], tuple[str, dict[str, Any]]]
    prepare: Callable[[Path, Path, str], dict[str, str]]
    ask: Callable[[str, bool], list[str]]
    unwritten: tuple[int, ...] = ()
    tells_overflow: bool = True
    early: float = 0.4
    resumes: bool = True

    @property
    def path(self) -> Path:
        """Return its program's file."""
        return Path(ROOT) / self.name / "node_modules" / ".bin" / self.program

    def words(self, item: Served) -> list[Tool]:
        """Return the tool calls of an answer as this agent knows them."""
        calls = zip(item.told, item.reply.touches, strict=True)
        return [(key, *self.tool(touch)) for key, touch in calls]


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


def end_all(home: Path) -> None:
    """End what agents started in a home to outlive them (Cline leaves a hub behind in a session of its own)."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("HOME") == str(home):
                process.kill()


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


def _openai_model(window: int) -> dict[str, Any]:
    return {"id": MODEL, "name": MODEL, "contextWindow": window, "maxTokens": 8_192}


def _pi(home: Path, work: Path, url: str) -> dict[str, str]:
    _ = work
    provider = {
        "baseUrl": f"{url}/v1", "apiKey": "x", "api": "openai-completions", "models": [_openai_model(WINDOW)],
    }  # fmt: skip
    _write(home / ".pi" / "agent" / "models.json", {"providers": {"scripted": provider}})
    return {"PI_OFFLINE": "1"}


def _ask_pi(message: str, goes_on: bool) -> list[str]:
    more = ["--continue"] if goes_on else []
    return ["-p", *more, "--offline", "--provider", "scripted", "--model", MODEL, message]


def _pi_tool(touch: Touch) -> tuple[str, dict[str, Any]]:
    name, given = _named(("path", "old", "new", "content"), ("read", "edit", "write"))(touch)
    if touch.what == "edit":
        given = {"path": touch.path, "edits": [{"oldText": "before", "newText": "after"}]}
    return name, given


def _qwen(home: Path, work: Path, url: str) -> dict[str, str]:
    _ = work
    model = {
        "id": MODEL, "baseUrl": f"{url}/v1", "envKey": "SCRIPTED_KEY",
        "generationConfig": {"contextWindowSize": WINDOW, "maxRetries": 0},
    }  # fmt: skip
    settings = {
        "modelProviders": {"openai": [model]}, "security": {"auth": {"selectedType": "openai"}},
        "model": {"name": MODEL}, "privacy": {"usageStatisticsEnabled": False}, "general": {"disableAutoUpdate": True},
    }  # fmt: skip
    _write(home / ".qwen" / "settings.json", settings)
    return {"SCRIPTED_KEY": "x", "OPENAI_API_KEY": "x", "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": MODEL}


def _ask_qwen(message: str, goes_on: bool) -> list[str]:
    more = ["--continue"] if goes_on else []
    return [*more, "--yolo", "--auth-type", "openai", "-m", MODEL, "-p", message]


def _opencode(home: Path, work: Path, url: str) -> dict[str, str]:
    _ = work
    provider = {
        "npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{url}/v1", "apiKey": "x"},
        "models": {MODEL: {"name": MODEL, "limit": {"context": WINDOW, "output": 8_192}}},
    }  # fmt: skip
    config = {
        "provider": {"scripted": provider}, "model": f"scripted/{MODEL}", "small_model": f"scripted/{MODEL}",
        "autoupdate": False, "share": "disabled", "permission": {"edit": "allow", "bash": "allow"},
    }  # fmt: skip
    _write(home / ".config" / "opencode" / "opencode.json", config)
    return {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}


def _ask_opencode(message: str, goes_on: bool) -> list[str]:
    more = ["--continue"] if goes_on else []
    return ["run", *more, "-m", f"scripted/{MODEL}", message]


def _codex(home: Path, work: Path, url: str) -> dict[str, str]:
    text = (
        f'model = "{MODEL}"\nmodel_provider = "scripted"\nmodel_context_window = {WINDOW}\n'
        f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{url}/v1"\nwire_api = "responses"\n'
        "request_max_retries = 0\nstream_max_retries = 0\n"
        f'[projects."{work}"]\ntrust_level = "trusted"\n'
    )
    _write(home / ".codex" / "config.toml", text)
    return {"CODEX_HOME": str(home / ".codex")}


def _ask_codex(message: str, goes_on: bool) -> list[str]:
    safe = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
    return ["exec", *safe, *(["resume", "--last"] if goes_on else []), message]


def _codex_tool(touch: Touch) -> tuple[str, dict[str, Any]]:
    if touch.what == "read":
        return "exec_command", {"cmd": f"cat {touch.path}"}
    letter, change = Path(touch.path).stem, f"*** Add File: {touch.path}\n+written = 1\n"
    if touch.what == "edit":
        change = f"*** Update File: {touch.path}\n@@\n-before = '{letter}'\n+after = '{letter}'\n"
    return "exec_command", {"cmd": f"apply_patch <<'EOF'\n*** Begin Patch\n{change}*** End Patch\nEOF\n"}


def _cline(home: Path, work: Path, url: str) -> dict[str, str]:
    _ = work
    provider = {
        "settings": {
            "provider": "openai-compatible", "apiKey": "x", "model": MODEL, "contextWindow": WINDOW,
            "baseUrl": f"{url}/v1",
        },
        "updatedAt": "2026-11-22T21:24:56.744Z", "tokenSource": "manual",
    }  # fmt: skip
    known = {"version": 1, "lastUsedProvider": "openai-compatible", "modes": {}}
    _write(
        home / ".cline" / "data" / "settings" / "providers.json",
        {**known, "providers": {"openai-compatible": provider}},
    )
    return {"CLINE_TELEMETRY_DISABLED": "1"}


def _ask_cline(message: str, goes_on: bool) -> list[str]:
    _ = goes_on
    return ["-P", "openai-compatible", "-m", MODEL, message]


def _cline_tool(touch: Touch) -> tuple[str, dict[str, Any]]:
    if touch.what == "read":
        return "read_files", {"files": [{"path": touch.path}]}
    if touch.what == "write":
        return "editor", {"path": touch.path, "new_text": "written = 1\n"}
    return "editor", {"path": touch.path, "old_text": "before", "new_text": "after"}


AGENTS = (
    Agent(
        "claude-code", "claude",
        _named(("file_path", "old_string", "new_string", "content"), ("Read", "Edit", "Write")),
        _claude, _ask_claude,
    ),
    # It ends with its compaction when it is asked without a screen: what the model answers then is written nowhere.
    Agent("pi", "pi", _pi_tool, _pi, _ask_pi, unwritten=(9_900,)),
    Agent(
        "qwen-code", "qwen",
        _named(("file_path", "old_string", "new_string", "content"), ("read_file", "edit", "write_file")),
        _qwen, _ask_qwen,
    ),
    Agent(
        "opencode", "opencode", _named(("filePath", "oldString", "newString", "content"), ("read", "edit", "write")),
        _opencode, _ask_opencode, tells_overflow=False,
        early=5.0,  # its log can lose the line that tells when it asked: then a call began with its answer's row
    ),
    Agent("codex", "codex", _codex_tool, _codex, _ask_codex),
    # It goes on with a session in a terminal of its own alone.
    Agent("cline", "cline", _cline_tool, _cline, _ask_cline, resumes=False),
)  # fmt: skip
