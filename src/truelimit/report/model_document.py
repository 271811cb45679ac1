"""A model as blocks: parameters, tensors by part, attention, cache, context; and the table of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.domain.message import joined, said, without_start
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span
from truelimit.report.blocks import Block, Items, Paragraph, Rows
from truelimit.report.numbers import number, size
from truelimit.units import GB, Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.model import CacheSize, ModelFacts
    from truelimit.app.model_entry import ModelEntry

_BILLION = GB
_SPANS = {Span.FULL: said("whole context"), Span.WINDOW: said("a window"), Span.COMPRESSED: said("compressed rows")}


def model(facts: ModelFacts) -> list[Block]:
    """Return the blocks of a model."""
    blocks: list[Block] = [
        Paragraph(_sentence(facts), "verdict"),
        *(Paragraph(text, "bad") for text in facts.notes),
        Paragraph(said("from {where}", where=facts.header.where), "dim"),
    ]
    if facts.classes:
        rows = tuple(
            (
                said(item.kind.value),
                size(item.n_bytes or 0),
                said("{parameters} parameters", parameters=number(item.parameters)),
            )
            for item in facts.classes
        )
        blocks.append(Rows((said("part"), said("size"), said("parameters")), rows))
    blocks.append(Items(tuple(_lines(facts))))
    if facts.layout is not None:
        blocks += _attention(facts.layout, facts.heads, facts.header.where)
    if facts.caches:
        blocks += _cache(facts.caches, facts.layout)
    if facts.missing:
        blocks.append(
            Items(tuple(said("not known: {fact} ({why})", fact=item.fact, why=item.why) for item in facts.missing))
        )
    return blocks


def _sentence(facts: ModelFacts) -> str:
    text: str = facts.header.name
    if facts.parameters:
        text += said(": {parameters} parameters", parameters=_billions(facts.parameters.value))
        if facts.active and facts.active.value < facts.parameters.value:
            text += said(", of which a token uses {active}", active=_billions(facts.active.value))
    if facts.weights:
        at = said(" at {quantization}", quantization=facts.quantization) if facts.quantization else ""
        text += said(
            "; weights {weights} ({weights2:,.2f} GB){at}",
            weights=size(facts.weights.value),
            weights2=facts.weights.value / GB,
            at=at,
        )
    return said("{text}.", text=text)


def _billions(count: int) -> str:
    if count < _BILLION / 10:
        return number(count)
    return said("{billions:,.2f} B", billions=count / _BILLION)


def _lines(facts: ModelFacts) -> Iterable[str]:
    header, native = facts.header, facts.header.native_context
    layers = said(", {layers} layers", layers=facts.layers) if facts.layers else ""
    yield said("architecture {architecture}{layers}", architecture=header.architecture, layers=layers)
    if facts.parameters:
        where = _told(facts.parameters, header.where)
        yield said("parameters {number:,} ({where})", number=facts.parameters.value, where=where)
    if facts.active:
        yield said(
            "active parameters {active} ({active2})",
            active=number(facts.active.value),
            active2=_told(facts.active, header.where),
        )
    if facts.weights:
        yield said(
            "weights {weights} bytes ({weights2})",
            weights=number(facts.weights.value),
            weights2=_told(facts.weights, header.where),
        )
    if facts.types:
        kinds = (said("{kind} {size}", kind=kind, size=size(count)) for kind, count in facts.types[:6])
        yield said("stored as {kinds}", kinds=joined(", ", kinds))
    yield (
        said(
            "native context {native} tokens ({native2})",
            native=number(native.value),
            native2=_told(native, header.where),
        )
        if native
        else said("native context not told")
    )
    if facts.rope:
        yield said("positions scaled: {rope}", rope=facts.rope)
    vocabulary = said(", {vocabulary} tokens", vocabulary=number(facts.vocabulary)) if facts.vocabulary else ""
    tokenizer = facts.tokenizer or said("not told")
    yield said("tokenizer {tokenizer}{vocabulary}", tokenizer=tokenizer, vocabulary=vocabulary)
    told = {True: said("there"), False: said("none"), None: said("the source does not tell")}
    yield said("chat template: {told}", told=told[facts.chat_template])
    if facts.entry and facts.entry.typical:
        yield said("a typical shape that stands for a class of models, no model itself")


def _told(known: Known[int] | Known[Bytes] | Known[Tokens], source: str) -> str:
    """Return where a number was read; the source that the page names at its top is not said again."""
    where = without_start(known.where, said("{where}: {key}", where=source, key=""))
    if known.basis is Basis.DERIVED:
        return said("DERIVED: {where}", where=where)
    return said("ASSUMED: {where}", where=where) if known.basis is Basis.ASSUMED else where


def _attention(layout: CacheLayout, heads: tuple[int, ...], source: str) -> list[Block]:
    rows = [(*_group(group, layout), _shape(group, heads)) for group in layout.groups]
    rows += [
        (
            said("{layers} layers", layers=state.layers.value),
            said("a state of constant size"),
            said("{state}: {formula} numbers", state=state.name, formula=state.formula),
        )
        for state in layout.states
    ]
    lengths = {
        said("{name} {value}: {where}", name=name, value=known.value, where=_told(known, source))
        for group in layout.groups
        for name, known in ((said("key length"), group.key_length), (said("value length"), group.value_length))
        if known is not None
    }
    blocks: list[Block] = [
        Paragraph(said("Attention:")),
        Rows((said("layers"), said("keep"), said("shape")), tuple(rows)),
    ]
    return [*blocks, Items(tuple(sorted(lengths)))] if lengths else blocks


def _group(group: KvGroup, layout: CacheLayout) -> tuple[str, str]:
    keep = _SPANS[group.span]
    if group.span is Span.WINDOW and layout.window is not None:
        keep = said("a window of {window}", window=number(layout.window.value))
    elif group.span is Span.COMPRESSED:
        keep = said("one row for {ratio} tokens", ratio=group.ratio)
    return said("{layers} layers", layers=group.layers.value), keep


def _shape(group: KvGroup, heads: tuple[int, ...]) -> str:
    asked = (
        said("{heads} to {heads2}", heads=heads[0], heads2=heads[-1])
        if len(heads) > 1
        else f"{heads[0]}"
        if heads
        else "?"
    )
    kv_heads = said("{kv_heads} KV heads", kv_heads=group.kv_heads.value) + (
        said(" in all layers together") if group.heads_summed else ""
    )
    value = f" + {group.value_length.value}" if group.value_length else said(" (keys only)")
    return said(
        "{asked} heads, {kv_heads}, {key_length}{value} numbers a head",
        asked=asked,
        kv_heads=kv_heads,
        key_length=group.key_length.value,
        value=value,
    )


def _cache(caches: tuple[CacheSize, ...], layout: CacheLayout | None) -> list[Block]:
    context = caches[0].context
    rows = tuple(
        (item.kv_type, said("refused"), item.refused)
        if item.refused
        else (
            item.kv_type,
            size(item.n_bytes),
            said("{per_token} bytes for one more token", per_token=number(item.per_token)),
        )
        for item in caches
    )
    text = said("Cache of {context} tokens, one slot:", context=number(context))
    mark = (
        "" if layout is None or layout.verified else said(" (layout read in the engine's source, not confirmed by it)")
    )
    return [Paragraph(text + mark), Rows((said("type"), said("size"), said("growth")), rows)]


def table(entries: tuple[ModelEntry, ...]) -> list[Block]:
    """Return the table of models: id, parameters, active, native context."""
    rows = tuple((item.id, _total(item), _rest(item)) for item in entries)
    text = said("{entries} models; truelimit model ID says more of each.", entries=len(entries))
    return [Paragraph(text), Rows((said("id"), said("parameters"), said("active; native context; other names")), rows)]


def _total(item: ModelEntry) -> str:
    count = item.header.metadata.get("general.parameter_count")
    return _billions(count) if isinstance(count, int) else "?"


def _rest(item: ModelEntry) -> str:
    native = item.header.native_context
    parts = [_billions(item.active_parameters) if item.active_parameters else "?"]
    parts.append(said("{native} tokens", native=number(native.value)) if native else "?")
    return joined("; ", [*parts, ", ".join(item.aliases[:2])])
