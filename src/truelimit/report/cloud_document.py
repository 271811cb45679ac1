"""Providers' models as blocks and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from truelimit.domain.message import figure, joined, said
from truelimit.report.as_json import calculation as calculation_json
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.calculations import calculation
from truelimit.report.numbers import number

if TYPE_CHECKING:
    from truelimit.app.cloud import CloudView
    from truelimit.domain.cloud import CloudModel, DatedPrices, FreeTier, Milestone, PriceTier
    from truelimit.domain.provenance import Known, Missing

CLOUD = "truelimit.cloud/1"


def listed(models: Sequence[CloudModel], today: date, missing: Sequence[Missing]) -> list[Block]:
    """Return the blocks of a list of models: window, prices of today, what ends, how old the entry is."""
    rows = tuple((item.id, _window(item), item.provider, _price(item, today), _state(item, today)) for item in models)
    ended = frozenset(index for index, item in enumerate(models) if _is_over(item, today))
    head = (
        said("model"), said("window"), said("provider"), said("USD per million tokens: input / cached / output"),
        said("state"),
    )  # fmt: skip
    first = Paragraph(
        said("{models} models of providers, prices of {isoformat}.", models=len(models), isoformat=today.isoformat()),
        "verdict",
    )
    return [first, Rows(head, rows, ended, titled=True), *_not_known(missing)]


def shown(view: CloudView, missing: Sequence[Missing]) -> list[Block]:
    """Return the blocks of one model."""
    item, today = view.model, view.today
    blocks: list[Block] = [
        Heading(said("{name} ({provider})", name=item.name, provider=item.provider)),
        Paragraph(_state(item, today), _tone(item, today)),
    ]
    lines: list[str] = [
        said("window: {context}", context=_told(item.context)),
        said("longest answer: {max_output}", max_output=_told(item.max_output)),
    ]
    lines += [line for dated in item.prices for line in _price_lines(dated)]
    lines += [said("limit: {limit}", limit=limit) for limit in item.rate_limits]
    lines += _free_lines(item.free_tier) if item.free_tier else [said("free tier: none is known")]
    lines += _end_lines(item)
    lines += list(item.notes)
    lines.append(
        said(
            "last checked {as_of} (the older of the entry and its prices): {source}",
            as_of=item.as_of,
            source=item.source,
        )
    )
    blocks.append(Items(tuple(lines)))
    if view.cost is not None:
        blocks.append(Paragraph(said("The request costs ${result:,.4f}.", result=view.cost.result), "verdict"))
        blocks += calculation(view.cost)
    return blocks + _not_known(missing)


def _not_known(missing: Sequence[Missing]) -> list[Block]:
    return [Items(tuple(said("{fact}: {why}", fact=item.fact, why=item.why) for item in missing))] if missing else []


def _window(item: CloudModel) -> str:
    return number(item.context.value) if item.context else said("not known")


def _told(known: Known[int] | None) -> str:
    return (
        said("{known} tokens ({where})", known=number(known.value), where=known.where) if known else said("not known")
    )


def _price(item: CloudModel, today: date) -> str:
    held = item.prices_on(today)
    if held is None:
        return said("not known")
    return joined("; ", (_tier(tier) for tier in held.tiers))


def _tier(tier: PriceTier) -> str:
    each = (tier.input, tier.cached_input, tier.output)
    prices = joined(" / ", ("-" if value is None else figure(value, "g") for value in each))
    return said("above {above}: {prices}", above=number(tier.above), prices=prices) if tier.above else prices


def _price_lines(dated: DatedPrices) -> list[str]:
    since = said(" from {since}", since=dated.since) if dated.since else ""
    return [
        said(
            "price{since}, input / cached / output, USD per million tokens: {tier} ({source})",
            since=since,
            tier=_tier(tier),
            source=dated.source,
        )
        for tier in dated.tiers
    ]


def _free_lines(tier: FreeTier) -> list[str]:
    ended = said(", ended {ended}", ended=tier.ended) if tier.ended else ""
    lines: list[str] = [
        said(
            "free tier{ended}: {what} ({source}, {as_of})",
            ended=ended,
            what=tier.what,
            source=tier.source,
            as_of=tier.as_of,
        )
    ]
    named = (
        (said("requests a minute"), tier.requests_per_minute), (said("requests a day"), tier.requests_per_day),
        (said("tokens a minute"), tier.tokens_per_minute), (said("tokens a month"), tier.tokens_per_month),
    )  # fmt: skip
    lines += [
        said(
            "free tier: {known} {what} [{basis}: {where}]",
            known=number(known.value),
            what=what,
            basis=known.basis,
            where=known.where,
        )
        for what, known in named
        if known
    ]
    return lines + (
        [said("free tier: prompts may be used to improve the provider's products")] if tier.trains_on_prompts else []
    )


def _end_lines(item: CloudModel) -> list[str]:
    lines: list[str] = []
    if item.deprecated:
        lines.append(
            said("{deprecated}: {source}", deprecated=_deprecated(item.deprecated), source=item.deprecated.source)
        )
    lines += (
        [said("shut down on {date}: {source}", date=item.shutdown.date, source=item.shutdown.source)]
        if item.shutdown
        else []
    )
    return lines + ([said("successor: {successor}", successor=item.successor)] if item.successor else [])


def _deprecated(end: Milestone) -> str:
    return said("deprecated {date}", date=end.date) if end.date else said("deprecated")


def _is_over(item: CloudModel, today: date) -> bool:
    return item.deprecated is not None or item.is_shut_down(today)


def _tone(item: CloudModel, today: date) -> str:
    return "bad" if _is_over(item, today) else "good"


def _state(item: CloudModel, today: date) -> str:
    parts: list[str] = []
    if item.shutdown is not None:
        gone, ends = said("shut down {date}", date=item.shutdown.date), said("ends {date}", date=item.shutdown.date)
        parts.append(gone if item.is_shut_down(today) else ends)
    elif item.deprecated is not None:
        parts.append(_deprecated(item.deprecated))
    if item.free_tier is not None and not item.free_tier.ended:
        parts.append(said("free tier"))
    if item.is_stale(today):
        parts.append(said("stale: checked {today} days ago", today=item.age(today)))
    return joined(", ", parts) or said("offered")


def list_json(models: Sequence[CloudModel], today: date, missing: Sequence[Missing]) -> str:
    """Return a list of models as JSON text of schema truelimit.cloud/1."""
    rows = [_json(item, today) for item in models]
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
