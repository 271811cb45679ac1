"""What holds for the cache of every model, whatever the settings."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from support.shapes.shape import names, shape
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import CacheLayout, layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_cache, padded
from truelimit.perf.kv_types import KV_TYPES, kv_type

LAYOUTS = {name: layout_of(shape(name).header()) for name in names()}


def gqa(layers: int, heads: int, length: int) -> CacheLayout:
    keys = {
        "block_count": layers,
        "embedding_length": heads * length,
        "attention.head_count": heads,
        "attention.head_count_kv": heads,
        "attention.key_length": length,
        "attention.value_length": length,
    }
    return layout_of(ModelHeader("m.gguf", Basis.MEASURED, "llama", {f"llama.{k}": v for k, v in keys.items()}))


contexts = st.integers(1, 300_000)
slot_counts = st.integers(1, 16)
kinds = st.sampled_from(sorted(KV_TYPES))
layouts = st.sampled_from(sorted(LAYOUTS))


@given(layouts, contexts, contexts, slot_counts, st.booleans())
@settings(deadline=None, max_examples=150)
def test_more_context_never_takes_less(name: str, one: int, two: int, slots: int, unified: bool) -> None:
    small, large = sorted((one, two))
    sizes = [
        kv_cache(LAYOUTS[name], CacheSettings(context, slots, unified)).calculation.result for context in (small, large)
    ]
    assert sizes[0] <= sizes[1]


@given(layouts, contexts, slot_counts, st.booleans())
@settings(deadline=None, max_examples=150)
def test_more_slots_never_take_less_in_a_pool(name: str, context: int, slots: int, unified: bool) -> None:
    fewer = kv_cache(LAYOUTS[name], CacheSettings(context, slots, True))
    more = kv_cache(LAYOUTS[name], CacheSettings(context, slots + 1, True))
    assert fewer.kv <= more.kv
    assert fewer.state <= more.state
    apart = kv_cache(LAYOUTS[name], CacheSettings(padded(context) * slots, slots, False))
    assert apart.kv == slots * kv_cache(LAYOUTS[name], CacheSettings(padded(context), 1, True)).kv


@given(layouts, contexts)
@settings(deadline=None, max_examples=100)
def test_smaller_types_take_less(name: str, context: int) -> None:
    order = ["f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
    sizes = [kv_cache(LAYOUTS[name], CacheSettings(context, kv_type_k=kind, kv_type_v=kind)).kv for kind in order]
    assert sizes == sorted(sizes, reverse=True)
    if sizes[0]:
        assert len(set(sizes)) == len(sizes)


@given(st.integers(1, 128), st.integers(1, 64), st.sampled_from([32, 64, 128, 256]), st.integers(1, 10**6), kinds)
@settings(deadline=None, max_examples=150)
def test_a_plain_cache_is_whole_blocks(layers: int, heads: int, length: int, context: int, kind: str) -> None:
    """The same bytes from the blocks themselves, in whole numbers."""
    stored = kv_type(kind)
    row = heads * length // stored.block * stored.block_bytes
    found = kv_cache(gqa(layers, heads, length), CacheSettings(context, kv_type_k=kind, kv_type_v=kind))
    assert found.kv == 2 * layers * row * padded(context)
