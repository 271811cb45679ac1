"""A plan as blocks: the verdict on the fit, the memory part by part, speed, other models side by side."""

from __future__ import annotations

from truelimit.app.plan_parts import Beside, ModelPlan, Rate
from truelimit.report import plan_more
from truelimit.report.blocks import Block, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculation
from truelimit.report.numbers import number, quantity, size


def plan(item: ModelPlan, beside: tuple[Beside, ...] = ()) -> list[Block]:
    """Return the blocks of a plan."""
    need = item.need
    parts = (
        ("weights", need.weights),
        ("KV cache", need.kv_cache),
        ("state", need.state),
        ("compute buffer", need.compute),
        ("in all", item.total),
    )
    rows = tuple((name, size(value)) for name, value in parts if value or name in {"KV cache", "in all"})
    blocks: list[Block] = [Paragraph(_sentence(item), "verdict"), Paragraph(_settings(item))]
    blocks.append(Rows(("memory", "size"), rows, frozenset({len(rows) - 1})))
    blocks += [Items(tuple(_beside_the_model(item)))] if _beside_the_model(item) else []
    blocks += plan_more.placement(item.placement) if item.placement else []
    blocks += _speed(item)
    blocks += plan_more.bound(item.bound, item.wanted.deadline) if item.bound else []
    blocks += plan_more.extras(item)
    limited = item.fits is False or (item.bound is not None and item.bound.name in {"memory", "time"})
    blocks += plan_more.changes(item.changes, limited) if item.changes else plan_more.no_change(item)
    blocks += plan_more.commands(item.commands)
    if beside:
        blocks += side_by_side(beside, item.wanted.context)
    shown = Shown()
    for calc in item.calculations:
        blocks += calculation(calc, shown=shown)
    notes = (*need.notes, *item.notes)
    return [*blocks, *([Items(notes)] if notes else [])]


def _sentence(item: ModelPlan) -> str:
    text = f"{item.model} at {number(item.wanted.context)} tokens takes {size(item.total)}"
    room = item.room
    if room is None:
        return f"{text}; the memory that must hold it is not known (give --machine)."
    if item.placement is not None:
        return f"{text}, {plan_more.over(item.placement)}{_most(item)}"
    if room.headroom >= 0:
        sure = item.largest_context
        close = sure is not None and sure < item.wanted.context
        advice = f" That is little for the driver's own buffers: {number(sure or 0)} tokens are sure." if close else ""
        return f"{text} of {size(room.pool)}: it fits, {size(room.headroom)} are left.{advice}"
    return f"{text}, {size(-room.headroom)} more than the {size(room.pool)} there are.{_most(item)}"


def _most(item: ModelPlan) -> str:
    return f" {number(item.largest_context)} tokens would fit." if item.largest_context and not item.fits else ""


def _settings(item: ModelPlan) -> str:
    used = item.settings
    kinds = used.kv_type if used.kv_type == used.kv_type_v else f"{used.kv_type} (K), {used.kv_type_v} (V)"
    slots = "1 slot"
    if used.slots > 1:
        shared = "share one cache" if used.unified else f"of {number(item.wanted.context)} tokens each"
        slots = f"{used.slots} slots that {shared}" if used.unified else f"{used.slots} slots {shared}"
    attention = "" if used.flash_attention else ", without flash attention"
    native = f", trained for {number(item.native_context)}" if item.native_context else ""
    return f"Cache of type {kinds} for {number(used.whole_context)} tokens, {slots}{attention}{native}."


def _beside_the_model(item: ModelPlan) -> list[str]:
    """What the memory holds beside the model, where that counts against the same memory."""
    room, cache = item.room, item.need.prompt_cache
    lines = [f"beside it, in main memory: prompt cache of the server, {size(cache)}"] if cache else []
    if room is not None and room.os_share:
        lines.append(f"left to the system: {size(room.os_share)} (assumed)")
    return [*lines, f"memory: {room.where}"] if room is not None else lines


def _speed(item: ModelPlan) -> list[Block]:
    lines = _reads(item) + [_writes(depth, rate) for depth, rate in item.decode if rate]
    if not lines:
        return [
            Paragraph("How fast it reads and writes here is not known: no evidence and no published series.", "dim")
        ]
    unfit = [Paragraph("It does not fit; the speeds are those it would have if it did:")] if item.fits is False else []
    return [*unfit, Items(tuple(lines))]


def _reads(item: ModelPlan) -> list[str]:
    if item.prefill_seconds is None:
        return []
    value, low, high, basis = item.prefill_seconds
    tier = f"; {item.prefill_tier}" if item.prefill_tier else ""
    span = f"{low:,.0f} to {high:,.0f} s; {basis}{tier}"
    found = [f"{number(item.wanted.context)} tokens are read in {quantity(value, 's')} ({span})"]
    if item.deadline_prompt is not None and item.wanted.deadline is not None:
        wait = quantity(item.wanted.deadline, "s")
        found.append(f"within {wait}, {number(item.deadline_prompt)} tokens are read from an empty cache")
    return found


def _writes(depth: int, rate: Rate) -> str:
    tier = f"; {rate.tier}" if rate.tier else ""
    span = f"{rate.low:,.1f} to {rate.high:,.1f}; {rate.basis}{tier}"
    return f"writes {rate.value:,.1f} tokens/s at depth {number(depth)} ({span})"


def side_by_side(models: tuple[Beside, ...], context: int) -> list[Block]:
    """Return models beside each other: KV heads, bytes a token, cache at a context."""
    rows = tuple(
        (row.name, number(row.bytes_per_token), _heads(row.kv_heads), size(round(row.bytes_per_token * context)))
        for row in models
    )
    head = ("model", "KV bytes a token", "KV heads", "cache")
    return [Paragraph(f"Side by side, a cache of {number(context)} tokens in f16:"), Rows(head, rows, titled=True)]


def _heads(told: object) -> str:
    """One number, or the span where layers differ."""
    if isinstance(told, tuple | list) and told:
        low, high = min(told), max(told)
        return f"{low}" if low == high else f"{low} to {high}"
    return f"{told}" if isinstance(told, int) else "not told"
