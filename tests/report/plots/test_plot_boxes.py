"""Labels of every drawing: none on another, none outside; for any numbers, names and languages."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.report_parts import FIT, result, rung
from truelimit.domain.limits import Ladder, LimitKind
from truelimit.domain.rates import PrefillFit
from truelimit.domain.workload import Ending
from truelimit.report.language import language
from truelimit.report.plots.axes import Axis, time_ticks
from truelimit.report.plots.context import context_ladder
from truelimit.report.plots.figure import Figure
from truelimit.report.plots.memory import Stacked, memory_stack
from truelimit.report.plots.options import picked
from truelimit.report.plots.pareto import usd_against_work
from truelimit.report.plots.replay import replay_by_option
from truelimit.report.plots.time import MOST_POINTS, Pace, Point, thinned, time_against_walls
from truelimit.units import Tokens
from truelimit.workload.options import Kind, Result

LANGUAGES = st.sampled_from([language("en"), language("hi")])
NAMES = st.text(min_size=1, max_size=90) | st.sampled_from(
    ["native", "agent-context", "definition", "compaction-budget", "node-fetch-headers", "W" * 60, "एजेंट की विंडो" * 4]
)
PARTS = st.lists(st.tuples(NAMES, st.integers(1, 2**45)), min_size=1, max_size=6)
TOKENS = st.integers(0, 2**40)


def fit_of(a: float, b: float) -> PrefillFit:
    return PrefillFit(a, b, 0.1, Tokens(30_000), 5, "x", FIT.basis)


def assert_legible(figure: Figure | None) -> None:
    assert figure is not None
    drawing = figure.drawing
    for box in drawing.boxes:
        assert box.left >= -0.5, box
        assert box.right <= drawing.width + 0.5, box
        assert box.top >= -0.5, box
        assert box.bottom <= drawing.height + 0.5, box
    for one, other in combinations(drawing.boxes, 2):
        assert not one.meets(other), (one, other)


@given(LANGUAGES, st.lists(st.tuples(NAMES, TOKENS, st.sampled_from(LimitKind)), min_size=1, max_size=14), st.data())
@settings(max_examples=120, deadline=None)
def test_a_ladder_of_contexts(say, limits, data) -> None:
    rungs = tuple(rung(name, value, kind) for name, value, kind in limits)
    binding = data.draw(st.sampled_from([None, *rungs]))
    figure = context_ladder(say, Ladder("tokens", rungs, binding, (rung("server-default", 4096),)), "model", "c")
    assert_legible(figure)


@given(
    LANGUAGES,
    st.lists(st.tuples(PARTS, st.none() | st.integers(1, 2**45)), min_size=1, max_size=3),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_stack_of_memory(say, bars) -> None:
    figure = memory_stack(say, [Stacked("at a context", tuple(parts), pool) for parts, pool in bars], "model", "m")
    assert_legible(figure)


@given(
    LANGUAGES,
    st.none() | st.builds(fit_of, st.floats(1e-6, 1), st.floats(0, 1e-6)),
    st.lists(st.tuples(NAMES, st.floats(0.1, 1e5)), max_size=8),
    st.lists(st.builds(Point, st.integers(1, 2**21), st.floats(0, 1e5), st.sampled_from(Ending)), max_size=20),
    st.integers(1, 2**21),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_time_against_walls(say, fit, walls, points, longest) -> None:
    rungs = tuple(rung(name, value) for name, value in walls)
    figure = time_against_walls(say, Pace(fit, rungs, rungs[0] if rungs else None), points, longest, "model", "t")
    if fit is None and not points:
        assert figure is None
    else:
        assert_legible(figure)


OPTIONS = st.lists(st.tuples(NAMES, st.integers(0, 100), st.none() | st.floats(0, 1e6)), min_size=2, max_size=40)


@given(LANGUAGES, OPTIONS)
@settings(max_examples=80, deadline=None)
def test_replay_and_pareto(say, options) -> None:
    results = [result(name, done, usd, low=max(0, done - 7)) for name, done, usd in options]
    pick = picked(results)
    assert len(pick.shown) + pick.more == len(results)
    assert_legible(replay_by_option(say, pick, "r"))
    figure = usd_against_work(say, results, pick, "p")
    if sum(usd is not None for _, _, usd in options) < 2:
        assert figure is None
    else:
        assert_legible(figure)


def test_the_demo_names_each_of_its_walls() -> None:
    walls = (rung("node-fetch-headers", 300.0), rung("node-fetch-body", 300.0), rung("openai-sdk-request", 600.0),
             rung("agent-run", 1800.0))  # fmt: skip
    points = [Point(9_112, 16.4, Ending.DONE), Point(146_760, 302.7, Ending.TIMED_OUT)]
    figure = time_against_walls(language("en"), Pace(FIT, walls, walls[0]), points, 262_144, "model", "t")
    assert figure is not None
    written = [box.text for box in figure.drawing.boxes]
    assert "5 min: Node fetch headers timeout and 1 more" in written
    assert "10 min: OpenAI SDK request timeout" in written
    assert "30 min: agent's run timeout" in written
    assert "A cold prompt of 146,760 tokens takes 673 s (11.2 min) to read." in figure.description
    assert "timed-out 1" in figure.description


def test_long_times_have_ticks_of_whole_hours() -> None:
    assert time_ticks(1_000 * 3600.0, 5) == [200 * 3600.0 * n for n in range(6)]
    assert time_ticks(2_100.0, 5) == [0, 600, 1200, 1800]


def test_points_at_one_place_are_drawn_once_and_no_ending_is_lost() -> None:
    points = [Point(n % 100_000, (n * 7) % 1000, Ending.DONE) for n in range(200_000)]
    points += [Point(50_000, 500.0, Ending.CRASHED)]
    across, up = Axis(0, 100_000, 0, 500), Axis(0, 1000, 300, 0)
    found = thinned(points, across, up)
    assert len(found) <= MOST_POINTS
    assert sum(point.ending is Ending.CRASHED for point in found) == 1


@pytest.mark.parametrize("value", [0, -5])
def test_a_ladder_without_a_limit_has_no_figure(value: int) -> None:
    assert context_ladder(language("en"), Ladder("tokens", (rung("native", value),)), "model", "c") is None
    assert context_ladder(language("en"), Ladder("tokens"), "model", "c") is None


def test_the_front_is_what_no_other_option_beats() -> None:
    results = [
        result("free", 60, 0.0),
        result("worse", 55, 100.0),
        result("better", 90, 500.0),
        result("dear", 90, 900.0),
    ]
    assert [item.option.name for item in picked(results).on_front] == ["free", "better"]


def named(name: str, done: int, usd: float | None) -> Result:
    item = result(name, done, usd, low=done)
    return replace(item, option=replace(item.option, named=True))


@given(LANGUAGES, OPTIONS, st.lists(st.tuples(NAMES, st.integers(0, 100), st.none() | st.floats(0, 1e6)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_machines_that_a_person_named_are_always_named(say, options, own) -> None:
    results = [result(name, done, usd) for name, done, usd in options]
    results += [named(name, done, usd) for name, done, usd in own]
    figure = usd_against_work(say, results, picked(results), "p")
    if figure is not None:
        assert_legible(figure)
        assert "".join(figure.drawing.parts).count("fill-c1 gap") == len(own)


def test_a_machine_of_ones_own_is_in_both_figures_with_and_without_a_price() -> None:
    options = [result("nothing", 50, 0.0, kind=Kind.NOTHING)]
    options += [result(f"shop {n}", 60 + n, 100.0 * n) for n in range(1, 30)]
    options += [named("Mine", 55, 4_000.0), named("Box", 70, None)]
    pick = picked(options)
    replay, usd = replay_by_option(language("en"), pick, "r"), usd_against_work(language("en"), options, pick, "p")
    assert replay is not None
    assert usd is not None
    for figure in (replay, usd):
        assert {"Mine", "Box"} <= {box.text for box in figure.drawing.boxes}
    assert "no price known" in {box.text for box in usd.drawing.boxes}
    assert "Mine: 55% complete for 4,000 USD" in usd.description
    assert "Box: 70% complete for price not known" in usd.description


def test_the_shares_begin_near_the_least_and_say_so() -> None:
    near = [
        result("nothing", 287, 0.0, known=288),
        result("fix", 288, 0.0, known=288),
        result("box", 288, 9.0, known=288),
    ]
    figure = usd_against_work(language("en"), near, picked(near), "p")
    assert figure is not None
    texts = {box.text for box in figure.drawing.boxes}
    assert "requests that complete; the axis begins at 98%" in texts
    assert {"98.0%", "100.0%"} <= texts
    far = [result("nothing", 10, 0.0), result("fix", 90, 0.0)]
    figure = usd_against_work(language("en"), far, picked(far), "p")
    assert figure is not None
    assert {"0%", "100%", "requests that complete"} <= {box.text for box in figure.drawing.boxes}


def test_a_value_stands_beside_the_line_that_binds_not_on_it() -> None:
    rungs = (rung("native", 262_144), rung("agent-context", 131_072), rung("output", 122_880))
    figure = context_ladder(language("en"), Ladder("tokens", rungs, rungs[1]), "model", "c")
    assert figure is not None
    line = max(box.right for box in figure.drawing.boxes if box.text == "agent's window")
    boxes = {box.text: box for box in figure.drawing.boxes}
    assert boxes["122,880"].left == boxes["131,072 binds"].left > line


def test_an_option_that_cannot_be_replayed_has_no_bar() -> None:
    from dataclasses import replace

    one = result("known", 60, 0.0)
    lost = replace(one, option=replace(one.option, legs=(), name="lost", unknown=("no rate",)))
    figure = replay_by_option(language("en"), picked([one, lost]), "r")
    assert figure is not None
    assert [box.text for box in figure.drawing.boxes if box.text in {"known", "lost"}] == ["known"]
