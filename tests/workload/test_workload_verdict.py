"""Confusion, routes of several legs, unlocking in order of cost, and the one sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload.confusion import confusion
from truelimit.workload.judge import Money, results, tail
from truelimit.workload.legs import Work, replay_legs, work_of
from truelimit.workload.options import Kind, Leg, Option, Result
from truelimit.workload.stack import Outcome, ReplayStack
from truelimit.workload.verdict import Tail, choose, sentence
from truelimit.workload.verdict_sums import calculations

START = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)
SMALL, LARGE = 10_000, 150_000
SLOW, QUICK = ReplayStack("slow", prefill_a=0.002, first_wall=200), ReplayStack("quick", prefill_a=0.0001)


def request(number: int, prompt: int, **more: object) -> WorkRequest:
    made = WorkRequest(
        str(number),
        "t",
        "a",
        f"s{number}",
        "m",
        START + timedelta(hours=number),
        Tokens(prompt),
        output_tokens=Tokens(0),
    )
    return replace(made, **{"private": False, **more})


def work(*prompts: int, **more: object) -> Work:
    return work_of([request(number, prompt, **more) for number, prompt in enumerate(prompts)])


def option(name: str, kind: Kind, *legs: Leg, **more: object) -> Option:
    return replace(Option(name, name, kind, legs), **more)


def judged(items: Work, *options: Option) -> dict[str, Result]:
    return {item.option.id: item for item in results(items, options, Money(1.0))}


def test_the_matrix_counts_what_was_recorded_against_what_came_of_it() -> None:
    items = [
        request(0, SMALL, ending=Ending.DONE, duration=Seconds(25.0)),
        request(1, LARGE, ending=Ending.TIMED_OUT, duration=Seconds(200.0)),
        request(2, LARGE, ending=Ending.DONE, duration=Seconds(100.0)),
        request(3, SMALL, ending=Ending.CANCELLED),
        request(4, SMALL, prompt_tokens=None, ending=Ending.DONE),
    ]
    whole = work_of(items)
    found = confusion(whole.asked, replay_legs(whole, (Leg(SLOW),)))
    assert (found.judged, found.agreed, found.timed) == (3, 2, 2)
    assert found.accuracy == pytest.approx(2 / 3)
    assert (Ending.DONE, Outcome.TIMED_OUT, 1) in found.counts
    assert (Ending.DONE, Outcome.UNKNOWN, 1) in found.counts
    assert sum(count for _, _, count in found.counts) == 5
    assert found.median == pytest.approx(0.0, abs=1e-6)
    assert found.p90 == pytest.approx(0.2)


def test_nothing_to_compare_is_no_accuracy() -> None:
    whole = work(SMALL)
    found = confusion(whole.asked, replay_legs(whole, (Leg(SLOW),)))
    assert found.accuracy is None
    assert found.median is None


def test_each_leg_is_a_line_of_its_own() -> None:
    turns = [request(0, 100_000, session="a"), request(1, 5_000, session="b"), request(2, 101_000, session="a")]
    whole = work_of([replace(item, time=START + timedelta(seconds=index)) for index, item in enumerate(turns)])
    local = ReplayStack("local", prefill_a=0.001)
    together = replay_legs(whole, (Leg(local),))
    assert together.seconds[1] == pytest.approx(104, abs=1), "it waits for the one before it"
    big = np.array([True, False, True])
    apart = replay_legs(whole, (Leg(local, ~big), Leg(QUICK, big)))
    assert apart.seconds[1] == pytest.approx(5)
    assert apart.cached[2] == 100_000, "its own line remembers it"


def test_what_no_leg_picks_is_unknown() -> None:
    whole = work(SMALL, SMALL)
    found = replay_legs(whole, (Leg(QUICK, np.array([True, False])),))
    assert found.outcome.tolist() == [Outcome.DONE, Outcome.UNKNOWN]


def test_an_option_unlocks_what_nothing_cheaper_completes() -> None:
    whole = work(SMALL, LARGE, LARGE)
    found = judged(
        whole,
        option("dear", Kind.MACHINE, Leg(QUICK), usd_now=5000.0, watts=100.0),
        option("cheap", Kind.MACHINE, Leg(QUICK), usd_now=500.0, watts=100.0),
        option("nothing", Kind.NOTHING, Leg(SLOW)),
        option("later", Kind.GATEWAY, Leg(QUICK), shipped=False),
        option("priceless", Kind.MACHINE, Leg(QUICK), usd_now=None),
    )
    assert list(found) == ["nothing", "later", "cheap", "dear", "priceless"], "in order of cost, unknown ones last"
    assert {name: item.unlocks.value for name, item in found.items()} == {
        "nothing": 1, "later": 2, "cheap": 2, "dear": 0, "priceless": 0,
    }  # fmt: skip


def test_the_interval_of_the_rates_is_that_of_the_counts() -> None:
    near = replace(SLOW, prefill_spread=0.5, first_wall=320)
    item = judged(work(SMALL, LARGE), option("near", Kind.NOTHING, Leg(near)))["near"]
    assert (item.done.low, item.done.value, item.done.high) == (1, 2, 2)
    assert (item.timed_out.low, item.timed_out.value, item.timed_out.high) == (0, 0, 1)
    assert item.share.low == 0.5
    assert item.hours_week.low < item.hours_week.value < item.hours_week.high


def test_a_machine_costs_its_power_while_one_waits_and_a_cloud_its_tokens() -> None:
    cloud = ReplayStack("cloud", usd_per_new=1e-6, slots=9)
    found = judged(
        work(360_000),
        option("box", Kind.MACHINE, Leg(ReplayStack("box", prefill_a=0.01)), usd_now=100.0, watts=1000.0),
        option("cloud", Kind.CLOUD, Leg(cloud)),
        option("nothing", Kind.NOTHING, Leg(ReplayStack("own", prefill_a=0.01)), watts=1000.0),
    )
    assert found["box"].usd_month == pytest.approx(1.0 * 1 * 52 / 12 * 0.30), "1 kW for one hour a week"
    assert found["box"].cost == pytest.approx(100 + found["box"].usd_month * 36)  # type: ignore[operator]
    assert found["cloud"].usd_month == pytest.approx(0.36 * 52 / 12)
    assert found["nothing"].usd_month == 0.0


def test_only_what_goes_to_the_machine_that_is_bought_takes_its_power() -> None:
    whole = work(360_000, 360_000)
    slow = ReplayStack("box", prefill_a=0.01)
    legs = (Leg(slow, np.array([True, False])), Leg(slow, np.array([False, True])))
    found = judged(whole, replace(option("two", Kind.TWO, Leg(slow), watts=1000.0, usd_now=1.0), legs=legs))["two"]
    assert found.hours_week.value == pytest.approx(2.0)
    assert found.bought_week == pytest.approx(1.0)
    assert found.usd_month == pytest.approx(1.0 * 1 * 52 / 12 * 0.30)


def test_a_providers_sum_can_be_redone_with_and_without_its_cache() -> None:
    cloud = ReplayStack("cloud", usd_per_new=2e-6, usd_per_cached=1e-7, usd_per_output=5e-6, slots=9)
    items = [request(n, 100_000 * (n + 1), session="s", output_tokens=Tokens(500)) for n in range(2)]
    found = judged(work_of(items), option("cloud", Kind.CLOUD, Leg(cloud)))["cloud"]
    sent = found.sent
    assert sent is not None
    output = sum(item.output_tokens or 0 for item in items)
    assert (sent.new + sent.cached, sent.output) == (300_000, output)
    assert sent.cached > 0
    each = (sent.new * 2e-6 + sent.cached * 1e-7 + sent.output * 5e-6) * 52 / 12
    assert found.usd_month == pytest.approx(each)
    assert sent.uncached == pytest.approx((300_000 * 2e-6 + sent.output * 5e-6) * 52 / 12)


def test_the_machine_named_is_the_cheapest_of_those_as_quick_as_the_quickest() -> None:
    def box(name: str, seconds: float, usd: float) -> Option:
        return option(name, Kind.MACHINE, Leg(ReplayStack(name, prefill_a=seconds)), usd_now=usd, watts=1.0)

    whole = work(360_000)
    boxes = box("quickest", 0.00100, 9_000.0), box("as quick", 0.00105, 500.0), box("slow", 0.01, 100.0)
    text = told(whole, replace(NOTHING, legs=(Leg(ReplayStack("own", prefill_a=0.02)),)), *boxes)
    assert "as quick, 500 USD, the cheapest of the quickest, saves 1.9 h" in text
    same = told(whole, replace(NOTHING, legs=(Leg(ReplayStack("own", prefill_a=0.001)),)), box("x", 0.001, 9.0))
    assert "no hardware completes more than that, and none saves waiting worth a name" in same


def test_unknown_privacy_is_an_interval_and_the_private_way_is_expected() -> None:
    whole = work(LARGE, private=None)
    closed = ReplayStack("cloud", takes_private=False, slots=9)
    opened = (Leg(replace(closed, takes_private=True)),)
    item = judged(whole, option("cloud", Kind.CLOUD, Leg(closed), open_legs=opened))["cloud"]
    assert (item.done.low, item.done.value, item.done.high) == (0, 0, 1)
    assert (item.other.low, item.other.value, item.other.high) == (0, 1, 1)


def test_the_tail_is_what_is_large_or_edits_many_files() -> None:
    items = [request(0, SMALL), request(1, SMALL, work_class=WorkClass.EDIT_MANY), request(2, LARGE)]
    items.append(request(3, SMALL, prompt_tokens=None, work_class=WorkClass.REFACTOR))
    whole = work_of(items)
    assert tail(whole, replay_legs(whole, (Leg(SLOW),)), 300.0).tolist() == [False, True, True, False]
    assert tail(whole, replay_legs(whole, (Leg(SLOW),)), 1.0).tolist() == [True, True, True, False]


NO_TAIL = Tail(0)


def told(whole: Work, *options: Option, apart: Tail = NO_TAIL) -> str:
    found = choose(results(whole, options, Money(1.0)))
    assert found is not None
    for item in calculations(found, Money(1.0), 1.0):
        assert item.terms
    return sentence(found, apart)


ROUTE = option("the big ones to Cloud", Kind.CLOUD, Leg(ReplayStack("cloud", usd_per_new=1e-6, slots=9)))
NOTHING = option("nothing", Kind.NOTHING, Leg(SLOW))
FIX = option("truelimit fix", Kind.FIX, Leg(replace(SLOW, first_wall=1e9)))
BOX = option("Box", Kind.MACHINE, Leg(QUICK), usd_now=5000.0, watts=100.0, as_is=(Leg(SLOW),))


def test_the_fix_comes_first_and_hardware_adds_nothing() -> None:
    text = told(work(SMALL, LARGE), NOTHING, FIX, BOX)
    assert text.startswith("Run truelimit fix first, it is free: 2 of 2 requests complete instead of 1; ")
    assert "no hardware completes more than that: Box, 5,000 USD, the cheapest of the quickest, saves 0.1 h" in text
    assert "bought without the fix, no machine completes more than today" in text


def test_where_all_is_well_nothing_is_to_change() -> None:
    assert told(work(SMALL), NOTHING, FIX).startswith("Change nothing: the one request completes")


def test_hardware_that_unlocks_work_is_named_with_its_price() -> None:
    text = told(work(SMALL, LARGE), NOTHING, BOX)
    assert text.startswith("Nothing that is free completes more of this work (1 of 2 requests complete today)")
    assert "Box, 5,000 USD, completes 1 more" in text


def test_hardware_that_unlocks_little_changes_little() -> None:
    text = told(work(*[SMALL] * 99, LARGE), NOTHING, BOX)
    assert "hardware changes little: Box, 5,000 USD, completes 1 more" in text


def test_the_tail_is_routed_where_a_provider_takes_it() -> None:
    text = told(work(SMALL, LARGE), NOTHING, ROUTE, apart=Tail(1, 1))
    assert "the tail of 1 request (1 of them edits of 5 or more files) is a question of routing" in text
    assert text.endswith(": the big ones to Cloud, for 0.69 USD a month, and 0.1 h of waiting a week less.")


def test_what_stays_at_home_of_the_tail_is_told_and_what_nobody_said() -> None:
    whole = work(SMALL, LARGE)
    text = told(whole, NOTHING, ROUTE, apart=Tail(5, 5, private=2))
    assert text.endswith(" a week less; 2 private ones stay here.")
    assert "if they may leave the house" not in text
    text = told(whole, NOTHING, ROUTE, apart=Tail(5, 5, private=1, unsaid=2))
    assert ": the big ones to Cloud, if they may leave the house, for 0.69 USD a month" in text
    assert text.endswith("; 1 private one stays here.")
    text = told(whole, NOTHING, ROUTE, apart=Tail(3, 3, private=3))
    assert text.endswith("is a question of routing: all of it is private and stays here.")


def test_without_today_there_is_no_answer() -> None:
    assert choose(results(work(SMALL), [option("nothing", Kind.NOTHING), BOX], Money(1.0))) is None
