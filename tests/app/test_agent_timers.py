"""Which settings of an agent hold on a stack, and what its timers are then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from truelimit.app.agent_timers import as_set
from truelimit.app.replay_walls import walls_of_agents
from truelimit.domain.agent import AgentDefaults, AgentSetting, AgentTimer, OtherAgents, Timeout
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Server, ServerKind
from truelimit.domain.set_by import SetBy
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload.columns import AGENTS

OLLAMA, LLAMA = "http://127.0.0.1:11434", "http://10.0.0.2:8080"


def known(seconds: float) -> Known[Seconds]:
    return Known(Seconds(seconds), f"file: {seconds:g}", Basis.SPECIFIED)


def timer(name: str, seconds: float, bounds: str = "headers", attempts: int = 4) -> AgentTimer:
    found = Known(attempts, "table", Basis.MEASURED)
    return AgentTimer(Timeout(name, known(seconds), SetBy.AGENT_DEFAULT, bounds), found)


def setting(seconds: float | None, url: str | None = None, **more: Any) -> AgentSetting:
    return AgentSetting("pi", url, "t", "headers", None if seconds is None else known(seconds), **more)


def view(url: str | None = OLLAMA, version: str | None = None, kind: ServerKind = ServerKind.OLLAMA) -> Any:
    """Return as much of a stack's view as is asked for here."""
    told = Known(version, "it says so", Basis.REPORTED) if version else None
    server = Server(kind, "s", url, told)
    return SimpleNamespace(server=server, route=None, stack=SimpleNamespace(model="m:30b"))


def first(settings: tuple[AgentSetting, ...], seen: Any) -> float | None:
    """Return the first timer's seconds, None where it is gone."""
    come = AgentDefaults("pi", "Pi", "1", (timer("t", 600.0),))
    (found,) = as_set(OtherAgents((come,), settings), seen)
    return found.timers[0].timeout.seconds.value if found.timers else None


def test_settings_for_this_server_hold_over_those_for_all() -> None:
    settings = (setting(10.0, f"{OLLAMA}/v1"), setting(20.0, LLAMA), setting(30.0))
    assert first(settings, view(OLLAMA)) == 10.0
    assert first(settings, view(LLAMA)) == 20.0
    assert first(settings, view("http://127.0.0.1:9000")) == 30.0


def test_the_one_provider_near_holds_where_no_address_is_known() -> None:
    away = setting(5.0, "https://api.example.com/v1")
    assert first((setting(10.0, OLLAMA), away), view(None)) == 10.0
    assert first((setting(10.0, OLLAMA), setting(20.0, LLAMA), away), view(None)) == 600.0, "which one is not known"
    assert first((away,), view(None)) == 600.0


def test_a_model_of_its_own_holds_for_that_model_alone() -> None:
    assert first((setting(10.0, model="m:30b"), setting(20.0, model="other")), view()) == 10.0


@pytest.mark.parametrize("name", ["t", "another"])
def test_off_is_none_at_all(name: str) -> None:
    come = AgentDefaults("pi", "Pi", "1", (timer("t", 600.0),))
    off = AgentSetting("pi", None, name, "headers", off=True)
    (found,) = as_set(OtherAgents((come,), (off,)), view())
    assert len(found.timers) == (name != "t")


def test_attempts_alone_leave_the_seconds_and_a_new_timer_tries_once() -> None:
    come = AgentDefaults("pi", "Pi", "1", (timer("t", 600.0),))
    tries = AgentSetting("pi", None, "t", "headers", attempts=Known(2, "file", Basis.SPECIFIED))
    new = AgentSetting("pi", None, "whole", "request", known(900.0))
    nothing = AgentSetting("pi", None, "unknown", "headers", attempts=Known(9, "file", Basis.SPECIFIED))
    (found,) = as_set(OtherAgents((come,), (tries, new, nothing)), view())
    told = [(item.timeout.name, item.timeout.seconds.value, item.attempts.value) for item in found.timers]
    assert told == [("t", 600.0, 2), ("whole", 900.0, 1)]


def test_events_bound_a_prefill_only_where_they_come_before_it() -> None:
    """A new llama-server sends headers and an event at once and then comments; Ollama nothing until the first token."""
    come = AgentDefaults("codex", "Codex", "1", (timer("idle", 300.0, "events", 6),))
    asked = [WorkRequest("r", "codex", "codex", "s", "m", prompt_tokens=Tokens(9), ending=Ending.DONE)]
    place = AGENTS.index("codex")
    new = walls_of_agents(view(LLAMA, "b10434", ServerKind.LLAMA_SERVER), (come,), asked)[place]
    assert (new.first, new.attempts, new.bounds) == (300.0, 6, "events")
    for seen in (view(), view(LLAMA, "b9000", ServerKind.LLAMA_SERVER)):
        assert walls_of_agents(seen, (come,), asked)[place].where == ""


def test_the_attempts_are_those_of_the_timer_that_binds() -> None:
    timers = (timer("headers", 300.0, attempts=6), timer("whole", 200.0, "request", attempts=1))
    asked = [WorkRequest("r", "opencode", "opencode", "s", "m", prompt_tokens=Tokens(9), ending=Ending.DONE)]
    found = walls_of_agents(view(), (AgentDefaults("opencode", "opencode", "1", timers),), asked)
    wall = found[AGENTS.index("opencode")]
    assert (wall.first, wall.total, wall.attempts) == (300.0, 200.0, 1)
