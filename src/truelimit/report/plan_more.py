"""The rest of a plan as blocks: where the parts lie, what binds, what one change would do, other models, commands."""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.app.plan_parts import Bound, Change, ModelPlan, Wait
from truelimit.perf.energy import Energy
from truelimit.perf.placement import Held, Placement
from truelimit.perf.residency import Residency
from truelimit.report.blocks import Block, Items, Paragraph, Rows
from truelimit.report.numbers import duration, number, size
from truelimit.units import HOUR

_SHOWN = 6
_WHAT_BINDS = {
    "native": "Nothing limits it but the model: it was trained for {usable} tokens.",
    "memory": "Memory binds: {usable} tokens fit.",
    "time": "Time binds: {usable} tokens are read before the deadline.",
}


def placement(placed: Placement) -> list[Block]:
    """Return where each part lies: one row a memory."""
    held = (*placed.devices, *((placed.host,) if placed.host else ()))
    rows = tuple(_held(item, placed) for item in held if item.total)
    head = ("where", "in all", "left", "weights", "cache and state", "buffer", "what")
    return [Rows(head, rows, titled=True), *([Items(placed.notes)] if placed.notes else [])]


def over(placed: Placement) -> str:
    """Return in words how several memories hold a model: all of them never make one, so the tightest is named."""
    held = (*placed.devices, *((placed.host,) if placed.host else ()))
    there, least = sum(item.place.size.value for item in held), placed.tightest
    apart = f"over {len(held)} memories apart ({size(there)} in all)"
    if least.left >= 0:
        return f"{apart}: it fits, {size(least.left)} are left on the tightest, {least.place.name}."
    return f"{apart}: it does not fit, {least.place.name} is {size(-least.left)} short."


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
    sentence = _WHAT_BINDS[item.name].format(usable=number(item.usable))
    told = [f"{name} {number(value)}" for name, value in item.limits if value is not None]
    wait = f" (deadline {duration(deadline)})" if deadline is not None else ""
    return [Paragraph(f"{sentence} Limits in tokens: {', '.join(told)}{wait}.")]


def changes(items: tuple[Change, ...], limited: bool) -> list[Block]:
    """Return what one change would do, each planned anew, what helps most first."""
    if not items:
        return []
    rows = tuple(_change(item) for item in items[:_SHOWN])
    head = ("one change", "usable context", "fits", "reads", "writes at full depth", "what it costs")
    first = "What helps most" if limited else "Nothing has to change; what would make it faster"
    return [Paragraph(f"{first}: {items[0].title}."), Rows(head, rows, titled=True)]


def no_change(item: ModelPlan) -> list[Block]:
    """Return what is left to do where memory or time binds and none of the changes that were tried helps."""
    name = item.bound.name if item.bound else ""
    if name == "memory" and item.fits is False:
        tried = "a smaller cache type, the next smaller files and more memory of this kind"
        return [Paragraph(f"No one change makes it fit: {tried} were tried. More devices: --devices N.")]
    if name != "time" or item.prefill_seconds is None or item.deadline_prompt is None:
        return []
    if item.deadline_prompt >= item.wanted.context:
        return []
    seconds, _, most, _ = item.prefill_seconds
    longer = f"a deadline of {duration(seconds)} (up to {duration(most)})"
    cached = f"a prompt cache that leaves at most {number(item.deadline_prompt)} tokens to read"
    return [Paragraph(f"What helps: {longer}, or {cached}; no cache type or smaller file reads faster.")]


def _change(item: Change) -> tuple[str, ...]:
    comes = item.outcome
    fits = {True: "yes", False: "no", None: "not known"}[comes.fits]
    return (
        item.title,
        number(comes.usable) if comes.usable is not None else "not known",
        fits,
        duration(comes.prefill_seconds) if comes.prefill_seconds is not None else "not known",
        f"{comes.decode_rate:,.1f} tokens/s" if comes.decode_rate is not None else "not known",
        item.cost,
    )


def extras(item: ModelPlan) -> list[Block]:
    """Return loading, restoring, energy and the other models, as far as they are known."""
    lines = list(_lines(item))
    return [Items(tuple(lines))] if lines else []


def _lines(item: ModelPlan) -> Iterator[str]:
    if item.load is not None:
        yield f"a cold load takes {_wait(item.load)}"
    if item.restore is not None:
        yield f"this context comes back from the prompt cache in {_wait(item.restore)}"
    if item.energy is not None:
        yield _energy(item.energy)
    if item.residents is not None:
        yield _residents(item.residents)


def _wait(item: Wait) -> str:
    return f"{duration(item.seconds)} ({item.low:,.1f} to {item.high:,.1f} s; {item.calculation.basis})"


def _energy(item: Energy) -> str:
    value, low, high = (part / HOUR for part in (item.joules, item.low, item.high))
    where = item.calculation.terms[2].source
    return f"one answer ({where}) takes {value:,.1f} Wh ({low:,.1f} to {high:,.1f}; {item.calculation.basis})"


def _residents(item: Residency) -> str:
    names = ", ".join(f"{model.name} {size(model.size)}" for model in (*item.evicted, *item.kept))
    if item.fits:
        return f"all stay loaded ({names}): {size(item.total)}, {size(item.left)} are left"
    if not item.evicted:
        return f"{names}: {size(-item.left)} too much even alone"
    gone = ", ".join(model.name for model in item.evicted)
    return f"they do not fit together ({names}, {size(item.total)} in all): {gone} must be unloaded first"


def commands(items: tuple[tuple[str, str], ...]) -> list[Block]:
    """Return the commands of existing engines, each after what it is for."""
    if not items:
        return []
    return [Paragraph("Commands of existing engines:"), Items(tuple(f"{what}: {command}" for what, command in items))]
