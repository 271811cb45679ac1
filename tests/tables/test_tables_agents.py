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
    (first,) = claude.timeouts
    assert (first.bounds, first.seconds.value, first.seconds.basis) == ("headers", 360.5, Basis.MEASURED)
    assert "Claude Code 2.1.330" in first.seconds.where
    assert claude.attempts.value == 11
    assert found["codex"].timeouts == ()
    assert [timer.bounds for timer in found["qwen-code"].timeouts] == ["headers", "request"]
    assert found["roo-code"].timeouts[0].seconds.basis is Basis.SPECIFIED


@pytest.mark.parametrize(
    ("key", "value"), [("first_byte_s", 0), ("attempts", 1.5), ("idle_s", 3), ("first_byte_s", 1e9), ("name", "")]
)
def test_a_row_that_cannot_be_is_refused_by_key(key: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"id": "pi", "name": "Pi", "version": "1", "source": "measured: so", key: value}
    monkeypatch.setattr(files, "row", lambda *_: {"agent": [row]})
    with pytest.raises(TableError, match=key):
        agents.agent_defaults()
