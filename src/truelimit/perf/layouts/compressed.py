"""DeepSeek V4: a window of keys in every layer, compressed rows beyond it, and small states of the compressors.

Source: ``llama_kv_cache_dsv4`` (``src/llama-kv-cache-dsv4.cpp``) of llama.cpp, build b11434. Caches are one per slot
even where slots share a pool.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, term
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.attention import attention
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span, StateGroup, UnknownLayoutError

if TYPE_CHECKING:
    from truelimit.perf.layouts.keys import Keys

NEAR = 4
FAR = 128
_RATIOS = "attention.compress_ratios"


def deepseek4(keys: Keys) -> CacheLayout:
    """Return the layout of DeepSeek V4. Raises UnknownLayoutError."""
    every, trunk = keys.layers()
    if every != trunk:
        raise UnknownLayoutError(
            said("{where}: the cache of a file with them is not documented", where=keys.where("nextn_predict_layers"))
        )
    ratios = _ratios(keys, trunk)
    near, far = ratios.count(NEAR), ratios.count(FAR)
    layout = attention(keys, range(trunk), [True] * trunk, keys.count("attention.sliding_window"), values=False)
    key = keys.head_length("key_length")
    index = keys.count("attention.indexer.key_length")
    one = Known(1, said("llama.cpp: index keys have one head"), Basis.SPECIFIED)
    heads = keys.count("attention.head_count_kv")
    groups = (
        *layout.groups,
        _rows(keys, "near", near, NEAR, heads, key),
        _rows(keys, "far", far, FAR, heads, key),
        _rows(keys, "index", near, NEAR, one, index),
    )
    states = (
        _state(keys, "near", near, 2 * NEAR, 2, key),
        _state(keys, "far", far, FAR, 1, key),
        _state(keys, "index", near, 2 * NEAR, 2, index),
    )
    return replace(
        layout,
        groups=tuple(group for group in groups if group.layers.value),
        states=tuple(state for state in states if state.layers.value),
        always_split=True,
    )


def _ratios(keys: Keys, trunk: int) -> tuple[int, ...]:
    value = keys.header.get(_RATIOS)
    if not isinstance(value, tuple) or not trunk <= len(value) <= 512:
        raise UnknownLayoutError(
            said(
                "{ratios} is no list with one ratio for each of {trunk} layers", ratios=keys.where(_RATIOS), trunk=trunk
            )
        )
    ratios = value[:trunk]
    if any(isinstance(ratio, bool) or ratio not in {0, NEAR, FAR} for ratio in ratios):
        raise UnknownLayoutError(
            said("{ratios} holds other ratios than 0, {near} and {far}", ratios=keys.where(_RATIOS), near=NEAR, far=FAR)
        )
    return tuple(int(ratio) for ratio in ratios)


def _rows(keys: Keys, name: str, layers: int, ratio: int, heads: Known[int], key: Known[int]) -> KvGroup:
    return KvGroup(name, Span.COMPRESSED, keys.known(layers, _RATIOS), heads, key, None, ratio=ratio)


def _state(keys: Keys, name: str, layers: int, rows: int, wide: int, key: Known[int]) -> StateGroup:
    """Return the two tables (keys and scores) of a compressor."""
    terms = (
        Term(f"{name}_state_rows", rows, "rows", "llama.cpp src/llama-kv-cache-dsv4.cpp", Basis.SPECIFIED),
        Term(f"{name}_state_width", wide, "keys", "llama.cpp src/llama-kv-cache-dsv4.cpp", Basis.SPECIFIED),
        term(f"{name}_state_length", key, "values"),
    )
    formula = f"2 * {name}_state_rows * {name}_state_width * {name}_state_length"
    return StateGroup(f"{name}_state", keys.known(layers, _RATIOS), formula, terms)
