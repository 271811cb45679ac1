"""Providers' models as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from truelimit.domain.message import figure, joined, said
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.calculations import calculation
from truelimit.report.numbers import number

if TYPE_CHECKING:
    from truelimit.app.cloud import CloudView
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.cloud import CloudModel, DatedPrices, FreeTier, Milestone, PriceTier
    from truelimit.domain.provenance import Known, Missing


def listed(
    models: Sequence[CloudModel],
    today: date,
    missing: Sequence[Missing],
    costs: Sequence[Calculation | None] = (),
) -> list[Block]:
    """Return the blocks of a list of models: window, prices of today, what ends, how old the entry is.

    ``costs`` are those of a request that was asked for, one for each model, None where its price is not known.
    """
    spent: list[tuple[str, ...]] = [(_cost(item),) for item in costs] or [()] * len(models)
    rows = tuple(
        (item.id, _window(item), *told, item.provider, _price(item, today), _limit(item), _state(item, today))
        for item, told in zip(models, spent, strict=True)
    )
    ended = frozenset(index for index, item in enumerate(models) if _is_over(item, today))
    head = (
        said("model"), said("window"), *([said("cost of the request")] if costs else []),
        said("provider"), said("USD per million tokens: input / cached / output"),
        said("rate limit"), said("state"),
    )  # fmt: skip
    first = Paragraph(_told_of(models, today), "verdict")
    return [first, Rows(head, rows, ended, titled=True), *_not_known(missing)]


def _told_of(models: Sequence[CloudModel], today: date) -> str:
    """How many models, and when what is told of them was looked up: prices of a day to come are those of then."""
    days = sorted({item.as_of for item in models})
    if not days:
        return said("no model of a provider is so.")
    values = {"models": len(models), "day": today.isoformat(), "first": days[0], "last": days[-1]}
    if len(days) == 1:
        return said(
            "{models} models of providers, as of {day}; entries and prices were looked up on {first}.", **values
        )
    return said(
        "{models} models of providers, as of {day}; entries and prices were looked up from {first} to {last}.", **values
    )


def _cost(spent: Calculation | None) -> str:
    return said("not known") if spent is None else said("${amount:,.4f}", amount=spent.result)


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
    lines += [line for dated in _prices(item, today) for line in dated]
    lines += _limit_lines(item)
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


def _limit(item: CloudModel) -> str:
    """The rate limit in few words: that of the lowest paying tier, else that of what is free."""
    if item.limit is not None:
        return said("{tokens:,} tokens a minute", tokens=item.limit.tokens_per_minute.value)
    free = item.free_tier
    told = [] if free is None or free.ended else list(_free_limits(free))
    return said("free: {limits}", limits=joined(", ", told)) if told else said("not known")


def _free_limits(free: FreeTier) -> Iterator[str]:
    if free.tokens_per_minute:
        yield said("{tokens:,} tokens a minute", tokens=free.tokens_per_minute.value)
    if free.requests_per_minute:
        yield said("{requests:,} requests a minute", requests=free.requests_per_minute.value)
    if free.requests_per_day:
        yield said("{requests:,} requests a day", requests=free.requests_per_day.value)


def _limit_lines(item: CloudModel) -> list[str]:
    lines: list[str] = [said("limit: {limit}", limit=limit) for limit in item.rate_limits]
    held = item.limit
    if held is None:
        return lines
    tokens = held.tokens_per_minute
    counts = "" if held.counts_cached else said(", without those read from its cache")
    line = said(
        "limit: {tokens:,} tokens a minute{counts}, {what} [{basis}: {where}, {as_of}]",
        tokens=tokens.value,
        counts=counts,
        what=held.what,
        basis=tokens.basis,
        where=tokens.where,
        as_of=held.as_of,
    )
    return [*lines, line]


def _prices(item: CloudModel, today: date) -> list[list[str]]:
    """The lines of the prices of today, then of those to come, then of earlier ones, the latest first."""
    held = item.prices_on(today)
    if held is None:
        return [_price_lines(dated) for dated in item.prices]
    at = item.prices.index(held)
    pairs = zip(item.prices[:at], item.prices[1:], strict=False)
    earlier = [_earlier_lines(dated, after.since or "") for dated, after in pairs]
    return [*(_price_lines(dated) for dated in item.prices[at:]), *reversed(earlier)]


def _earlier_lines(dated: DatedPrices, end: str) -> list[str]:
    return [
        said(
            "earlier price, before {end}, input / cached / output, USD per million tokens: {tier} ({source})",
            end=end,
            tier=_tier(tier),
            source=dated.source,
        )
        for tier in dated.tiers
    ]


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
