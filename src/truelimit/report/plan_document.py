"""A plan as blocks: the verdict on the fit, the memory part by part, speed, other models side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import Message, said
from truelimit.domain.message import rate as per_second
from truelimit.domain.provenance import Missing
from truelimit.report import plan_more
from truelimit.report.blocks import Block, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculation
from truelimit.report.numbers import number, quantity, seconds_between, size

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Beside, ModelPlan, Rate
    from truelimit.domain.calculation import Calculation


def plan(item: ModelPlan, beside: tuple[Beside, ...] = ()) -> list[Block]:
    """Return the blocks of a plan."""
    need = item.need
    parts = (
        (said("weights"), need.weights),
        (said("KV cache"), need.kv_cache),
        (said("state"), need.state),
        (said("compute buffer"), need.compute),
        (said("in all"), item.total),
    )
    rows = tuple((name, size(value)) for name, value in parts if value or name in {"KV cache", "in all"})
    blocks: list[Block] = [Paragraph(_headline(item), "verdict"), Paragraph(_settings(item))]
    blocks.append(Rows((said("memory"), said("size")), rows, frozenset({len(rows) - 1})))
    blocks += [Items(tuple(_beside_the_model(item)))] if _beside_the_model(item) else []
    blocks += plan_more.placement(item.placement) if item.placement else []
    blocks += [Items(item.machine_notes)] if item.machine_notes else []
    blocks += _speed(item)
    blocks += plan_more.bound(item.bound, item.wanted.deadline) if item.bound else []
    blocks += plan_more.extras(item)
    limited = item.fits is False or (item.bound is not None and item.bound.name in {"memory", "time"})
    blocks += plan_more.changes(item.changes, _first(item, limited)) if item.changes else plan_more.no_change(item)
    blocks += plan_more.commands(item.commands)
    if beside:
        blocks += side_by_side(beside, item.wanted.context)
    shown = Shown()
    for calc in _calculations(item):
        blocks += calculation(calc, shown=shown)
    notes = (*need.notes, *item.notes)
    return [*blocks, *([Items(notes)] if notes else [])]


def _first(item: ModelPlan, limited: bool) -> str:
    """What stands before the change that helps most."""
    if limited:
        return said("What helps most")
    return said("What would make it faster") if item.beyond_native else plan_more.NO_CHANGE


def _calculations(item: ModelPlan) -> list[Calculation]:
    """Memory, reading, writing at each depth, loading, restoring, energy: as far as they are known."""
    found = [*item.calculations, *(calc for calc in item.decode_calculations if calc is not None)]
    return [
        *found,
        *(
            part.calculation
            for part in (item.drafts, item.load, item.restore, item.energy)
            if part is not None and not isinstance(part, Missing)
        ),
    ]


def _headline(item: ModelPlan) -> str:
    """Whether it fits, and whether the model was trained for so much at all."""
    if not item.beyond_native or item.native_context is None:
        return _sentence(item)
    return said(
        "{sentence} That is beyond what it was trained for: {native} tokens; it needs rope scaling.",
        sentence=_sentence(item),
        native=number(item.native_context),
    )


def _sentence(item: ModelPlan) -> str:
    text = said(
        "{model} at {context} tokens takes {total}",
        model=item.model,
        context=number(item.wanted.context),
        total=size(item.total),
    )
    room = item.room
    if room is None:
        return said("{text}; the memory that must hold it is not known (give --machine).", text=text)
    if item.placement is not None:
        return said(
            "{text}, {over}{most}",
            text=text,
            over=plan_more.over(item.placement),
            most=_close(item) if item.fits else _most(item),
        )
    if room.headroom >= 0:
        advice = _close(item)
        return said(
            "{text} of {pool}: it fits, {headroom} are left.{advice}",
            text=text,
            pool=size(room.pool),
            headroom=size(room.headroom),
            advice=advice,
        )
    if room.pool < 0:
        return said(
            "{text}, and what the system and the server's prompt cache ({cache}) take is {over} more than the memory "
            "there is.",
            text=text,
            cache=size(item.need.prompt_cache),
            over=size(-room.pool),
        )
    return said(
        "{text}, {headroom} more than the {pool} there are.{most}",
        text=text,
        headroom=size(-room.headroom),
        pool=size(room.pool),
        most=_most(item),
    )


def _close(item: ModelPlan) -> str:
    """What to think of a context that fits, with less left than an accelerator's driver wants for itself."""
    sure, trained = item.largest_context, item.native_context
    if sure is None or sure >= item.wanted.context or (trained is not None and sure >= trained):
        return ""
    return said(" That is little for the driver's own buffers: {sure} tokens are sure.", sure=number(sure))


