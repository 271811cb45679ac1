"""The plot of time shows the walls of every agent that asked: a request is held against its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.app.examine import Given
from truelimit.app.ports import Places
from truelimit.app.report import report
from truelimit.cli.wiring import gather
from truelimit.domain.agent import OtherAgents
from truelimit.domain.facts import Facts
from truelimit.domain.provenance import Basis
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.report.html.page import drawings
from truelimit.report.language import language
from truelimit.tables.agents import agent_defaults
from truelimit.tables.loader import published_rates
from truelimit.units import Seconds, Tokens

MODEL = "qwen3-coder-30b:v-128k"


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    home = tmp_path_factory.mktemp("demo")
    stage(home)
    return gather(Places(home=home, isolated=True, environment={}), Given(published=published_rates(), live=False), 1.0)


def asked(agent: str, model: str = MODEL, first_token: float = 60.0) -> WorkRequest:
    at = datetime(2026, 2, 10, tzinfo=UTC) + timedelta(hours=1)
    return WorkRequest(
        f"{agent}-{model}", agent, agent, "s", model, at, Tokens(20_000), output_tokens=Tokens(300),
        first_token=Seconds(first_token), duration=Seconds(first_token + 5), ending=Ending.DONE,
    )  # fmt: skip


def test_each_agent_that_asked_this_model_has_its_wall(facts: Facts) -> None:
    requests = [
        asked("claude-code"),
        asked("codex"),
        asked("qwen-code", first_token=140.0),
        asked("pi", "another-model"),
    ]
    (stack,) = report(facts, requests=requests, agents=OtherAgents(agent_defaults())).stacks
    names = {item.name for item in agent_defaults()}
    others = {rung.name: rung.value for rung in stack.walls if rung.name in names}
    assert {rung.basis for rung in stack.walls if rung.name in names} == {Basis.MEASURED}
    assert others == {"Claude Code": 360.5}, "Codex has none, Qwen Code's was raised, Pi asked another model"


@pytest.mark.parametrize(("tag", "words"), [("en", "6.0 min: Claude Code<"), ("hi", "6.0 मि॰: Claude Code<")])
def test_the_wall_is_drawn_and_told(facts: Facts, tag: str, words: str) -> None:
    found = report(facts, requests=[asked("claude-code")], agents=OtherAgents(agent_defaults()))
    drawn = next(item for item in drawings(language(tag), found) if "time" in item.name)
    assert words in drawn.file()
