"""The demo's weeks: workload and verdict tell the same numbers, and what they tell can be done again by hand."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.adapters.work.store import WorkStore
from truelimit.app.cloud import find
from truelimit.cli.cloud import table, today
from truelimit.cli.demo_work import RULES
from truelimit.cli.main import main
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.workload.classes import classified
from truelimit.workload.doubles import joined

DAY, HOUR = 86_400, 3_600
CLOUD = "minimax-m3"


@dataclass(frozen=True, slots=True)
class Demo:
    """The staged weeks as both verbs tell them, and the records that both read."""

    work: dict[str, Any]
    verdict: dict[str, Any]
    records: list[WorkRequest]

    def option(self, name: str) -> dict[str, Any]:
        (found,) = (item for item in self.verdict["options"] if item["id"] == name)
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    def told(*arguments: str) -> dict[str, Any]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main([*arguments, "--json"]) == 0
        found = json.loads(out.getvalue())
        assert isinstance(found, dict)
        return found

    home: Path = tmp_path_factory.mktemp("home")
    stage(home)
    where = ("--home", str(home), "--store", str(home / "work.duckdb"))
    work = told("workload", *where, *RULES)
    verdict = told("verdict", *where, "--cloud", CLOUD, "--among", "dgx-spark")
    with WorkStore(home / "work.duckdb", read_only=True) as store:
        records, _ = joined(classified(store.requests()))
    return Demo(work, verdict, records)


def seconds(items: Iterable[WorkRequest]) -> float:
    return sum(item.duration or 0.0 for item in items)


def share(items: list[WorkRequest], wanted: Callable[[WorkRequest], bool], of: Callable[[WorkRequest], float]) -> float:
    return sum(of(item) for item in items if wanted(item)) / sum(of(item) for item in items)


def is_many(item: WorkRequest) -> bool:
    return item.work_class is WorkClass.EDIT_MANY


def test_both_tell_of_the_same_requests(demo: Demo) -> None:
    assert demo.work["requests"] == demo.verdict["requests"] == len(demo.records)
    assert demo.work["sessions"] == demo.verdict["sessions"]
    assert demo.work["private_requests"] == sum(item.private is True for item in demo.records)


def test_about_a_fifth_edits_many_files_and_takes_half_of_the_time(demo: Demo) -> None:
    classed = [item for item in demo.records if item.work_class is not WorkClass.UNKNOWN]
    (many,) = (item for item in demo.work["multi_file"] if item["name"] == "multi-file")
    assert many["requests"] == sum(map(is_many, classed))
    assert many["of_requests"] == pytest.approx(share(classed, is_many, lambda _: 1.0))
    assert many["of_tokens"] == pytest.approx(share(classed, is_many, lambda item: item.prompt_tokens or 0))
    assert many["of_seconds"] == pytest.approx(share(classed, is_many, lambda item: item.duration or 0.0))
    assert 0.17 < many["of_requests"] < 0.25
    assert 0.4 < many["of_tokens"] < 0.6
    assert 0.4 < many["of_seconds"] < 0.6
    assert demo.verdict["tail"]["edits_of_5_or_more_files"] == many["requests"]


def test_the_hours_are_the_same(demo: Demo) -> None:
    waited = seconds(demo.records)
    assert demo.work["waited_seconds"] == pytest.approx(waited, rel=1e-6)
    times = sorted(item.time.timestamp() for item in demo.records if item.time is not None)
    weeks = (times[-1] - times[0]) / (7 * DAY)
    assert demo.verdict["weeks"] == pytest.approx(weeks)
    today = demo.option("nothing")["hours_a_week"]["value"]
    assert today == pytest.approx(waited / HOUR / weeks, rel=0.3), "the replay of today's stack, against the records"


def test_the_story(demo: Demo) -> None:
    nothing, fix, spark = (demo.option(name) for name in ("nothing", "fix", "dgx-spark"))
    known = nothing["known"]
    assert (nothing["requests"]["complete"]["value"], nothing["requests"]["timed_out"]["value"]) == (known - 1, 1)
    by_hand = demo.option("by-hand")
    assert (by_hand["requests"]["complete"]["low"], by_hand["usd_now"], by_hand["usd_month"]) == (known, 0, 0)
    assert (fix["requests"]["complete"]["low"], fix["requests"]["complete"]["high"]) == (known - 1, known)
    assert fix["unlocks"]["value"] + by_hand["unlocks"]["value"] == 1, "what is free unlocks what there is to unlock"
    assert spark["unlocks"]["value"] == 0
    assert spark["complete_as_configured_today"]["value"] == known - 1, "the label cuts the prompt there as well"
    assert re.match(r"(Run truelimit fix|Do this) first, it is free", demo.verdict["sentence"])
    assert "no hardware completes more than that" in demo.verdict["sentence"]
    assert "is a question of routing: the big ones to MiniMax M3, for " in demo.verdict["sentence"]
    validation = demo.verdict["validation"]
    assert (validation["judged"], validation["accuracy"]) == (known, 1.0)
    assert 0.005 < validation["duration_error_median"] < 0.25, "scattered, as no two calls of a machine take the same"


def test_the_usd_a_month_of_the_route_done_again(demo: Demo) -> None:
    """Each routed request by itself: what its conversation sent there before is cached, the rest is new."""
    route = demo.option(f"cloud-{CLOUD}")
    there = next(stack for stack in route["stacks"] if stack["id"] == CLOUD)
    apart = demo.verdict["tail"]["requests"]
    stays = [item for item in demo.records if is_many(item) and item.private]
    assert len(stays) == 20
    assert there["picked"] == apart - len(stays)
    per_new, per_cached, per_written = prices()
    usd = 0.0
    before: dict[str, tuple[int, int]] = {}
    routed = [item for item in demo.records if is_many(item) and not item.private]
    routed += [item for item in demo.records if item.ending is Ending.TIMED_OUT]
    for item in sorted(routed, key=lambda item: item.time.timestamp() if item.time else 0.0):
        prompt, output = item.prompt_tokens or 0, item.output_tokens or 0
        last, end = before.get(item.session, (0, 0))
        cached = min(end, prompt) if prompt >= last else 0
        usd += (prompt - cached) * per_new + cached * per_cached + output * per_written
        before[item.session] = (prompt, prompt + output)
    others = there["picked"] - len(routed)
    assert 0 <= others <= 5, "some more that might take too long here"
    assert usd / demo.verdict["weeks"] * 52 / 12 == pytest.approx(route["usd_month"], rel=0.02 + 0.1 * others)


def prices() -> tuple[float, float, float]:
    """USD a token as they are today: new, cached, written."""
    day = today()
    held = find(table(day), CLOUD).prices_on(day)
    assert held is not None
    tier = held.tiers[-1]
    assert tier.input is not None
    assert tier.output is not None
    cached = tier.input if tier.cached_input is None else tier.cached_input
    return tier.input / 1e6, cached / 1e6, tier.output / 1e6
