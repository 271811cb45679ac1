"""What truelimit reads of an agent's settings is what the agent then does on a server that never answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from mute_server import mute
from scripted_agents import AGENTS, MODEL, Home, end_all, settled
from scripted_turns import message

from truelimit.adapters.agents.settings.read import agent_settings
from truelimit.app.ports import Places
from truelimit.tables.agents import agent_defaults

pytestmark = pytest.mark.real
_NEAR = 0.7  # s: how far a timer's end may be from what it is set to, on a busy machine
_ENDED = 45.0  # s until the agent must have let go, where it does


@dataclass(frozen=True, slots=True)
class Case:
    """A timer of 3 s and how it is set; ``silent``: on which kind of server; ``ends``: the agent lets go by itself."""

    agent: str
    timer: str
    write: Callable[[Home], None]
    silent: bool = True
    ends: bool = True


def _changed(home: Home, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = home.home / name
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    change(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _claude(home: Home) -> None:
    del home.variables["CLAUDE_CODE_MAX_RETRIES"]
    env = {"API_TIMEOUT_MS": "3000", "CLAUDE_CODE_MAX_RETRIES": "1"}
    _changed(home, ".claude/settings.json", lambda content: content.update(env=env))


def _opencode(key: str) -> Callable[[Home], None]:
    def write(home: Home) -> None:
        name = ".config/opencode/opencode.json"
        _changed(home, name, lambda content: content["provider"]["scripted"]["options"].update({key: 3_000}))

    return write


def _qwen(**config: int) -> Callable[[Home], None]:
    def write(home: Home) -> None:
        def change(content: dict[str, Any]) -> None:
            content["modelProviders"]["openai"][0]["generationConfig"].update(config)

        _changed(home, ".qwen/settings.json", change)

    return write


def _pi(home: Home) -> None:
    retry = {"maxRetries": 1, "baseDelayMs": 200, "provider": {"timeoutMs": 3_000, "maxRetries": 0}}
    _changed(home, ".pi/agent/settings.json", lambda content: content.update(retry=retry))


def _codex(home: Home) -> None:
    path = home.home / ".codex" / "config.toml"
    text = path.read_text(encoding="utf-8")
    mine = "stream_max_retries = 1\nstream_idle_timeout_ms = 3000\n"
    path.write_text(text.replace("stream_max_retries = 0\n", mine), encoding="utf-8")


def _cline(home: Home) -> None:
    name = ".cline/data/settings/providers.json"
    url = json.loads((home.home / name).read_text(encoding="utf-8"))["providers"]["openai-compatible"]["settings"]
    settings = {"provider": "ollama", "model": MODEL, "baseUrl": url["baseUrl"].removesuffix("/v1"), "timeout": 3_000}
    entry = {"settings": settings, "updatedAt": "2026-11-22T21:24:56.744Z", "tokenSource": "manual"}
    _changed(home, name, lambda content: content.update(lastUsedProvider="ollama", providers={"ollama": entry}))


CASES = (
    Case("claude-code", "API_TIMEOUT_MS", _claude),
    Case("cline", "timeout", _cline),
    Case("codex", "stream_idle_timeout_ms", _codex, silent=False),
    Case("opencode", "headerTimeout", _opencode("headerTimeout"), ends=False),
    Case("opencode", "timeout", _opencode("timeout")),
    Case("pi", "retry.provider.timeoutMs", _pi),
    Case("qwen-code", "timeout", _qwen(timeout=3_000), ends=False),
    Case("qwen-code", "streamIdleTimeoutMs", _qwen(streamIdleTimeoutMs=3_000), silent=False),
)


def _param(case: Case) -> Any:
    agent = next(item for item in AGENTS if item.name == case.agent)
    missing = pytest.mark.skipif(not agent.path.exists(), reason=f"{agent.name} NOT HAD: {agent.path} is not there")
    return pytest.param(case, id=f"{case.agent}-{case.timer}", marks=missing)


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_a_timer_that_is_set_ends_each_attempt(case: Case, tmp_path: Path) -> None:
    agent = next(item for item in AGENTS if item.name == case.agent)
    if case.agent == "cline":
        agent = replace(agent, ask=lambda text, _: ["-P", "ollama", "-m", MODEL, text])
    with mute(silent=case.silent) as (url, heard):
        home = settled(agent, tmp_path / "home", tmp_path / "work", url)
        case.write(home)
        try:
            status, said = home.ask(message("one"), goes_on=False, seconds=_ENDED if case.ends else 15.0)
        finally:
            end_all(home.home)
    assert heard.lasted, said[-2000:]
    lasted = heard.lasted if case.ends else heard.lasted[:1]
    seconds, attempts = known(home.home, case)
    assert [abs(each - seconds) <= _NEAR for each in lasted] == [True] * len(lasted), heard.lasted
    assert (status is not None) == case.ends, said[-2000:]
    assert not case.ends or len(lasted) == attempts, heard.lasted


def known(home: Path, case: Case) -> tuple[float, int]:
    """Return what is read of the settings: seconds, and attempts as they are set or come with the agent."""
    found, missing = agent_settings(Places(home=home, isolated=True))
    assert missing == ()
    mine = [item for item in found if (item.agent, item.timer) == (case.agent, case.timer)]
    (seconds,) = (item.seconds.value for item in mine if item.seconds is not None)
    timers = [timer for one in agent_defaults() if one.agent == case.agent for timer in one.timers]
    come = [timer.attempts.value for timer in timers if timer.timeout.name == case.timer]
    return seconds, next((item.attempts.value for item in mine if item.attempts), *come or (1,))
