"""The overlay of providers' models: loads, is dated and sourced; bad rows are refused by key."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from truelimit.domain.provenance import Basis, Known
from truelimit.tables.cloud import overlay, overlay_from
from truelimit.tables.fields import TableError

ROW: dict[str, Any] = {"id": "a", "provider": "p", "name": "A", "as_of": "2026-11-22", "source": "a page"}


def table(**more: Any) -> dict[str, Any]:
    return {"models": [{**ROW, **more}]}


def test_the_overlay_is_dated_and_sourced() -> None:
    models = overlay()
    assert len(models) >= 20
    assert len({(item.provider, item.id) for item in models}) == len(models)
    for item in models:
        assert date.fromisoformat(item.as_of) <= date(2026, 11, 25)
        assert item.source


def test_what_the_story_needs_is_there() -> None:
    found = {item.id: item for item in overlay()}
    devstral, gemini = found["devstral-2512"], found["gemini-2.5-pro"]
    assert devstral.context is not None
    assert devstral.context.value == 262_144
    assert devstral.deprecated is not None
    assert devstral.is_shut_down(date(2026, 7, 31))
    assert not devstral.is_shut_down(date(2026, 7, 30))
    assert gemini.shutdown is not None
    assert (gemini.shutdown.date, gemini.successor) == ("2026-12-01", "gemini-3.8-flash")
    assert found["labs-devstral-small-2512"].prices[0].tiers[0].input == 0.0


LIMIT = {
    "tokens_per_minute": 500_000, "what": "tier 1", "basis": "reported", "source": "a page", "as_of": "2026-11-01",
}  # fmt: skip
SPEED = {"writes_tokens_per_s": 80, "spread": 1.0, "basis": "specified", "source": "a page", "as_of": "2026-11-01"}


def test_what_is_let_in_and_how_fast_have_a_source_a_basis_and_a_day() -> None:
    (item,) = overlay_from(table(limit=LIMIT, speed=SPEED, max_input_tokens=900_000), "t")
    assert item.limit is not None
    assert item.limit.tokens_per_minute == Known(500_000, "a page", Basis.REPORTED)
    assert (item.limit.what, item.limit.as_of, item.limit.counts_cached) == ("tier 1", "2026-11-01", True)
    assert item.speed is not None
    assert item.speed.writes == Known(80.0, "a page", Basis.SPECIFIED)
    assert (item.speed.reads, item.speed.spread) == (None, 1.0)
    assert item.max_input is not None
    assert item.max_input.value == 900_000


def test_the_shipped_limits_and_speeds_are_dated() -> None:
    told = [item for item in overlay() if item.limit is not None or item.speed is not None]
    assert len(told) >= 4
    for item in told:
        for part in (item.limit, item.speed):
            if part is not None:
                assert date.fromisoformat(part.as_of) <= date(2026, 12, 31)
    luna = next(item for item in told if item.id == "gpt-5.6-luna")
    assert luna.limit is not None
    assert luna.limit.tokens_per_minute.value == 500_000
    assert luna.limit.tokens_per_minute.basis is Basis.REPORTED


def test_an_entry_is_stale_after_ninety_days() -> None:
    item = overlay_from(table(), "t")[0]
    assert not item.is_stale(date(2027, 2, 20))
    assert item.is_stale(date(2027, 2, 21))
    assert item.age(date(2026, 1, 1)) == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"contxt_tokens": 5}, "nearest: context_tokens"),
        ({"context_tokens": -5}, "context_tokens is -5"),
        ({"context_tokens": 2.5}, "whole number"),
        ({"as_of": "yesterday"}, "expected a day"),
        ({"source": ""}, "no source"),
        ({"shutdown": {"date": "2026-13-01", "source": "x"}}, "expected a day"),
        ({"shutdown": {"source": "x"}}, "date is missing"),
        ({"deprecated": {"date": "2026-01-01"}}, "no source"),
        ({"prices": [{"tiers": [{"input_usd": -1}], "source": "x"}]}, "input_usd is -1"),
        ({"prices": [{"tiers": [{"input_usd": 99999}], "source": "x"}]}, "at most 10000"),
        ({"prices": [{"tiers": [{"input": 1}], "source": "x"}]}, "unknown key input"),
        ({"free_tier": {"what": "x", "source": "y", "as_of": "2026-01-01", "tokens_per_minute": 5}}, "limits_source"),
        (
            {"free_tier": {"what": "x", "source": "y", "as_of": "2026-01-01", "trains_on_prompts": "no"}},
            "true or false",
        ),
        ({"limit": {**LIMIT, "tokens_per_minute": 0}}, "tokens_per_minute is 0"),
        (
            {"limit": {**LIMIT, "basis": "measured"}},
            "basis is 'measured'; expected one of specified, reported, assumed",
        ),
        ({"limit": {**LIMIT, "counts_cached": 1}}, "counts_cached is 1; expected true or false"),
        ({"limit": {**LIMIT, "source": ""}}, "no source"),
        ({"limit": {**LIMIT, "what": ""}}, "what is"),
        ({"speed": {**SPEED, "writes_tokens_per_s": -1}}, "writes_tokens_per_s is -1"),
        ({"speed": {**SPEED, "spread": -0.5}}, "spread is -0.5"),
        ({"speed": {**SPEED, "as_of": "lately"}}, "expected a day"),
        ({"speed": {**SPEED, "tokens_per_s": 5}}, "unknown key tokens_per_s"),
        ({"max_input_tokens": 0}, "max_input_tokens is 0"),
    ],
)
def test_a_bad_row_is_refused_by_key(more: dict[str, Any], said: str) -> None:
    with pytest.raises(TableError) as caught:
        overlay_from(table(**more), "cloud/x.toml")
    assert said in str(caught.value)
    assert "cloud/x.toml" in str(caught.value)
