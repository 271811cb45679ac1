"""A provider's model as a stack: window, prompt, tokens a minute, and a speed that is told or an interval."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from truelimit.app.replay_cloud import cloud_stack
from truelimit.domain.cloud import CloudModel, DatedPrices, Milestone, PriceTier, RateLimit, Speed
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens
from truelimit.workload.stack import ReplayStack

ON = date(2026, 11, 25)
PRICES = (DatedPrices(None, (PriceTier(Tokens(0), 1.0, 0.1, 4.0),), "a test"),)
MODEL = CloudModel(
    "m", "maker", "M", "2026-11-01", "a test",
    context=Known(Tokens(200_000), "a test", Basis.SPECIFIED), prices=PRICES,
)  # fmt: skip
LIMIT = RateLimit(Known(500_000, "its page", Basis.SPECIFIED), "tier 1", "2026-11-01")


def stack(model: CloudModel) -> ReplayStack:
    built = cloud_stack(model, ON, takes_private=False)
    assert built.stack is not None
    return built.stack


def rate_of(value: float) -> Known[float]:
    return Known(value, "a page", Basis.REPORTED)


def test_what_nobody_tells_is_an_interval_and_said_to_be_assumed() -> None:
    built = cloud_stack(MODEL, ON, takes_private=False)
    assert built.basis == "assumed: a provider reads 1,000 to 20,000 tokens/s and writes 20 to 200"
    assert "how many tokens a minute it lets in is not known: nobody waits for that here" in built.notes
    made = stack(MODEL)
    assert 1 / made.faster().prefill_a == pytest.approx(20_000, rel=1e-3)
    assert 1 / made.slower().prefill_a == pytest.approx(1_000, rel=1e-3)
    assert 1 / made.faster().decode_c == pytest.approx(200, rel=1e-3)
    assert 1 / made.slower().decode_c == pytest.approx(20, rel=1e-3)
    assert math.isinf(made.tokens_per_minute)


def test_a_speed_that_somebody_tells_goes_in_with_its_interval_and_the_rest_stays_assumed() -> None:
    told = replace(MODEL, speed=Speed("2026-10-01", 1.0, writes=rate_of(80.0)))
    made = stack(told)
    assert 1 / made.decode_c == pytest.approx(80)
    assert (1 / made.slower().decode_c, 1 / made.faster().decode_c) == (pytest.approx(40), pytest.approx(160))
    assert made.prefill_a == stack(MODEL).prefill_a
    basis = cloud_stack(told, ON, takes_private=False).basis
    assert "reads 1,000 to 20,000 tokens/s (assumed)" in basis
    assert "writes 80 tokens/s (reported, 2026-10-01; reckoned with as 40 to 160: a page)" in basis


def test_a_speed_of_reading_alone() -> None:
    made = stack(replace(MODEL, speed=Speed("2026-10-01", 0.5, reads=rate_of(6_000.0))))
    assert 1 / made.slower().prefill_a == pytest.approx(4_000)
    assert made.decode_c == stack(MODEL).decode_c


def test_tokens_a_minute_go_in_with_whose_they_are() -> None:
    limited = replace(MODEL, limit=LIMIT)
    assert stack(limited).tokens_per_minute == 500_000
    assert stack(limited).counts_cached
    assert not stack(replace(MODEL, limit=replace(LIMIT, counts_cached=False))).counts_cached
    notes = cloud_stack(limited, ON, takes_private=False).notes
    assert "lets in 500,000 tokens a minute (specified, 2026-11-01: tier 1; its page)" in notes


def test_the_window_and_the_longest_prompt() -> None:
    assert (stack(MODEL).served_context, stack(MODEL).prompt_limit) == (200_000, 200_000)
    shorter = replace(MODEL, max_input=Known(Tokens(150_000), "a test", Basis.SPECIFIED))
    assert (stack(shorter).served_context, stack(shorter).prompt_limit) == (200_000, 150_000)


def test_what_is_gone_or_old_is_said() -> None:
    gone = replace(MODEL, shutdown=Milestone("2026-11-01", "a test"), as_of="2026-01-01")
    built = cloud_stack(gone, ON, takes_private=False)
    assert "shut down on 2026-11-01" in built.notes
    assert any("looked up 328 days ago" in note for note in built.notes)
    assert built.stack is not None
    assert built.stack.ends == 0.0
