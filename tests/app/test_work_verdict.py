"""The verdict on the bundled incident, and on a history of which a fifth edits many files."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.app.doctor import diagnose_views, views
from truelimit.app.examine import Given
from truelimit.app.ports import Places
from truelimit.app.replay_stacks import elsewhere
from truelimit.app.work_of_calls import requests_of, with_incidents
from truelimit.app.work_options import Offered
from truelimit.app.work_verdict import Asked, NoWorkError, main_view, work_verdict
from truelimit.cli.plan_model import estimator
from truelimit.cli.wiring import gather
from truelimit.domain.agent import AgentSetting, OtherAgents
from truelimit.domain.calculation import evaluate
from truelimit.domain.cloud import CloudModel, DatedPrices, PriceTier
from truelimit.domain.facts import Facts
from truelimit.domain.machine import UNKNOWN_MACHINE
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.set_by import SetBy
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.limits.view import StackView
from truelimit.report.as_text import render
from truelimit.report.verdict_document import blocks, to_json
from truelimit.tables.agents import agent_defaults
from truelimit.tables.identify import identified
from truelimit.tables.loader import published_rates
from truelimit.tables.machines import entry
from truelimit.units import Seconds, Tokens
from truelimit.workload.columns import AGENTS
from truelimit.workload.options import Result
from truelimit.workload.verdict import WorkVerdict

MODEL = "ollama/qwen3-coder-30b:v-128k"
ON = date(2026, 11, 1)
DAY = date(2026, 2, 18)
START = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)
MILLION = Known(Tokens(1_000_000), "a test", Basis.SPECIFIED)
TIER = PriceTier(Tokens(0), 1.0, 0.1, 4.0)
CLOUD = CloudModel(
    "big", "maker", "Big", "2026-10-01", "a test", (), MILLION, None, (DatedPrices(None, (TIER,), "a test"),)
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    home = tmp_path_factory.mktemp("demo")
    stage(home)
    places = Places(home=home, isolated=True, environment={})
    return gather(places, Given(published=published_rates(), live=False), 1.0)


@pytest.fixture(scope="module")
def seen(facts: Facts) -> StackView:
    (found,) = views(facts)
    return found


def asked(
    facts: Facts, seen: StackView, requests: list[WorkRequest], *, clouds: tuple[CloudModel, ...] = (CLOUD,)
) -> Asked:
    stack = replace(seen.stack, machine=identified(seen.machine), estimator=estimator())
    machines = (entry("dgx-spark"), entry("mac-studio-m3-ultra-512"))
    findings = diagnose_views(facts, (seen,)).findings
    return Asked(tuple(requests), seen, stack, findings, Offered(machines, clouds, ON))


def of_the_day(seen: StackView) -> list[WorkRequest]:
    """The requests of the incident's own conversation."""
    return [item for item in requests_of([seen]) if item.time is not None and item.time.date() == DAY]


def by_id(found: WorkVerdict) -> dict[str, Result]:
    return {item.option.id: item for item in found.results}


def test_the_incident_the_fix_is_free_first_and_hardware_changes_little(facts: Facts, seen: StackView) -> None:
    found = work_verdict(asked(facts, seen, of_the_day(seen)))
    told = by_id(found)
    assert re.match(r"(Run truelimit fix|Do this) first, it is free\b.*: 3 of 3 requests ", found.sentence)
    assert "no hardware completes more than that" in found.sentence
    assert "bought without the fix, no machine completes more than today" in found.sentence
    assert "the tail of 1 request is a question of routing" in found.sentence
    assert (told["nothing"].done.value, told["nothing"].timed_out.value) == (2, 1)
    assert (told["fix"].done.low, told["fix"].done.high) == (2, 3), "three attempts of 300 s hardly read the prompt"
    assert told["by-hand"].done.low == 3
    assert told["dgx-spark"].unlocks.value == 0
    spark = told["dgx-spark"].done_as_is
    assert spark is not None
    assert spark.high == 2, "the label cuts the prompt on any machine"
    assert not told["gateway"].option.shipped


def test_the_recorded_stack_gives_what_was_recorded(facts: Facts, seen: StackView) -> None:
    found = work_verdict(asked(facts, seen, of_the_day(seen))).validation
    assert found is not None
    assert (found.judged, found.agreed) == (3, 3)
    assert found.median is not None
    assert found.median < 0.35


