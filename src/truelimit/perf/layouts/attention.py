"""Layers with ordinary attention: keys and values of each layer, grouped by how many cells they keep.

Source: ``llama_kv_cache`` and ``llama_hparams::n_embd_k_gqa`` of llama.cpp, build b11434: a layer keeps
kv_heads * key_length numbers of keys and kv_heads * value_length of values in every cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.perf.layouts.keys import MAX_ROW, Keys
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span, UnknownLayoutError

if TYPE_CHECKING:
    from truelimit.domain.provenance import Known


def plain(keys: Keys) -> CacheLayout:
    """Return the layout of a model whose layers all keep the whole context; layers for drafting keep nothing."""
    return attention(keys, range(keys.layers()[1]))


def attention(
    keys: Keys,
    cached: Sequence[int],
    windowed: Sequence[bool] = (),
    window: Known[int] | None = None,
    *,
    values: bool = True,
) -> CacheLayout:
    """Return the layout of the layers ``cached``, of which those in ``windowed`` keep a window only.

    ``windowed`` may be shorter than the layers; the rest keeps the whole context. Raises UnknownLayoutError.
    """
    every = keys.layers()[0]
    heads = keys.kv_heads(every)
    in_window = [*windowed, *([False] * (every - len(windowed)))]
    spans = {
        Span.FULL: [layer for layer in cached if heads[layer] and not in_window[layer]],
        Span.WINDOW: [layer for layer in cached if heads[layer] and in_window[layer]],
    }
    groups = tuple(_group(keys, span, layers, heads, values) for span, layers in spans.items() if layers)
    _check_tensors(keys, groups, spans, heads)
    rows = _value_rows(keys, heads, in_window) if values and groups else [0]
    return CacheLayout(
        keys.header.architecture,
        groups,
        window=window if spans[Span.WINDOW] else None,
        widest_values=max(rows),
        values_vary=len(set(rows)) > 1,
    )


def _group(keys: Keys, span: Span, layers: Sequence[int], heads: Sequence[int], values: bool) -> KvGroup:
    """Return the group of ``layers``; heads are summed where they differ."""
    counts = {heads[layer] for layer in layers}
    summed = len(counts) > 1
    total = sum(heads[layer] for layer in layers) if summed else counts.pop()
    key, value = lengths(keys, span)
    if max(heads[layer] for layer in layers) * max(key.value, value.value) > MAX_ROW:
        raise UnknownLayoutError(
            said("{where} times the head length is beyond any model", where=keys.where("attention.head_count_kv"))
        )
    return KvGroup(
        span.value,
        span,
        keys.known(len(layers), "block_count"),
        keys.known(total, "attention.head_count_kv" if keys.has("attention.head_count_kv") else "attention.head_count"),
        key,
        value if values else None,
        heads_summed=summed,
    )


def lengths(keys: Keys, span: Span) -> tuple[Known[int], Known[int]]:
    """Return the key and value length of a head; layers with a window may have their own."""
    return _length(keys, "key_length", span), _length(keys, "value_length", span)


def _length(keys: Keys, key: str, span: Span) -> Known[int]:
    own = f"attention.{key}_swa"
    if span is Span.WINDOW and keys.has(own):
        return keys.count(own, most=MAX_ROW)
    return keys.head_length(key)


def _value_rows(keys: Keys, heads: Sequence[int], in_window: Sequence[bool]) -> list[int]:
    """Return the row of values of each layer, cached or not: what the engine pads to without flash attention."""
    full, window = (lengths(keys, span)[1].value for span in (Span.FULL, Span.WINDOW))
    return [count * (window if inside else full) for count, inside in zip(heads, in_window, strict=True)]


def _check_tensors(
    keys: Keys, groups: Sequence[KvGroup], spans: Mapping[Span, Sequence[int]], heads: Sequence[int]
) -> None:
    """Refuse a header whose tensor table contradicts its keys: rows of ``attn_k`` against heads * key length."""
    rows = {
        tensor.name: tensor.shape[1]
        for tensor in keys.header.tensors
        if tensor.name.endswith(".attn_k.weight") and len(tensor.shape) == 2
    }
    for group in groups:
        for layer in spans[group.span]:
            found = rows.get(f"blk.{layer}.attn_k.weight")
            expected = heads[layer] * group.key_length.value
            if found is not None and found != expected:
                raise UnknownLayoutError(
                    said(
                        "{where}: blk.{layer}.attn_k.weight has {found} rows, but the keys give "
                        "{heads} heads of {key_length} = {expected}",
                        where=keys.header.where,
                        layer=layer,
                        found=found,
                        heads=heads[layer],
                        key_length=group.key_length.value,
                        expected=expected,
                    )
                )
