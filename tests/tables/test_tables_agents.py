"""When agents give up by themselves: a table with versions and sources, for each agent that a replay tells apart."""

from __future__ import annotations

import pytest

from truelimit.domain.provenance import Basis
from truelimit.tables import agents, files
from truelimit.tables.agents import agent_defaults
from truelimit.tables.fields import TableError
from truelimit.workload.columns import AGENTS


def test_each_agent_of_a_replay_has_its_row_and_no_other() -> None:
    assert sorted(item.agent for item in agent_defaults()) == sorted(AGENTS)


def test_the_timers_have_their_version_and_source() -> None:
    found = {item.agent: item for item in agent_defaults()}
    claude = found["claude-code"]
    first = claude.timers[0].timeout
    assert (first.bounds, first.seconds.value, first.seconds.basis) == ("headers", 360.5, Basis.MEASURED)
    assert "Claude Code 2.1.330" in first.seconds.where
    assert [item.attempts.value for item in claude.timers] == [11, 11, 2]
    assert [item.timeout.bounds for item in found["codex"].timers] == ["events"], "none before the headers"
    assert [item.timeout.bounds for item in found["qwen-code"].timers] == ["headers", "events", "request"]
    assert found["roo-code"].timers[0].timeout.seconds.basis is Basis.SPECIFIED


@pytest.mark.parametrize(
    ("key", "value"),
    [("seconds", 0), ("attempts", 1.5), ("idle_s", 3), ("seconds", 1e9), ("name", ""), ("bounds", "idle")],
)
def test_a_timer_that_cannot_be_is_refused_by_key(key: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    timer = {"name": "t", "bounds": "headers", "seconds": 5, "attempts": 1, "source": "measured: so", key: value}
    row = {"id": "pi", "name": "Pi", "version": "1", "timer": [timer]}
    monkeypatch.setattr(files, "row", lambda *_: {"agent": [row]})
    with pytest.raises(TableError, match=key):
        agents.agent_defaults()