def test_every_calculation_is_what_its_terms_give(facts: Facts, seen: StackView) -> None:
    found = work_verdict(asked(facts, seen, of_the_day(seen)))
    assert any(item.unit == "s" for item in found.calculations), "how long the longest prompt is read"
    for item in found.calculations:
        assert evaluate(item.formula, {term.name: term.value for term in item.terms}) == item.result


def history(*, private: bool | None = False) -> list[WorkRequest]:
    """Two weeks of ten turns a day: eight edits of few files, two of many, whose prompts no local window holds."""
    found = []
    for day in range(14):
        for number in range(10):
            many = number in {4, 9}
            at = START + timedelta(days=day, minutes=30 * number)
            found.append(
                WorkRequest(
                    f"{day}-{number}", "test", "openclaw", f"s{day}-{number}", MODEL, at,
                    Tokens(300_000 if many else 9_000 + 4_000 * number), output_tokens=Tokens(300),
                    work_class=WorkClass.EDIT_MANY if many else WorkClass.EDIT_FEW, private=private,
                )
            )  # fmt: skip
    return found


def test_the_tail_of_many_files_is_a_question_of_routing(facts: Facts, seen: StackView) -> None:
    found = work_verdict(asked(facts, seen, history()))
    told = by_id(found)
    assert (found.tail, found.tail_many) == (28, 28)
    assert told["cloud-big"].done.value == 140
    assert told["cloud-big"].unlocks.value == 28
    assert all(told[name].done.high <= 112 for name in ("nothing", "fix", "dgx-spark", "mac-studio-m3-ultra-512"))
    assert "(28 of them edits of 5 or more files) is a question of routing: the big ones to Big, for " in found.sentence
    assert (found.tail_private, found.tail_unsaid) == (0, 0)
    # 28 prompts of 300,000 tokens and 300 written, over 13.19 days, at 1 and 4 USD a million
    weeks = (13 * 86400 + 9 * 1800) / (7 * 86400)
    assert told["cloud-big"].usd_month == pytest.approx(28 * (0.3 + 0.0012) / weeks * 52 / 12, rel=1e-3)


def test_private_work_stays_and_unknown_privacy_is_an_interval(facts: Facts, seen: StackView) -> None:
    private = work_verdict(asked(facts, seen, history(private=True)))
    route = by_id(private)["cloud"]
    assert route.option.idle == "nothing to route: all 28 big requests are private and stay here"
    assert route.option.legs == ()
    assert "cloud-big" not in by_id(private)
    assert "all of it is private and stays here" in private.sentence
    unknown = work_verdict(asked(facts, seen, history(private=None)))
    assert by_id(unknown)["cloud-big"].done.value <= 112
    assert by_id(unknown)["cloud-big"].done.high == 140
    assert "the big ones to Big, if they may leave the house, for " in unknown.sentence
    assert any(item.fact == "privacy" for item in unknown.unknown)


def test_work_without_big_requests_has_nothing_to_route(facts: Facts, seen: StackView) -> None:
    small = [item for item in history() if item.work_class is WorkClass.EDIT_FEW]
    found = work_verdict(asked(facts, seen, small))
    told = by_id(found)
    idle = [item.option.id for item in found.results if item.option.idle]
    assert idle[0] == "cloud"
    assert all(name.startswith("beside-") for name in idle[1:])
    assert len(idle) == 2
    assert "nothing to route: no request edits 5 or more files" in told["cloud"].option.idle
    assert found.sentence.endswith("nothing is left to route.")
    lines = render(blocks(found), 140, False)
    assert "a cloud route (nothing to route)" in lines
    data = json.loads(to_json(found))
    row = next(item for item in data["options"] if item["id"] == "cloud")
    assert row["nothing_to_route"].startswith("nothing to route")
    assert row["requests"] is None


def test_a_route_tells_where_unknown_privacy_enters(facts: Facts, seen: StackView) -> None:
    notes = by_id(work_verdict(asked(facts, seen, history(private=None))))["cloud-big"].option.notes
    assert notes[0].startswith("of 28 big requests nobody said whether they may leave the house")


def test_the_parts_of_the_sentence_are_the_sentence(facts: Facts, seen: StackView) -> None:
    found = work_verdict(asked(facts, seen, history()))
    assert found.sentence == "; ".join(found.parts) + "."


