"""What one change would do is told within one kind of evidence: a published rate never beside an estimated one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.app.plan import Around, bare_stack, plan, with_changes
from truelimit.app.plan_parts import Change, ModelPlan, Wanted
from truelimit.app.plan_quant import sized, with_quantization
from truelimit.domain.estimates import ESTIMATED, Tier
from truelimit.domain.facts import Stack
from truelimit.limits.rates_estimated import Calibrated
from truelimit.report.plan_more import changes as told
from truelimit.tables.calibration import calibration
from truelimit.tables.loader import machine, published_rates
from truelimit.tables.models import model_entry
from truelimit.units import Tokens


def stack(name: str, on: str, slower: float = 1.0) -> Stack:
    entry = model_entry(name)
    assert entry is not None
    rates = tuple(
        replace(item, decode=item.decode and replace(item.decode, c=item.decode.c * slower, d=item.decode.d * slower))
        for item in published_rates()
    )
    return replace(sized(bare_stack(entry.header, machine(on), rates)), estimator=Calibrated(calibration()))


def changed(name: str, on: str, slower: float = 1.0, *, published: bool = True) -> ModelPlan:
    own = stack(name, on, slower)
    own = own if published else replace(own, published=())
    return with_changes(own, plan(own, Wanted(Tokens(65_536))), Around())


def test_a_published_rate_is_not_compared_with_an_estimate() -> None:
    made = changed("gpt-oss-120b", "dgx-spark")
    assert made.outcome.decode_tier is Tier.PUBLISHED
    for change in made.changes:
        assert change.outcome.decode_tier in ESTIMATED
        assert change.own_rate is not None
        assert change.outcome.decode_rate is not None
        assert change.outcome.decode_rate > change.own_rate


def test_a_type_of_cache_gains_what_one_estimate_tells_of_both() -> None:
    made = changed("qwen3-coder-30b-a3b", "dgx-spark")
    assert made.outcome.decode_tier is Tier.CORRECTED
    plain = changed("qwen3-coder-30b-a3b", "dgx-spark", published=False)
    gains = {item.title: gain(item, made) for item in made.changes}
    for item in plain.changes:
        assert gains[item.title] == pytest.approx(gain(item, plain), rel=0.1), "1.91 for 1.58 where they are mixed"
    assert all(item.own_rate is None for item in made.changes), "all rest on the same"


def gain(item: Change, made: ModelPlan) -> float:
    before = item.own_rate or made.outcome.decode_rate
    assert item.outcome.decode_rate
    assert before
    return item.outcome.decode_rate / before


def test_a_corrected_rate_is_not_compared_with_a_plain_estimate() -> None:
    on = stack("qwen3-coder-30b-a3b", "dgx-spark")
    card = replace(on, machine=machine("pc-rtx-5090"))
    made = with_changes(on, plan(on, Wanted(Tokens(16_384))), Around(machines=(("another machine", "much", card),)))
    other = next(item for item in made.changes if item.title == "another machine")
    plain = plan(replace(on, published=()), Wanted(Tokens(16_384)))
    assert (made.outcome.decode_tier, other.outcome.decode_tier) == (Tier.CORRECTED, Tier.FAMILY)
    assert other.own_rate == pytest.approx(plain.outcome.decode_rate)
    assert "rest on something else" in str(told(made.changes, first="What helps most"))


def test_another_file_is_compared_by_as_much_of_a_series_as_tells_of_it() -> None:
    on = with_quantization(stack("qwen3-coder-30b-a3b", "dgx-spark"), "Q8_0")
    around = Around(quants=(("Q6_K", with_quantization(on, "Q6_K")),))
    made = with_changes(on, plan(on, Wanted(Tokens(16_384))), around)
    other = next(item for item in made.changes if "Q6_K" in item.title)
    assert (made.outcome.decode_tier, other.outcome.decode_tier) == (Tier.PUBLISHED, Tier.CORRECTED)
    bare = replace(on, published=())
    plain = with_changes(
        bare, plan(bare, Wanted(Tokens(16_384))), replace(around, quants=(("Q6_K", with_quantization(bare, "Q6_K")),))
    )
    same = next(item for item in plain.changes if "Q6_K" in item.title)
    assert gain(other, made) == pytest.approx(gain(same, plain), rel=0.02)


@pytest.mark.parametrize("slower", [0.5, 4.0])
def test_what_was_published_moves_no_change_that_is_estimated(slower: float) -> None:
    as_is, other = changed("gpt-oss-120b", "dgx-spark"), changed("gpt-oss-120b", "dgx-spark", slower)
    assert [item.title for item in other.changes] == [item.title for item in as_is.changes]
    assert other.outcome.decode_rate == pytest.approx(as_is.outcome.decode_rate / slower)  # type: ignore[operator]


def test_the_report_says_that_the_tiers_differ() -> None:
    text = str(told(changed("gpt-oss-120b", "dgx-spark").changes, first="What helps most"))
    assert "by the same estimate the plan writes" in text
    assert "estimate" not in str(told(changed("qwen3-32b", "rtx-4090").changes, first="What helps most"))


def test_what_surely_holds_the_wanted_context_helps_most() -> None:
    own = stack("llama-3.1-405b", "dgx-spark-2")
    made = with_changes(own, plan(own, Wanted(Tokens(8_192))), Around())
    usable = [item.outcome.usable or 0 for item in made.changes if item.outcome.fits]
    short = [each < 8_192 for each in usable]
    assert short.count(True)
    assert short == sorted(short), "what only fits comes after"
