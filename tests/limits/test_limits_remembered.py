"""What is remembered of a log or a stack is what would be found anew, and only while the value is the same one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits_builders import at, call, known, mac, ollama, stack, story

from truelimit.domain.server import (
    ContextChanged,
    EngineFailed,
    Event,
    ModelLoaded,
    PromptStarted,
    PromptTruncated,
    RequestEnded,
)
from truelimit.limits import need
from truelimit.limits.cut import cut_prompts
from truelimit.limits.log_events import of_kinds
from truelimit.limits.need import largest_fit, memory_need
from truelimit.limits.pools import budget
from truelimit.limits.remembered import Remembered
from truelimit.limits.served import PADDING
from truelimit.limits.silent import constant_runs, cut_counts, fingerprint
from truelimit.limits.stacks import stacks
from truelimit.limits.target import target_context
from truelimit.limits.timeline import Busy, Timeline, busy_in
from truelimit.units import Tokens

KINDS: tuple[type[Event], ...] = (ModelLoaded, PromptStarted, PromptTruncated, RequestEnded, EngineFailed)


@given(
    st.lists(st.sampled_from(KINDS), max_size=30),
    st.lists(st.sampled_from((*KINDS, Event, ContextChanged)), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([1, 20]),
)
def test_kinds_are_found_as_a_search_finds_them(
    kinds: list[type[Event]], wanted: list[type[Event]], is_tuple: bool, times: int
) -> None:
    made = [kind(f"line {number}", None) for number, kind in enumerate(kinds * times)]
    events = tuple(made) if is_tuple else made
    assert of_kinds(events, *wanted) == [event for event in events if isinstance(event, tuple(wanted))]


def test_a_result_is_made_once_for_one_value_and_anew_for_an_equal_one() -> None:
    asked: list[Any] = []
    length = Remembered(lambda value: asked.append(value) or len(value), most=2)
    one, other = tuple(range(3)), tuple(range(3))
    assert [length(one), length(one), length(other)] == [3, 3, 3]
    assert len(asked) == 2
    length((1,) * 4)
    length(one)
    assert len(asked) == 4, "the one made first goes first"


def test_a_list_may_change_and_is_not_remembered() -> None:
    length = Remembered(len)
    values = [1]
    assert length(values) == 1
    values.append(2)
    assert length(values) == 2


def test_the_times_of_one_tuple_of_calls_are_made_once() -> None:
    calls = (call(0, 300), call(400, 10))
    assert busy_in(calls) is busy_in(calls)
    assert busy_in(calls).at(at(405).timestamp()) is Busy(calls).at(at(405).timestamp()) is True
    assert not busy_in(calls).at(at(360).timestamp())


def test_events_without_times_make_no_timeline() -> None:
    events = (EngineFailed("a", None), EngineFailed("c", at(9)), EngineFailed("b", at(5)))
    assert not Timeline(events[:1])
    line = Timeline(events)
    assert line
    assert [event.where for event in line.between(at(0).timestamp(), at(9).timestamp())] == ["b", "c"]


@pytest.mark.parametrize("version", ["0.15.5", "0.30.4", "0.30.9", "0.33.0", "none"])
@given(st.integers(0, 40_000))
def test_every_count_that_betrays_a_cut_is_among_those_looked_for(version: str, count: int) -> None:
    server, served = ollama(version=version, engine=None), known(Tokens(32_768))
    one = call(0, 10, prompt_tokens=known(Tokens(count)))
    assert (fingerprint(one, served, server) is not None) == (count in cut_counts(served, server))


def test_an_unknown_window_betrays_no_cut() -> None:
    assert cut_counts(None, ollama()) == frozenset()
    assert cut_counts(known(Tokens(4096)), None) == frozenset()
    assert cut_prompts(stack(), None) == []


@given(st.lists(st.sampled_from([0, 2, 1024, 1026, 2048, 5000, None]), max_size=12))
def test_runs_of_one_round_count_are_found(counts: list[int | None]) -> None:
    calls = [
        call(10 * number, 5, prompt_tokens=None if count is None else known(Tokens(count)))
        for number, count in enumerate(counts)
    ]
    found = [[one.prompt_tokens.value for one in run if one.prompt_tokens] for run in constant_runs(calls)]
    assert found == _runs(counts)


def _runs(counts: list[int | None]) -> list[list[int]]:
    text: list[list[int]] = [[]]
    for count in counts:
        if not count or count % 1024 not in {0, 2}:
            text.append([])
        elif text[-1] and text[-1][-1] == count:
            text[-1].append(count)
        else:
            text.append([count])
    return [run for run in text if len(run) >= 3]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 96), st.integers(-PADDING, 300_000))
def test_where_a_fit_is_looked_for_first_does_not_change_it(gib: int, near: int) -> None:
    one = stack(machine=mac(gib, gib * 0.75))
    pool = budget(one)
    assert pool is not None
    assert largest_fit(one, pool.holds, near) == largest_fit(one, pool.holds)


def test_a_fit_is_found_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    made = need._need_or_reason
    monkeypatch.setattr(
        need, "_need_or_reason", lambda one, context, *more: asked.append(context) or made(one, context, *more)
    )
    one = stack(machine=mac(48, 36.0))
    found = target_context(one)
    assert found is not None
    assert 0 < found.context < 262_144
    assert len(asked) <= 4
    assert memory_need(one, found.context) is found.memory_need, "what is known is not computed again"


def test_sessions_of_a_stack_are_those_with_its_calls_or_pin() -> None:
    facts = story()
    for item in stacks(facts):
        own = {id(one) for one in item.calls}
        assert [one.id for one in item.sessions] == [
            one.id for one in facts.sessions if own & {id(each) for each in one.calls}
        ]
