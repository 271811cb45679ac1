"""Depths, tokens, time: what is asked, what is left out, and when to stop."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.bench_made import seen
from truelimit.bench.expect import outlook, stop_words
from truelimit.bench.nouns import Purpose
from truelimit.bench.plan import Step, Wanted, plan_of
from truelimit.bench.prompts import Calibration, prompt_text
from truelimit.units import Tokens


def test_the_usual_depths_where_the_context_holds_them() -> None:
    plan = plan_of(Wanted(), 32768, counted=True)
    assert plan.depths == (512, 4096, 16384)
    assert plan.notes == ()
    measure = Purpose.MEASURE
    order = [measure, Purpose.SAME_AGAIN, measure, measure, Purpose.CANCEL, Purpose.AFTER_CANCEL]
    assert [step.purpose for step in plan.steps[:6]] == order
    assert sum(step.purpose is Purpose.MEASURE for step in plan.steps) == 9
    bare = sum(step.depth + step.answer for step in plan.steps)
    assert bare + 32 * len(plan.steps) < plan.tokens < 1.06 * bare, "templates and a missed size are in the bound"


def test_a_small_context_gets_three_depths_of_its_own_and_each_dropped_one_is_named() -> None:
    plan = plan_of(Wanted(), 4096, counted=True)
    assert len(plan.depths) == 3
    assert max(plan.depths) + 64 < 4096
    assert "depth 4,096 left out" in plan.notes[0]
    assert "depth 16,384 left out" in plan.notes[1]
    assert "fitted to the context instead" in plan.notes[2]


def test_depths_of_the_user_are_dropped_but_never_replaced() -> None:
    plan = plan_of(Wanted(depths=(256, 8192)), 4096, counted=True)
    assert plan.depths == (256,)
    with pytest.raises(ValueError, match="no depth fits a context of 4,096 tokens"):
        plan_of(Wanted(depths=(8192,)), 4096, counted=True)


@settings(deadline=None)
@given(st.integers(1, 300_000), st.integers(1, 2000), st.booleans(), st.integers(1, 5))
def test_no_prompt_with_its_answer_ever_exceeds_the_context(
    context: int, answer: int, counted: bool, repeats: int
) -> None:
    try:
        plan = plan_of(Wanted(answer_tokens=answer, repeats=repeats), context, counted=counted)
    except ValueError:
        assert context < 3000 + answer
        return
    assert all(step.depth + answer <= context for step in plan.steps)
    assert len(plan.depths) == 3 or context < 1000 + answer
    assert list(plan.depths) == sorted(set(plan.depths))


@settings(deadline=None)
@given(st.integers(1, 400_000))
def test_the_bound_on_tokens_holds(most: int) -> None:
    plan = plan_of(Wanted(tokens_in_all=most), 32768, counted=True)
    assert plan.tokens <= most
    purposes = [step.purpose for step in plan.steps]
    assert purposes.count(Purpose.AFTER_CANCEL) <= purposes.count(Purpose.CANCEL)
    if most < plan_of(Wanted(), 32768, counted=True).tokens:
        assert any("--max-tokens-total" in note for note in plan.notes)


def test_an_unknown_context_is_said() -> None:
    plan = plan_of(Wanted(), None, counted=False)
    assert plan.depths == (512, 4096, 16384)
    assert "does not tell its context" in plan.notes[0]


def test_the_next_depth_is_foreseen_and_a_single_depth_is_called_a_lower_bound() -> None:
    step = Step(Purpose.MEASURE, Tokens(16384), Tokens(64))
    assert outlook(step, []) is None
    one = outlook(step, [seen(512)])
    assert one is not None
    assert one.at_least
    two = outlook(step, [seen(512), seen(4096)])
    assert two is not None
    assert not two.at_least
    assert two.seconds > one.seconds
    assert two.seconds == pytest.approx(0.0004 * 16384 + 1e-8 * 16384**2 + 64 * (0.012 + 1e-7 * 16416), rel=0.01)
    assert two.fits(two.seconds * 1.2)
    assert not two.fits(two.seconds)


def test_the_warm_up_alone_gives_a_first_idea() -> None:
    step = Step(Purpose.MEASURE, Tokens(1000), Tokens(10))
    first = outlook(step, [seen(100, purpose=Purpose.WARM_UP, wrote=8)])
    assert first is not None
    assert first.seconds == pytest.approx(0.4 + 0.12, rel=0.05)


def test_the_words_of_a_stop_name_both_times_and_the_depth() -> None:
    step = Step(Purpose.MEASURE, Tokens(16384), Tokens(64))
    expected = outlook(step, [seen(512), seen(4096)])
    assert expected is not None
    words = stop_words(step, expected, 7.0, 4096)
    assert words.startswith("7 s left, 16,384 tokens need about 10 s: stopped at depth 4,096")
    assert "extrapolated" in words
    assert "repeat left out" in stop_words(Step(Purpose.MEASURE, Tokens(4), Tokens(1), 1), expected, 7.0, 4096)
    assert "nothing was measured" in stop_words(step, expected, 7.0, None)


def test_a_prompt_begins_with_its_head_and_is_the_same_for_the_same_arguments() -> None:
    text = prompt_text("Xyz", 50, 7)
    assert text == prompt_text("Xyz", 50, 7)
    assert text.startswith("Xyz ")
    assert len(text.split()) == 51
    other = prompt_text("Abc", 50, 7)
    assert other.split()[1:] == text.split()[1:], "only the head differs: what a cache would like to reuse"
    assert prompt_text("Xyz", 50, 8) != text
    assert prompt_text("Xyz", 100, 7).startswith(text)


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0.6, 4.0), st.integers(300, 100_000))
def test_calibration_finds_the_words_from_two_sizes(fixed: int, each: float, wanted: int) -> None:
    calibration = Calibration()
    for words in (160, 500):
        calibration.learn(words, round(fixed + each * words))
    words = calibration.words_for(wanted)
    assert fixed + each * words == pytest.approx(wanted, rel=0.03, abs=5)


def test_calibration_guesses_before_it_has_seen_anything_and_ignores_nonsense() -> None:
    calibration = Calibration()
    assert not calibration.is_known
    assert calibration.words_for(1) == 1
    guess = calibration.words_for(1350)
    assert guess == pytest.approx(1000, abs=1)
    calibration.learn(0, 5)
    calibration.learn(5, 0)
    assert not calibration.is_known
    calibration.learn(100, 300)
    calibration.learn(1000, 200)
    assert calibration.words_for(1000) > 0