def _most(item: ModelPlan) -> str:
    return (
        said(" {largest_context} tokens would fit.", largest_context=number(item.largest_context))
        if item.largest_context and not item.fits
        else ""
    )


def _settings(item: ModelPlan) -> str:
    used = item.settings
    kinds: str = used.kv_type
    if used.kv_type != used.kv_type_v:
        kinds = said("{keys} (K), {values} (V)", keys=used.kv_type, values=used.kv_type_v)
    slots = said("1 slot")
    if used.slots > 1 and used.unified:
        slots = said("{slots} slots that share one cache", slots=used.slots)
    elif used.slots > 1:
        slots = said("{slots} slots of {context:,} tokens each", slots=used.slots, context=item.wanted.context)
    attention = "" if used.flash_attention else said(", without flash attention")
    native = (
        said(", trained for {native_context}", native_context=number(item.native_context))
        if item.native_context
        else ""
    )
    return said(
        "Cache of type {kinds} for {whole_context} tokens, {slots}{attention}{native}.",
        kinds=kinds,
        whole_context=number(used.whole_context),
        slots=slots,
        attention=attention,
        native=native,
    )


def _beside_the_model(item: ModelPlan) -> list[Message]:
    """What the memory holds beside the model, where that counts against the same memory."""
    room, cache = item.room, item.need.prompt_cache
    lines = [said("beside it, in main memory: prompt cache of the server, {cache}", cache=size(cache))] if cache else []
    if room is not None and room.os_share:
        lines.append(said("left to the system: {os_share} (assumed)", os_share=size(room.os_share)))
    return [*lines, said("memory: {where}", where=room.where)] if room is not None else lines


def _speed(item: ModelPlan) -> list[Block]:
    lines = _reads(item) + [_writes(depth, rate) for depth, rate in item.decode if rate]
    if not lines:
        return [
            Paragraph(
                said(
                    "How fast it reads and writes here is not known: no evidence and no published series. On the "
                    "machine itself, truelimit machines show this --measure tells its processor's rates, truelimit "
                    "bench a server's."
                ),
                "dim",
            )
        ]
    unfit = (
        [Paragraph(said("It does not fit; the speeds are those it would have if it did:"))]
        if item.fits is False
        else []
    )
    return [*unfit, Items(tuple(lines))]


def _reads(item: ModelPlan) -> list[Message]:
    if item.prefill_seconds is None:
        return []
    value, low, high, basis = item.prefill_seconds
    tier = said("; {tier}", tier=item.prefill_tier) if item.prefill_tier else ""
    span = said("{between}; {basis}{tier}", between=seconds_between(low, high), basis=basis, tier=tier)
    found = [
        said(
            "{context} tokens are read in {value} ({span})",
            context=number(item.wanted.context),
            value=quantity(value, "s"),
            span=span,
        )
    ]
    if item.deadline_prompt is not None and item.wanted.deadline is not None:
        wait = quantity(item.wanted.deadline, "s")
        found.append(
            said(
                "within {wait}, {deadline_prompt} tokens are read from an empty cache",
                wait=wait,
                deadline_prompt=number(item.deadline_prompt),
            )
        )
    return found


def _writes(depth: int, rate: Rate) -> Message:
    tier = said("; {tier}", tier=rate.tier) if rate.tier else ""
    span = said(
        "{low} to {high}; {basis}{tier}",
        low=per_second(rate.low),
        high=per_second(rate.high),
        basis=rate.basis,
        tier=tier,
    )
    return said(
        "writes {rate} tokens/s at depth {depth} ({span})", rate=per_second(rate.value), depth=number(depth), span=span
    )


def side_by_side(models: tuple[Beside, ...], context: int) -> list[Block]:
    """Return models beside each other: KV heads, bytes a token, cache at a context."""
    rows = tuple(
        (row.name, number(row.bytes_per_token), _heads(row.kv_heads), size(round(row.bytes_per_token * context)))
        for row in models
    )
    head = (said("model"), said("KV bytes a token"), said("KV heads"), said("cache"))
    return [
        Paragraph(said("Side by side, a cache of {context} tokens in f16:", context=number(context))),
        Rows(head, rows, titled=True),
    ]


def _heads(told: object) -> str:
    """One number, or the span where layers differ."""
    if isinstance(told, tuple | list) and told:
        low, high = min(told), max(told)
        return f"{low}" if low == high else said("{low} to {high}", low=low, high=high)
    return f"{told}" if isinstance(told, int) else said("not told")
