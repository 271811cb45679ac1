"""Prices out of the installed package: tiers, days, hours; a missing package is reported. Nothing is fetched."""

from __future__ import annotations

import socket
import sys
from datetime import date

import pytest

from truelimit.adapters.prices.read import Prices, read_prices
from truelimit.domain.cloud import CloudModel

TODAY = date(2026, 11, 25)


@pytest.fixture(scope="module")
def prices() -> Prices:
    pytest.importorskip("genai_prices")
    return read_prices(TODAY)


def one(prices: Prices, provider: str, name: str) -> CloudModel:
    return next(item for item in prices.models if (item.provider, item.id) == (provider, name))


def test_the_package_tells_many_models(prices: Prices) -> None:
    assert len(prices.models) > 1000
    assert prices.missing == ()
    assert prices.as_of is not None
    assert date.fromisoformat(prices.as_of) <= TODAY


def test_steps_of_a_price_are_kept(prices: Prices) -> None:
    held = one(prices, "google", "gemini-2.5-pro").prices_on(TODAY)
    assert held is not None
    assert [(tier.above, tier.input, tier.cached_input, tier.output) for tier in held.tiers] == [
        (0, 1.25, 0.125, 10.0),
        (200_000, 2.5, 0.25, 15.0),
    ]


def test_the_dearest_hour_holds_and_is_told(prices: Prices) -> None:
    model = one(prices, "deepseek", "deepseek-flash")
    held = model.prices_on(TODAY)
    assert held is not None
    assert any("dearest hours" in note for note in model.notes)
    assert (held.tiers[0].input or 0) > 0


def test_prices_of_a_day_to_come_wait_for_it(prices: Prices) -> None:
    dated = [item for model in prices.models for item in model.prices if item.since]
    assert dated
    assert all(date.fromisoformat(item.since or "") for item in dated)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("genai_prices")

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert read_prices(TODAY).models


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    found = read_prices(TODAY)
    assert found.models == ()
    assert "pip install genai-prices" in found.missing[0].why
