"""What one change would do is told within one kind of evidence: a published rate never beside an estimated one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.app.plan import Around, bare_stack, plan, with_changes
from truelimit.app.plan_parts import ModelPlan, Wanted
from truelimit.app.plan_quant import sized
from truelimit.domain.estimates import ESTIMATED, Tier
from truelimit.limits.rates_estimated import Calibrated
from truelimit.report.plan_more import changes as told
from truelimit.tables.calibration import calibration
from truelimit.tables.loader import machine, published_rates
from truelimit.tables.models import model_entry
from truelimit.units import Tokens


def changed(name: str, on: str, slower: float = 1.0) -> ModelPlan:
    entry = model_entry(name)
    assert entry is not None
    rates = tuple(
        replace(item, decode=item.decode and replace(item.decode, c=item.decode.c * slower, d=item.decode.d * slower))
        for item in published_rates()
    )
    own = replace(sized(bare_stack(entry.header, machine(on), rates)), estimator=Calibrated(calibration()))
    return with_changes(own, plan(own, Wanted(Tokens(65_536))), Around())


def test_a_published_rate_is_not_compared_with_an_estimate() -> None:
    made = changed("gpt-oss-120b", "dgx-spark")
    assert made.outcome.decode_tier is Tier.PUBLISHED
    for change in made.changes:
        assert change.outcome.decode_tier in ESTIMATED
        assert change.own_rate is not None
        assert change.outcome.decode_rate is not None
        assert change.outcome.decode_rate > change.own_rate


@pytest.mark.parametrize("slower", [0.5, 4.0])
def test_what_was_published_moves_no_change_that_is_estimated(slower: float) -> None:
    as_is, other = changed("gpt-oss-120b", "dgx-spark"), changed("gpt-oss-120b", "dgx-spark", slower)
    assert [item.title for item in other.changes] == [item.title for item in as_is.changes]
    assert other.outcome.decode_rate == pytest.approx(as_is.outcome.decode_rate / slower)  # type: ignore[operator]


def test_the_report_says_that_the_tiers_differ() -> None:
    text = str(told(changed("gpt-oss-120b", "dgx-spark").changes, first="What helps most"))
    assert "by the same estimate the plan writes" in text
    assert "estimate" not in str(told(changed("qwen3-32b", "rtx-4090").changes, first="What helps most"))
