"""A model's layers and attention, as far as its speed depends on them: full contexts, windows, states, experts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import kv_bytes_per_token
from truelimit.perf.kv_types import kv_type as kv_type_of
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span, UnknownLayoutError

if TYPE_CHECKING:
    from truelimit.domain.estimates import ModelShape
    from truelimit.domain.model import ModelHeader


def with_geometry(shape: ModelShape, header: ModelHeader, kv_type: str) -> ModelShape:
    """Return the shape with the layers and caches of a header; unchanged where no layout of it is known.

    Raises SettingsRefusedError for an unknown KV type.
    """
    kv_type_of(kv_type)
    try:
        layout, keys = layout_of(header), Keys(header)
        layers, widest = keys.layers()[1], _widest(keys)
    except UnknownLayoutError:
        return shape
    full = [group for group in layout.groups if group.span is not Span.WINDOW]
    attending = min(layers, sum(group.layers.value for group in full))
    return _with_experts(
        replace(
            shape,
            layers=layers,
            attention_layers=attending,
            attention_width=float(attending * widest * _head_lengths(full)),
            kv_bytes_per_token=kv_bytes_per_token(layout, kv_type, kv_type),
            window_bytes=_window_bytes(layout, kv_type),
            window_tokens=layout.window.value if layout.window else None,
            state_layers=min(layers, sum(state.layers.value for state in layout.states)),
        ),
        keys,
    )


def _widest(keys: Keys) -> int:
    """Return the heads of the layer with most of them; 0 where a model has none."""
    if not keys.has("attention.head_count"):
        return 0
    return max(keys.per_layer("attention.head_count", keys.layers()[0]), default=0)


def _head_lengths(full: list[KvGroup]) -> int:
    """Return keys and values of one head of a layer with the whole context (latent attention: the keys are both)."""
    if not full:
        return 0
    key, value = full[0].key_length.value, full[0].value_length
    return key + (value.value if value else key)


def _with_experts(shape: ModelShape, keys: Keys) -> ModelShape:
    if not keys.has("expert_count") or keys.absent_or_zero("expert_count"):
        return shape
    count = keys.count("expert_count").value
    return replace(shape, experts=count, experts_used=keys.count("expert_used_count", most=count).value)


def _window_bytes(layout: CacheLayout, kv_type: str) -> float:
    """Return the bytes of the windowed layers' caches when their windows are full."""
    if layout.window is None:
        return 0.0
    total = 0.0
    for group in layout.groups:
        if group.span is Span.WINDOW:
            heads = group.kv_heads.value * (1 if group.heads_summed else group.layers.value)
            total += heads * (group.key_length.value + (group.value_length.value if group.value_length else 0))
    return total * kv_type_of(kv_type).bytes_per_value * layout.window.value
