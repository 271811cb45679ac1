"""The rest of a plan as blocks: where the parts lie, what binds, what one change would do, other models, commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.message import joined, rate, said
from truelimit.domain.provenance import Missing
from truelimit.report.blocks import Block, Items, Paragraph, Rows
from truelimit.report.language import marked
from truelimit.report.numbers import duration, number, size
from truelimit.units import HOUR

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Bound, Change, Drafts, ModelPlan, Wait
    from truelimit.domain.estimates import Tier
    from truelimit.perf.energy import Energy
    from truelimit.perf.placement import Held, Placement
    from truelimit.perf.residency import Residency

_SHOWN = 6
NO_CHANGE = said("Nothing has to change; what would make it faster")
_LIMITS = {"native": marked("native"), "memory": marked("memory"), "time": marked("time")}
_WHAT_BINDS = {
    "native": marked("Nothing limits it but the model: it was trained for {usable} tokens."),
    "memory": marked("Memory binds: {usable} tokens surely fit."),
    "time": marked("Time binds: {usable} tokens are read before the deadline."),
}


def placement(placed: Placement) -> list[Block]:
    """Return where each part lies: one row a memory."""
    held = (*placed.devices, *((placed.host,) if placed.host else ()))
    rows = tuple(_held(item, placed) for item in held if item.total)
    head = (
        said("where"), said("in all"), said("left"), said("weights"), said("cache and state"), said("buffer"),
        said("what"),
    )  # fmt: skip
    return [Rows(head, rows, titled=True), *([Items(placed.notes)] if placed.notes else [])]


def over(placed: Placement) -> str:
    """Return in words how several memories hold a model: all of them never make one, so the tightest is named."""
    held = (*placed.devices, *((placed.host,) if placed.host else ()))
    there, least = sum(item.place.size.value for item in held), placed.tightest
    apart = said("over {held} memories apart ({there} in all)", held=len(held), there=size(there))
    if least.left >= 0:
        return said(
            "{apart}: it fits, {left} are left on the tightest, {place}.",
            apart=apart,
            left=size(least.left),
            place=least.place.name,
        )
    return said(
        "{apart}: it does not fit, {place} is {left} short.",
        apart=apart,
        place=least.place.name,
        left=size(-least.left),
    )


def _held(item: Held, placed: Placement) -> tuple[str, ...]:
    from truelimit.limits.pools import share_of_blocks

    return (
        item.place.name,
        size(item.total),
        size(item.left),
        size(item.weights),
        size(item.kv_cache + item.state),
        size(item.compute),
        share_of_blocks(item, placed),
    )


def bound(item: Bound, deadline: float | None) -> list[Block]:
    """Return which limit is the lowest, and the limits side by side."""
    if item.name == "unknown" or item.usable is None:
        return []
    sentence = said(_WHAT_BINDS[item.name], usable=number(item.usable))
    told = [
        said("{limit} {tokens:,}", limit=said(_LIMITS[name]), tokens=value)
        for name, value in item.limits
        if value is not None
    ]
    wait = said(" (deadline {seconds})", seconds=duration(deadline)) if deadline is not None else ""
    return [
        Paragraph(
            said("{sentence} Limits in tokens: {told}{wait}.", sentence=sentence, told=joined(", ", told), wait=wait)
        )
    ]


def changes(items: tuple[Change, ...], first: str) -> list[Block]:
    """Return what one change would do, each planned anew, what helps most after ``first``."""
    if not items:
        return []
    rows = tuple(_change(item) for item in items[:_SHOWN])
    head = (
        said("one change"),
        said("usable context"),
        said("fits"),
        said("reads"),
        said("writes at full depth"),
        said("what it costs"),
    )
    told: list[Block] = [
        Paragraph(said("{first}: {change}.", first=first, change=items[0].title)),
        Rows(head, rows, titled=True),
    ]
    return [*told, *_apart(items[:_SHOWN])]


def _apart(items: tuple[Change, ...]) -> list[Block]:
    """That rates rest on different things, where they do: nobody may compare a published rate with an estimate."""
    groups: dict[tuple[Tier, float], list[str]] = {}
    for item in items:
        if item.own_rate is not None and item.outcome.decode_tier is not None:
            groups.setdefault((item.outcome.decode_tier, item.own_rate), []).append(item.title)
    notes = tuple(
        said(
            "the rates of writing with {change} rest on something else ({tier}) than that of the plan: by the same "
            "estimate the plan writes {own} tokens/s, and the changes are sorted by that",
            change=joined(", ", titles),
            tier=tier,
            own=rate(own),
        )
        for (tier, own), titles in groups.items()
    )
    return [Items(notes)] if notes else []


def no_change(item: ModelPlan) -> list[Block]:
    """Return what is left to do where memory or time binds and none of the changes that were tried helps."""
    name = item.bound.name if item.bound else ""
    if name == "memory" and item.fits is False:
        tried = said("a smaller cache type, the next smaller files and more memory of this kind")
        return [
            Paragraph(said("No one change makes it fit: {tried} were tried. More devices: --devices N.", tried=tried))
        ]
    if name != "time" or item.prefill_seconds is None or item.deadline_prompt is None:
        return []
    if item.deadline_prompt >= item.wanted.context:
        return []
    seconds, _, most, _ = item.prefill_seconds
    longer = said("a deadline of {seconds} (up to {most})", seconds=duration(seconds), most=duration(most))
    cached = said(
        "a prompt cache that leaves at most {deadline_prompt} tokens to read",
        deadline_prompt=number(item.deadline_prompt),
    )
    return [
        Paragraph(
            said(
                "What helps: {longer}, or {cached}; no cache type or smaller file reads faster.",
                longer=longer,
                cached=cached,
            )
        )
    ]


def _change(item: Change) -> tuple[str, ...]:
    comes = item.outcome
    fits = {True: said("yes"), False: said("no"), None: said("not known")}[comes.fits]
    return (
        item.title,
        number(comes.usable) if comes.usable is not None else said("not known"),
        fits,
        duration(comes.prefill_seconds) if comes.prefill_seconds is not None else said("not known"),
        said("{rate} tokens/s", rate=rate(comes.decode_rate)) if comes.decode_rate is not None else said("not known"),
        item.cost,
    )


def extras(item: ModelPlan) -> list[Block]:
    """Return loading, restoring, energy and the other models, as far as they are known."""
    lines = list(_lines(item))
    return [Items(tuple(lines))] if lines else []


def _lines(item: ModelPlan) -> Iterator[str]:
    if item.drafts is not None:
        yield _drafts(item.drafts)
    if item.load is not None:
        yield said("a cold load takes {load}", load=_wait(item.load))
    if item.restore is not None:
        yield said("this context comes back from the prompt cache in {restore}", restore=_wait(item.restore))
    if isinstance(item.energy, Missing):
        yield said("what one answer takes in energy is not known: {why}", why=item.energy.why)
    elif item.energy is not None:
        yield _energy(item.energy)
    if item.residents is not None:
        yield _residents(item.residents)


def _drafts(item: Drafts) -> str:
    told = item.rate
    return said(
        "with its own layers for drafting ({layers}; multi-token prediction), where the engine uses them, it writes "
        "{value} tokens/s at depth 0 ({low} to {high}; {basis}): in no other number here",
        layers=item.layers, value=rate(told.value), low=rate(told.low), high=rate(told.high), basis=told.basis,
    )  # fmt: skip


def _wait(item: Wait) -> str:
    return said(
        "{seconds} ({low:,.1f} to {high:,.1f} s; {basis})",
        seconds=duration(item.seconds),
        low=item.low,
        high=item.high,
        basis=item.calculation.basis,
    )


def _energy(item: Energy) -> str:
    value, low, high = (part / HOUR for part in (item.joules, item.low, item.high))
    where = item.calculation.terms[2].source
    return said(
        "one answer ({where}) takes {value:,.1f} Wh ({low:,.1f} to {high:,.1f}; {basis})",
        where=where,
        value=value,
        low=low,
        high=high,
        basis=item.calculation.basis,
    )


def _residents(item: Residency) -> str:
    names = joined(", ", (said("{model} {size}", model=m.name, size=size(m.size)) for m in (*item.evicted, *item.kept)))
    if item.fits:
        return said(
            "all stay loaded ({names}): {total}, {left} are left",
            names=names,
            total=size(item.total),
            left=size(item.left),
        )
    if not item.evicted:
        return said("{names}: {left} too much even alone", names=names, left=size(-item.left))
    gone = ", ".join(model.name for model in item.evicted)
    return said(
        "they do not fit together ({names}, {total} in all): {gone} must be unloaded first",
        names=names,
        total=size(item.total),
        gone=gone,
    )


def commands(items: tuple[tuple[str, str], ...]) -> list[Block]:
    """Return the commands of existing engines, each after what it is for."""
    if not items:
        return []
    return [
        Paragraph(said("Commands of existing engines:")),
        Items(tuple(said("{what}: {command}", what=what, command=command) for what, command in items)),
    ]
