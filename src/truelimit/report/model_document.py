"""A model as blocks: parameters, tensors by part, attention, cache, context; and the table of models."""

from __future__ import annotations

from collections.abc import Iterable

from truelimit.app.model import CacheSize, ModelEntry, ModelFacts
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span
from truelimit.report.blocks import Block, Items, Paragraph, Rows
from truelimit.report.numbers import number, size
from truelimit.units import GB, Bytes, Tokens

_BILLION = GB
_SPANS = {Span.FULL: "whole context", Span.WINDOW: "a window", Span.COMPRESSED: "compressed rows"}


def model(facts: ModelFacts) -> list[Block]:
    """Return the blocks of a model."""
    blocks: list[Block] = [Paragraph(_sentence(facts), "verdict"), Paragraph(f"from {facts.header.where}", "dim")]
    if facts.classes:
        rows = tuple(
            (item.kind.value, size(item.n_bytes or 0), f"{number(item.parameters)} parameters")
            for item in facts.classes
        )
        blocks.append(Rows(("part", "size", "parameters"), rows))
    blocks.append(Items(tuple(_lines(facts))))
    if facts.layout is not None:
        blocks += _attention(facts.layout, facts.heads, facts.header.where)
    if facts.caches:
        blocks += _cache(facts.caches, facts.layout)
    if facts.missing:
        blocks.append(Items(tuple(f"not known: {item.fact} ({item.why})" for item in facts.missing)))
    return blocks


def _sentence(facts: ModelFacts) -> str:
    text = facts.header.name
    if facts.parameters:
        text += f": {_billions(facts.parameters.value)} parameters"
        if facts.active and facts.active.value < facts.parameters.value:
            text += f", of which a token uses {_billions(facts.active.value)}"
    if facts.weights:
        at = f" at {facts.quantization}" if facts.quantization else ""
        text += f"; weights {size(facts.weights.value)} ({facts.weights.value / GB:,.2f} GB){at}"
    return f"{text}."


def _billions(count: int) -> str:
    if count < _BILLION / 10:
        return number(count)
    return f"{count / _BILLION:,.2f} B"


def _lines(facts: ModelFacts) -> Iterable[str]:
    header, native = facts.header, facts.header.native_context
    yield f"architecture {header.architecture}" + (f", {facts.layers} layers" if facts.layers else "")
    if facts.parameters:
        yield f"parameters {number(facts.parameters.value)} ({_told(facts.parameters, header.where)})"
    if facts.active:
        yield f"active parameters {number(facts.active.value)} ({_told(facts.active, header.where)})"
    if facts.weights:
        yield f"weights {number(facts.weights.value)} bytes ({_told(facts.weights, header.where)})"
    if facts.types:
        yield "stored as " + ", ".join(f"{kind} {size(count)}" for kind, count in facts.types[:6])
    yield (
        f"native context {number(native.value)} tokens ({_told(native, header.where)})"
        if native
        else "native context not told"
    )
    if facts.rope:
        yield f"positions scaled: {facts.rope}"
    vocabulary = f", {number(facts.vocabulary)} tokens" if facts.vocabulary else ""
    yield f"tokenizer {facts.tokenizer or 'not told'}{vocabulary}"
    told = {True: "there", False: "none", None: "the source does not tell"}
    yield f"chat template: {told[facts.chat_template]}"
    if facts.entry and facts.entry.typical:
        yield "a typical shape that stands for a class of models, no model itself"


def _told(known: Known[int] | Known[Bytes] | Known[Tokens], source: str) -> str:
    """Return where a number was read; the source that the page names at its top is not said again."""
    mark = f"{known.basis.upper()}: " if known.basis in {Basis.DERIVED, Basis.ASSUMED} else ""
    return mark + known.where.removeprefix(f"{source}: ")


def _attention(layout: CacheLayout, heads: tuple[int, ...], source: str) -> list[Block]:
    rows = [(*_group(group, layout), _shape(group, heads)) for group in layout.groups]
    rows += [
        (f"{state.layers.value} layers", "a state of constant size", f"{state.name}: {state.formula} numbers")
        for state in layout.states
    ]
    lengths = {
        f"{name} {known.value}: {_told(known, source)}"
        for group in layout.groups
        for name, known in (("key length", group.key_length), ("value length", group.value_length))
        if known is not None
    }
    blocks: list[Block] = [Paragraph("Attention:"), Rows(("layers", "keep", "shape"), tuple(rows))]
    return [*blocks, Items(tuple(sorted(lengths)))] if lengths else blocks


def _group(group: KvGroup, layout: CacheLayout) -> tuple[str, str]:
    keep = _SPANS[group.span]
    if group.span is Span.WINDOW and layout.window is not None:
        keep = f"a window of {number(layout.window.value)}"
    elif group.span is Span.COMPRESSED:
        keep = f"one row for {group.ratio} tokens"
    return f"{group.layers.value} layers", keep


def _shape(group: KvGroup, heads: tuple[int, ...]) -> str:
    asked = f"{heads[0]} to {heads[-1]}" if len(heads) > 1 else f"{heads[0]}" if heads else "?"
    kv_heads = f"{group.kv_heads.value} KV heads" + (" in all layers together" if group.heads_summed else "")
    value = f" + {group.value_length.value}" if group.value_length else " (keys only)"
    return f"{asked} heads, {kv_heads}, {group.key_length.value}{value} numbers a head"


def _cache(caches: tuple[CacheSize, ...], layout: CacheLayout | None) -> list[Block]:
    context = caches[0].context
    rows = tuple(
        (item.kv_type, "refused", item.refused)
        if item.refused
        else (item.kv_type, size(item.n_bytes), f"{number(item.per_token)} bytes for one more token")
        for item in caches
    )
    text = f"Cache of {number(context)} tokens, one slot:"
    mark = "" if layout is None or layout.verified else " (layout read in the engine's source, not confirmed by it)"
    return [Paragraph(text + mark), Rows(("type", "size", "growth"), rows)]


def table(entries: tuple[ModelEntry, ...]) -> list[Block]:
    """Return the table of models: id, parameters, active, native context."""
    rows = tuple((item.id, _total(item), _rest(item)) for item in entries)
    text = f"{len(entries)} models; truelimit model ID says more of each."
    return [Paragraph(text), Rows(("id", "parameters", "active; native context; other names"), rows)]


def _total(item: ModelEntry) -> str:
    count = item.header.metadata.get("general.parameter_count")
    return _billions(count) if isinstance(count, int) else "?"


def _rest(item: ModelEntry) -> str:
    native = item.header.native_context
    parts = [_billions(item.active_parameters) if item.active_parameters else "?"]
    parts.append(f"{number(native.value)} tokens" if native else "?")
    return "; ".join([*parts, ", ".join(item.aliases[:2])])