def test_the_private_ones_of_the_tail_stay_and_the_others_go(facts: Facts, seen: StackView) -> None:
    mixed = [replace(item, private=item.id.endswith("-4")) for item in history()]  # half of the tail
    found = work_verdict(asked(facts, seen, mixed))
    route = by_id(found)["cloud-big"]
    assert (found.tail, found.tail_private, found.tail_unsaid) == (28, 14, 0)
    assert route.done.high == 126
    assert route.done.low < 126, "at the slow end the next ones wait for what the server still reads of those"
    assert route.truncated.value + route.overflow.value + route.timed_out.value >= 14, "they stay where they fail"
    assert by_id(work_verdict(asked(facts, seen, history())))["cloud-big"].usd_month == pytest.approx(
        2 * (route.usd_month or 0.0)
    )
    assert "; 14 private ones stay here." in found.sentence


def test_the_class_of_a_turn_is_that_of_all_its_calls(facts: Facts, seen: StackView) -> None:
    """The store keeps what each call had touched so far: the verdict classes the whole turn, as workload does."""
    turns = [
        replace(item, turn=f"t{number // 5}", files_edited=number % 5 + 1, work_class=WorkClass.UNKNOWN)
        for number, item in enumerate(history()[:20])
    ]
    found = work_verdict(asked(facts, seen, turns))
    assert found.tail_many == 20


def test_a_cloud_without_price_window_or_life_is_named(facts: Facts, seen: StackView) -> None:
    clouds = (replace(CLOUD, id="priceless", prices=()), replace(CLOUD, id="boundless", context=None))
    found = work_verdict(asked(facts, seen, history(), clouds=clouds))
    assert {item.why for item in found.unknown} >= {
        "priceless: its prices are not known",
        "boundless: its window is not known",
    }
    assert by_id(found)["cloud-priceless"].option.legs == ()


def test_one_request_gets_an_answer_that_says_how_little_it_is(facts: Facts, seen: StackView) -> None:
    found = work_verdict(asked(facts, seen, history()[:1]))
    assert found.sentence.startswith("Change nothing: the one request completes")
    assert any("1 request is recorded" in item.why for item in found.unknown)


def test_nothing_to_replay_says_what_to_do(facts: Facts, seen: StackView) -> None:
    with pytest.raises(NoWorkError, match="no request is recorded: truelimit workload"):
        work_verdict(asked(facts, seen, []))
    sizeless = [replace(item, prompt_tokens=None) for item in history()[:3]]
    with pytest.raises(NoWorkError, match="no recorded request tells the size of its prompt"):
        work_verdict(asked(facts, seen, sizeless))


def test_a_stack_whose_rates_nobody_knows_is_named(facts: Facts, seen: StackView) -> None:
    made = asked(facts, seen, history())
    bare = replace(elsewhere(made.stack, UNKNOWN_MACHINE), estimator=None, published=())
    found = work_verdict(replace(made, stack=bare, offered=Offered(on=ON)))
    assert found.sentence.startswith("Nothing can be said of today's stack, as this is not known: ")
    assert "how fast it reads a prompt" in found.sentence
    assert found.validation is None


def test_the_stack_is_that_of_the_model_most_used(seen: StackView) -> None:
    assert main_view([seen], history()) is seen
    assert main_view([seen], [], "qwen3-coder-30b:v-128k") is seen
    with pytest.raises(NoWorkError, match=r"'other' is no model of a local stack here; there are: ollama/qwen3"):
        main_view([seen], [], "other")
    with pytest.raises(NoWorkError, match="no local stack was found"):
        main_view([], [])


def test_an_incident_tells_the_size_and_end_that_a_transcript_does_not(seen: StackView) -> None:
    bare = [replace(item, ending=Ending.UNKNOWN) for item in of_the_day(seen)]
    assert bare[2].prompt_tokens is None, "a size that is assumed is no record"
    found = with_incidents(bare, [seen])
    assert (found[2].prompt_tokens, found[2].ending) == (146_760, Ending.TIMED_OUT)
    assert [item.ending for item in found[:2]] == [Ending.UNKNOWN, Ending.UNKNOWN]


def test_the_staged_home_is_left_as_it_was(tmp_path: Path) -> None:
    stage(tmp_path)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    gather(Places(home=tmp_path, isolated=True, environment={}), Given(live=False), 1.0)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_work_of_other_models_is_named_and_not_replayed(facts: Facts, seen: StackView) -> None:
    others = [replace(item, id=f"o{n}", session="x", model="no-such-9000") for n, item in enumerate(history()[:7])]
    found = work_verdict(asked(facts, seen, [*history(), *others]))
    assert found.requests == len(history())
    (told,) = [item for item in found.unknown if "no-such-9000 7" in item.fact]
    assert "not replayed" in told.why
    every = work_verdict(replace(asked(facts, seen, [*history(), *others]), every=True))
    assert every.requests == len(history()) + 7
    alone = work_verdict(asked(facts, seen, others))
    assert any("as if this stack had been asked" in item.why for item in alone.unknown)


