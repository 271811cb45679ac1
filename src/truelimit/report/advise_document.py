"""Advice as blocks and as JSON: the sentence, what binds today, the shortlist, the cloud, what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import figure, joined, said
from truelimit.report.as_json import calculation as calculation_json
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculations
from truelimit.report.numbers import size

if TYPE_CHECKING:
    from truelimit.advice.nouns import Advice, Candidate, CloudCost, LeftOut, Performance, Recommended, Span

SCHEMA = "truelimit.advise/1"
_TOLD = 4  # machines left out for one reason that the text names one by one


def advice(item: Advice) -> list[Block]:
    """Return the blocks of advice."""
    shown = Shown()
    blocks: list[Block] = [Paragraph(item.sentence, "verdict")]
    blocks += [
        Heading(said("What binds today: {limit_today}", limit_today=item.limit_today)),
        Items(item.limit_reasons, 2),
    ]
    if item.shortlist:
        blocks += [Heading(said("Shortlist")), _table(item.shortlist)]
        for entry in item.shortlist:
            blocks += _entry(entry, shown)
    blocks += calculations(item.calculations, shown)
    if item.cloud:
        blocks += [Heading(said("The cloud instead")), Items(tuple(_cloud(cost) for cost in item.cloud), 2)]
    blocks += _left_out(item.left_out)
    return [*blocks, *([Items(item.notes)] if item.notes else [])]


def _table(items: tuple[Recommended, ...]) -> Block:
    rows = tuple(_row(entry.candidate, entry) for entry in items)
    return Rows(
        (
            said("machine"),
            "USD",
            said("price of"),
            said("memory for models"),
            said("writes (slowest job)"),
            said("reads a prompt (longest)"),
            said("over the years"),
        ),
        rows,
        titled=True,
    )


def _row(item: Candidate, entry: Recommended) -> tuple[str, ...]:
    price = item.price
    return (
        item.name,
        said("{usd:,.0f}", usd=price.usd) if price else "?",
        _priced(item),
        size(item.memory),
        _span(_slowest(item), "tokens/s", 1),
        _span(_longest(item), "s", 0),
        _over_years(item, entry.cost.result),
    )


def _priced(item: Candidate) -> str:
    """Of when the price is, and whether it is of the card or cards alone."""
    if item.price is None:
        return "?"
    if not item.cards_alone:
        return item.price.date
    date = item.price.date
    return said("{date}, cards alone", date=date) if item.cards > 1 else said("{date}, card alone", date=date)


def _over_years(item: Candidate, usd: float) -> str:
    return said("{usd:,.0f} USD, power not known", usd=usd) if item.power is None else said("{usd:,.0f} USD", usd=usd)


def _slowest(item: Candidate) -> Span | None:
    known = [p.decode for p in item.performances if p.decode]
    return min(known, key=lambda estimate: estimate.value) if known else None


def _longest(item: Candidate) -> Span | None:
    known = [p.prefill for p in item.performances if p.prefill]
    return max(known, key=lambda estimate: estimate.value) if known else None


def _span(estimate: Span | None, unit: str, digits: int) -> str:
    if estimate is None:
        return "?"
    return said("{value} {unit}", value=figure(estimate.value, f",.{digits}f"), unit=said(unit))


def _entry(entry: Recommended, shown: Shown) -> list[Block]:
    lines = [*entry.because, *(said("cannot: {text}", text=text) for text in entry.cannot), *entry.candidate.notes]
    found: list[Block] = [Heading(entry.candidate.name, 2), Items(tuple(lines), 2)]
    return found + calculations((entry.cost,), shown)


def _cloud(item: CloudCost) -> str:
    if item.monthly is None:
        return said("{model}: {why_not}", model=item.model, why_not=item.why_not)
    over = said(", {result:,.0f} USD over the years", result=item.over_years.result) if item.over_years else ""
    month = said("{model}: {result:,.2f} USD a month{over}", model=item.model, result=item.monthly.result, over=over)
    return joined("; ", (month, *item.notes))


def _left_out(items: tuple[LeftOut, ...]) -> list[Block]:
    """The rare reasons by name, the common ones counted: 300 machines must not bury the six."""
    if not items:
        return []
    groups: dict[str, list[LeftOut]] = {}
    for item in items:
        groups.setdefault(item.why, []).append(item)
    ordered = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    lines = [_counted(why, group) if len(group) > _TOLD else _named(why, group) for why, group in ordered]
    return [Heading(said("Left out")), Items((*lines, said("--json has each machine with its figures")), 2)]


def _counted(why: str, group: list[LeftOut]) -> str:
    return said("{group} machines: {why}", group=len(group), why=why)


def _named(why: str, group: list[LeftOut]) -> str:
    return said("{why}: {names}", why=why, names=", ".join(item.name for item in group))


def advice_json(item: Advice) -> str:
    """Return advice as JSON text of schema truelimit.advise/1: bytes, tokens, seconds, tokens/s, USD."""
    return dump(
        {
            "schema": SCHEMA,
            "sentence": item.sentence,
            "keep": item.keep,
            "limit_today": {"limit": item.limit_today.value, "reasons": list(item.limit_reasons)},
            "shortlist": [_recommended(entry) for entry in item.shortlist],
            "cloud": [_cloud_json(cost) for cost in item.cloud],
            "left_out": [
                {"id": entry.id, "name": entry.name, "why": entry.why, "detail": entry.detail}
                for entry in item.left_out
            ],
            "calculations": [calculation_json(found) for found in item.calculations],
            "notes": list(item.notes),
        }
    )


def _recommended(entry: Recommended) -> dict[str, object]:
    item = entry.candidate
    price = item.price
    return {
        "id": item.id,
        "name": item.name,
        "price_usd": price.usd if price else None,
        "price_date": price.date if price else None,
        "price_source": price.source if price else None,
        "memory_bytes": item.memory,
        "power_w": item.power,
        "because": list(entry.because),
        "cannot": list(entry.cannot),
        "notes": list(item.notes),
        "cost": calculation_json(entry.cost),
        "jobs": [_performance(performance) for performance in item.performances],
    }


def _performance(item: Performance) -> dict[str, object]:
    return {
        "model": item.job.model,
        "context": item.job.context,
        "fits": item.fits,
        "reason": item.reason,
        "headroom_bytes": item.headroom,
        "main_memory_bytes": item.outside,
        "largest_context": item.largest_context,
        "decode": _estimate(item.decode),
        "prefill_seconds": _estimate(item.prefill),
    }


def _estimate(item: Span | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "value": item.value,
        "low": item.low,
        "high": item.high,
        "basis": item.basis.value,
        "tier": item.tier.value if item.tier else None,
    }


def _cloud_json(item: CloudCost) -> dict[str, object]:
    return {
        "model": item.model,
        "context": item.context,
        "monthly": calculation_json(item.monthly),
        "over_years": calculation_json(item.over_years),
        "why_not": item.why_not,
        "notes": list(item.notes),
    }
