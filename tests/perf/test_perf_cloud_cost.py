"""The cost of a request: tiers by the whole prompt, cached tokens, prices of a day; formulas give their results."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truelimit.domain.calculation import evaluate
from truelimit.domain.cloud import CloudModel, DatedPrices, PriceTier
from truelimit.perf.cloud_cost import UnknownPriceError, cost
from truelimit.units import Tokens

TODAY = date(2026, 11, 25)


def model(*prices: DatedPrices) -> CloudModel:
    return CloudModel("m", "p", "M", "2026-11-22", "s", prices=prices)


def tier(above: int, *prices: float | None) -> PriceTier:
    return PriceTier(Tokens(above), *prices)  # type: ignore[arg-type]


STEPPED = model(DatedPrices(None, (tier(0, 1.25, 0.125, 10.0), tier(200_000, 2.5, 0.25, 15.0)), "page"))


@pytest.mark.parametrize(
    ("read", "cached", "written", "usd"),
    [
        (146_760, 0, 2_000, 0.20345),
        (200_000, 0, 0, 0.25),
        (200_001, 0, 0, 0.5000025),
        (146_760, 140_000, 2_000, 0.04595),
        (0, 0, 1_000_000, 10.0),
    ],
)
def test_a_request_costs(read: int, cached: int, written: int, usd: float) -> None:
    """The step is that of the whole prompt: every token of a longer one costs the higher price."""
    assert cost(STEPPED, read, cached, written, TODAY).result == pytest.approx(usd)


def test_the_prices_of_the_day_hold() -> None:
    item = model(
        DatedPrices(None, (tier(0, 0.75, None, 3.75),), "a"), DatedPrices("2027-01-01", (tier(0, 1.5, None, 7.5),), "b")
    )
    assert cost(item, 1_000_000, 0, 0, date(2026, 12, 31)).result == 0.75
    assert cost(item, 1_000_000, 0, 0, date(2027, 1, 1)).result == 1.5


def test_without_a_price_of_cached_tokens_they_cost_as_much() -> None:
    assert cost(model(DatedPrices(None, (tier(0, 2.0, None, 8.0),), "a")), 100, 100, 0, TODAY).result == pytest.approx(
        2e-4
    )


@pytest.mark.parametrize(
    "item",
    [model(), model(DatedPrices(None, (tier(0, None, None, 1.0),), "a")), model(DatedPrices("2030-01-01", (), "a"))],
)
def test_an_unknown_price_is_not_guessed(item: CloudModel) -> None:
    with pytest.raises(UnknownPriceError, match="m: "):
        cost(item, 1, 0, 1, TODAY)


@pytest.mark.parametrize("tokens", [(-1, 0, 0), (1, 2, 0), (1, 0, -1)])
def test_tokens_that_cannot_be_are_refused(tokens: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="tokens must be"):
        cost(STEPPED, *tokens, TODAY)


@given(st.integers(0, 10**7), st.floats(0, 1), st.integers(0, 10**6))
def test_the_formula_gives_the_result_and_caching_never_costs_more(read: int, share: float, written: int) -> None:
    cached = int(read * share)
    calc = cost(STEPPED, read, cached, written, TODAY)
    assert evaluate(calc.formula, {term.name: term.value for term in calc.terms}) == calc.result
    assert calc.result <= cost(STEPPED, read, 0, written, TODAY).result + 1e-12