def test_a_clock_that_jumped_stretches_no_week(facts: Facts, seen: StackView) -> None:
    usual = work_verdict(asked(facts, seen, history()))
    jumped = [replace(history()[0], id="j1", session="j", time=datetime(1970, 1, 2, tzinfo=UTC)),
              replace(history()[1], id="j2", session="j", time=datetime(2036, 1, 1, tzinfo=UTC))]  # fmt: skip
    found = work_verdict(asked(facts, seen, [*history(), *jumped]))
    assert found.weeks == pytest.approx(usual.weeks)
    assert any("a clock was wrong" in item.why for item in found.unknown)
    assert not any("a clock was wrong" in item.why for item in usual.unknown)


def test_answers_of_unknown_length_count_as_the_usual_one(facts: Facts, seen: StackView) -> None:
    silent = [replace(item, output_tokens=None) for item in history()]
    found, told = work_verdict(asked(facts, seen, silent)), work_verdict(asked(facts, seen, history()))
    assert any(f"each counts as {400:,} tokens" in item.why for item in found.unknown)
    before, after = (by_id(item)["nothing"].hours_week.value for item in (told, found))
    assert after > 0.5 * before, "a request that completes writes something"


def by_others(made: Asked, *settings: AgentSetting, unread: tuple[Missing, ...] = ()) -> Asked:
    """Return what is asked with what is known of other agents than the stack's own."""
    return replace(made, agents=OtherAgents(agent_defaults(), settings, unread))


def by_agent(agent: str, *, first_token: float | None = None) -> list[WorkRequest]:
    """Two conversations that were each read for longer than most agents wait."""
    return [
        WorkRequest(
            f"r{day}", agent, agent, f"s{day}", MODEL, START + timedelta(days=day), Tokens(125_000),
            output_tokens=Tokens(300), first_token=None if first_token is None else Seconds(first_token), private=True,
        )
        for day in range(2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "wall"), [("qwen-code", 120.0), ("opencode", 300.0), ("claude-code", 360.5), ("codex", math.inf)]
)
def test_another_agent_gives_up_at_its_own_walls(facts: Facts, seen: StackView, agent: str, wall: float) -> None:
    found = work_verdict(by_others(asked(facts, seen, by_agent(agent), clouds=())))
    (stack,) = (leg.stack for leg in by_id(found)["fix"].option.legs)
    reads = stack.prefill_a * 125_000 + stack.prefill_b * 125_000**2 / 2
    timers = [timer for item in agent_defaults() for timer in item.timers if item.agent == agent]
    attempts = timers[0].attempts.value
    done = reads <= wall * (attempts if stack.resumes else 1)
    assert by_id(found)["fix"].done.value == 2 * done
    waits = [item.why for item in found.unknown if str(item.fact).startswith("how long")]
    assert len(waits) == (wall < math.inf)
    assert not waits or f"{wall:g} s without a byte" in waits[0]
    if wall < math.inf:
        assert by_id(found)["gateway"].done.value == 2, "bytes come while the prompt is read"


def test_a_request_that_outlived_a_timer_shows_that_it_was_raised(facts: Facts, seen: StackView) -> None:
    found = work_verdict(by_others(asked(facts, seen, by_agent("qwen-code", first_token=130.0), clouds=())))
    assert not [item for item in found.unknown if str(item.fact).startswith("how long")]
    assert by_id(found)["fix"].done.value == 2


def test_a_timer_that_is_set_stands_in_place_of_the_default(facts: Facts, seen: StackView) -> None:
    where = "opencode.json: provider.ollama.options.headerTimeout (line 7)"
    longer = Known(Seconds(1_800.0), where, Basis.SPECIFIED)
    setting = AgentSetting("opencode", "http://127.0.0.1:11434/v1", "headerTimeout", "headers", longer)
    unread = Missing("settings of Pi", "settings.json, line 3: a comma")
    found = work_verdict(by_others(asked(facts, seen, by_agent("opencode"), clouds=()), setting, unread=(unread,)))
    (stack,) = (leg.stack for leg in by_id(found)["fix"].option.legs)
    wall = stack.agents[AGENTS.index("opencode")]
    assert (wall.first, wall.where, wall.set_by) == (1_800.0, where, SetBy.AGENT_CONFIG)
    assert by_id(found)["fix"].done.value == 2
    assert not [item for item in found.unknown if str(item.fact).startswith("how long")], "it is known"
    assert unread in found.unknown
