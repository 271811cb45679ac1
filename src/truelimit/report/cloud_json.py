"""Providers' models as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from truelimit.report.as_json import calculation as calculation_json
from truelimit.report.as_json import dump

if TYPE_CHECKING:
    from truelimit.app.cloud import CloudView
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.cloud import CloudModel, FreeTier, Milestone, PriceTier, RateLimit
    from truelimit.domain.provenance import Missing

CLOUD = "truelimit.cloud/1"


def list_json(
    models: Sequence[CloudModel],
    today: date,
    missing: Sequence[Missing],
    costs: Sequence[Calculation | None] = (),
) -> str:
    """Return a list of models as JSON text of schema truelimit.cloud/1; with ``costs``, each with that of a request."""
    rows = [_json(item, today) for item in models]
    for row, spent in zip(rows, costs, strict=False):
        row["cost"] = None if spent is None else calculation_json(spent)
    lost = [{"fact": item.fact, "why": item.why} for item in missing]
    return dump({"schema": CLOUD, "on": today.isoformat(), "models": rows, "missing": lost})


def show_json(view: CloudView) -> str:
    """Return one model as JSON text of schema truelimit.cloud/1, with the cost of a request where one was asked for."""
    spent = None if view.cost is None else calculation_json(view.cost)
    return dump(
        {"schema": CLOUD, "on": view.today.isoformat(), "models": [_json(view.model, view.today)], "cost": spent}
    )


def _json(item: CloudModel, today: date) -> dict[str, object]:
    held = item.prices_on(today)
    return {
        "id": item.id,
        "provider": item.provider,
        "name": item.name,
        "aliases": list(item.aliases),
        "context": item.context.value if item.context else None,
        "max_output": item.max_output.value if item.max_output else None,
        "prices": [] if held is None else [_tier_json(tier) for tier in held.tiers],
        "prices_by_date": [
            {"since": dated.since, "tiers": [_tier_json(tier) for tier in dated.tiers], "source": dated.source}
            for dated in item.prices
        ],
        "rate_limits": list(item.rate_limits),
        "limit": _limit_json(item.limit),
        "free_tier": _free_json(item.free_tier),
        "deprecated": _milestone(item.deprecated),
        "shutdown": _milestone(item.shutdown),
        "successor": item.successor,
        "as_of": item.as_of,
        "age_days": item.age(today),
        "stale": item.is_stale(today),
        "source": item.source,
        "notes": list(item.notes),
    }


def _tier_json(tier: PriceTier) -> dict[str, object]:
    return {"above": tier.above, "input": tier.input, "cached_input": tier.cached_input, "output": tier.output}


def _limit_json(limit: RateLimit | None) -> dict[str, object] | None:
    if limit is None:
        return None
    tokens = limit.tokens_per_minute
    return {
        "tokens_per_minute": tokens.value,
        "what": limit.what,
        "counts_cached": limit.counts_cached,
        "basis": tokens.basis,
        "as_of": limit.as_of,
        "source": tokens.where,
    }


def _milestone(item: Milestone | None) -> dict[str, object] | None:
    return None if item is None else {"date": item.date or None, "source": item.source}


def _free_json(tier: FreeTier | None) -> dict[str, object] | None:
    if tier is None:
        return None
    limits = ("requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_month")
    told = {name: (known.value if (known := getattr(tier, name)) else None) for name in limits}
    return {
        "what": tier.what,
        **told,
        "trains_on_prompts": tier.trains_on_prompts,
        "ended": tier.ended,
        "as_of": tier.as_of,
        "source": tier.source,
    }
