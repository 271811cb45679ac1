"""The overlay of providers' models: loads, is dated and sourced; bad rows are refused by key."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

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
    ],
)
def test_a_bad_row_is_refused_by_key(more: dict[str, Any], said: str) -> None:
    with pytest.raises(TableError) as caught:
        overlay_from(table(**more), "cloud/x.toml")
    assert said in str(caught.value)
    assert "cloud/x.toml" in str(caught.value)
