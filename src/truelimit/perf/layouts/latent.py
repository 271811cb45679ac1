"""Latent attention (MLA), which keeps compressed keys only, and the index keys of sparse attention.

Source: ``llama_kv_cache`` (no values when ``is_mla``), ``llama-kv-cache-dsa.cpp`` and ``llama-kv-cache-msa.cpp`` of
llama.cpp, build b11434. A file without the ``*_mla`` keys (an old conversion) keeps full keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.attention import attention, lengths, plain
from truelimit.perf.layouts.hybrid import delta_attention, gated_delta_net, require_latent
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span, UnknownLayoutError
from truelimit.perf.layouts.states import ngram_state

if TYPE_CHECKING:
    from truelimit.perf.layouts.keys import Keys

# GLM 5.2 without the list of its indexers follows a table in the engine's code (src/models/glm-dsa.cpp).
GLM_TABLE_CONTEXT = 1_048_576
_ONE = Known(1, said("llama.cpp: index keys have one head"), Basis.SPECIFIED)


def latent(keys: Keys) -> CacheLayout:
    """Return the layout of DeepSeek V2 and V3 and their kin: keys only where the file has the ``*_mla`` keys."""
    present = [keys.has(f"attention.{key}") for key in ("key_length_mla", "value_length_mla")]
    if not any(present):
        return plain(keys)
    require_latent(keys)
    _check_width(keys)
    return attention(keys, range(keys.layers()[1]), values=False)


def _check_width(keys: Keys) -> None:
    """Refuse keys that contradict: a cached row is the latent and the rotated part."""
    if not keys.has("rope.dimension_count"):
        return
    parts = keys.count("attention.kv_lora_rank").value + keys.count("rope.dimension_count").value
    length = keys.count("attention.key_length").value
    if parts != length:
        raise UnknownLayoutError(
            said(
                "{where} is {length}, but kv_lora_rank + rope.dimension_count = {parts}",
                where=keys.where("attention.key_length"),
                length=length,
                parts=parts,
            )
        )


def latent_with_index(keys: Keys) -> CacheLayout:
    """Return the layout of DeepSeek V3.2: latent attention, and index keys in every layer."""
    require_latent(keys)
    trunk = keys.layers()[1]
    return _with_index(keys, attention(keys, range(trunk), values=False), trunk)


def latent_with_some_indexes(keys: Keys) -> CacheLayout:
    """Return the layout of GLM 5: latent attention, and index keys in the layers that have their own indexer."""
    require_latent(keys)
    trunk = keys.layers()[1]
    return _with_index(keys, attention(keys, range(trunk), values=False), sum(_indexers(keys, trunk)))


def _indexers(keys: Keys, trunk: int) -> Sequence[bool]:
    if keys.has("attention.indexer.types"):
        return keys.flags("attention.indexer.types", trunk)
    if keys.count("context_length", most=2**40).value >= GLM_TABLE_CONTEXT:
        raise UnknownLayoutError(
            said("{where} is missing: which layers have an indexer?", where=keys.where("attention.indexer.types"))
        )
    return [True] * trunk


def latent_with_optional_index(keys: Keys) -> CacheLayout:
    """Return the layout of Hunyuan V4: as DeepSeek V3.2, without index keys where there is no indexer."""
    require_latent(keys)
    every, trunk = keys.layers()
    layout = attention(keys, range(every), values=False)
    if keys.absent_or_zero("attention.indexer.top_k"):
        return layout
    return _with_index(keys, layout, sum(keys.flags("attention.indexer.types", trunk)))


def latent_window_with_index(keys: Keys) -> CacheLayout:
    """Return the layout of dots3-note: latent attention with windows, index keys in full layers only."""
    require_latent(keys)
    trunk = keys.layers()[1]
    windows = keys.flags("attention.sliding_window_pattern", trunk)
    layout = attention(keys, range(trunk), windows, keys.count("attention.sliding_window"), values=False)
    own = keys.flags("attention.indexer.types", trunk)
    return _with_index(keys, layout, sum(a and not b for a, b in zip(own, windows, strict=True)))


def index_beside_attention(keys: Keys) -> CacheLayout:
    """Return the layout of MiniMax M3: ordinary attention, and index keys with values after the dense layers."""
    every = keys.layers()[0]
    dense = keys.count("leading_dense_block_count", 0, every).value
    return _with_index(keys, plain(keys), every - dense, values=True)


def delta_with_index(keys: Keys) -> CacheLayout:
    """Return the layout of GLM 5 Next: delta attention, latent attention, index rows of key, gate and pooled key."""
    layout = delta_attention(keys)
    attending = [heads > 0 for heads in keys.kv_heads(keys.layers()[0])]
    own = (
        keys.flags("attention.indexer.types", len(attending))
        if keys.has("attention.indexer.types")
        else [True] * len(attending)
    )
    layers = sum(a and b for a, b in zip(attending, own, strict=True))
    return _with_index(keys, layout, layers, rows=3)


def gated_delta_with_index(keys: Keys) -> CacheLayout:
    """Return the layout of Qwen 4 (experimental): delta nets, attention with index rows, and a history of n-grams.

    Index keys that are pooled are kept beside the pooled ones: two rows.
    """
    layout = gated_delta_net(keys)
    if keys.has("attention.indexer.key_length"):
        every, trunk = keys.layers()
        attending = trunk - sum(gated_delta_net.recurrent(keys))
        pooled = keys.has("attention.compress_ratios") and any(keys.per_layer("attention.compress_ratios", every))
        layout = _with_index(keys, layout, attending, rows=2 if pooled else 1)
    if not keys.has("ple.layers"):
        return layout
    return replace(layout, states=(*layout.states, ngram_state(keys)))


def _with_index(keys: Keys, layout: CacheLayout, layers: int, *, values: bool = False, rows: int = 1) -> CacheLayout:
    """Return the layout with the group of index keys."""
    if layers == 0:
        return layout
    key = keys.count("attention.indexer.key_length")
    length = Known(key.value * rows, key.where, key.basis)
    group = KvGroup(
        "index",
        Span.FULL,
        keys.known(layers, "block_count"),
        _ONE,
        length,
        lengths(keys, Span.FULL)[1] if values else None,
    )
    return replace(layout, groups=(*layout.groups, group))


__all__ = [
    "delta_with_index",
    "gated_delta_with_index",
    "index_beside_attention",
    "latent",
    "latent_window_with_index",
    "latent_with_index",
    "latent_with_optional_index",
    "latent_with_some_indexes",
]
