from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.shapes.shape import names, shape
from truelimit.domain.calculation import evaluate
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import CacheLayout, SettingsRefusedError, layout_of
from truelimit.perf.kv_cache import CacheSettings, full_cells, kv_bytes_per_token, kv_cache, window_cells
from truelimit.perf.kv_types import kv_type

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


def test_the_formula_is_the_plain_one_for_plain_models() -> None:
    found = kv_cache(LAYOUTS["qwen3-coder-30b-a3b"], CacheSettings(262_144))
    assert found.calculation.formula == (
        "cells * streams * layers * kv_heads * (key_length * key_bytes + value_length * value_bytes)"
    )
    terms = {term.name: term.value for term in found.calculation.terms}
    assert terms == {
        "cells": 262_144,
        "streams": 1,
        "layers": 48,
        "kv_heads": 4,
        "key_length": 128,
        "key_bytes": 2,
        "value_length": 128,
        "value_bytes": 2,
    }
    assert found.kv == 24 * 2**30
    assert found.calculation.terms[3].source == "qwen3-coder-30b-a3b.gguf: qwen3moe.attention.head_count_kv"


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_the_result_follows_from_the_printed_terms(name: str, kind: str) -> None:
    for slots, unified in ((1, True), (3, True), (4, False)):
        found = kv_cache(LAYOUTS[name], CacheSettings(10_000, slots, unified, kind, kind))
        again = evaluate(found.calculation.formula, {term.name: term.value for term in found.calculation.terms})
        assert again == found.calculation.result == found.kv + found.state
        assert isinstance(found.calculation.result, int)
        assert all(term.source and term.unit for term in found.calculation.terms)


@pytest.mark.parametrize(
    ("context", "slots", "unified", "cells"),
    [
        (2000, 1, True, 2048),
        (1, 1, True, 256),
        (8192, 4, False, 2048),
        (8192, 4, True, 8192),
        (65_536, 3, False, 22_016),
    ],
)
def test_cells_are_padded_to_256_for_each_stream(context: int, slots: int, unified: bool, cells: int) -> None:
    assert full_cells(CacheSettings(context, slots, unified)) == cells


@pytest.mark.parametrize(
    ("settings", "cells"),
    [
        (CacheSettings(131_072), 1536),
        (CacheSettings(131_072, slots=4), 4608),
        (CacheSettings(131_072, slots=4, unified=False), 1536),
        (CacheSettings(131_072, ubatch=2048), 3072),
        (CacheSettings(131_072, swa_full=True), 131_072),
        (CacheSettings(1000), 1024),
        (CacheSettings(100, ubatch=512), 256),
    ],
)
def test_window_cells_of_a_window_of_1024(settings: CacheSettings, cells: int) -> None:
    assert window_cells(LAYOUTS["gemma-3-27b"], settings) == cells


def test_deepseek4_keeps_one_cache_for_each_slot_even_in_a_pool() -> None:
    shared = kv_cache(LAYOUTS["deepseek-v4-flash"], CacheSettings(32_768, slots=2))
    assert {term.name: term.value for term in shared.calculation.terms}["streams"] == 2


def test_rows_of_values_are_padded_without_flash_attention() -> None:
    """OpenELM's layers have 3 to 8 heads: the engine pads values to the widest (386 MiB at 8192, not 324)."""
    layout = LAYOUTS["openelm-1.1b"]
    assert kv_cache(layout, CacheSettings(8192)).kv == 324 * 2**20
    assert kv_cache(layout, CacheSettings(8192), flash_attention=False).kv == 386 * 2**20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context": 0}, "context is 0"),
        ({"context": True}, "context is True"),
        ({"context": 10**30}, "context is 1000"),
        ({"slots": -1}, "slots is -1"),
        ({"slots": 10_000}, "expected 1 to 256"),
        ({"ubatch": 0}, "ubatch is 0"),
        ({"kv_type_k": "q3_k"}, "not one of"),
        ({"kv_type_v": ""}, "not one of"),
    ],
)
def test_settings_that_no_engine_takes_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsRefusedError, match=words):
        kv_cache(LAYOUTS["llama-3-8b"], replace(CacheSettings(8192), **change))


def test_quantised_values_need_flash_attention_but_quantised_keys_do_not() -> None:
    layout = LAYOUTS["llama-3-8b"]
    with pytest.raises(SettingsRefusedError, match="needs flash attention") as caught:
        kv_cache(layout, CacheSettings(8192, kv_type_v="q8_0"), flash_attention=False)
    assert "f16" in caught.value.reason
    assert kv_cache(layout, CacheSettings(8192, kv_type_k="q8_0"), flash_attention=False).kv == 784 * 2**20


def test_latent_attention_takes_one_cache_type() -> None:
    with pytest.raises(SettingsRefusedError, match="one cache type"):
        kv_cache(LAYOUTS["deepseek-v3"], CacheSettings(8192, kv_type_k="q8_0"))


def test_heads_that_blocks_do_not_divide_are_refused() -> None:
    with pytest.raises(SettingsRefusedError, match="do not divide"):
        kv_cache(gqa(2, 2, 80), CacheSettings(8192, kv_type_k="q8_0"))
    assert kv_cache(gqa(2, 2, 80), CacheSettings(8192, kv_type_k="q8_0"), flash_attention=False).kv


def test_a_cache_beyond_any_machine_is_refused_rather_than_rounded() -> None:
    with pytest.raises(SettingsRefusedError, match="beyond any machine"):
        kv_cache(gqa(512, 2**10, 2**12), CacheSettings(2**31))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("f32", 4),
        ("f16", 2),
        ("bf16", 2),
        ("q8_0", 1.0625),
        ("q5_1", 0.75),
        ("q5_0", 0.6875),
        ("q4_1", 0.625),
        ("q4_0", 0.5625),
    ],
)
def test_block_sizes(name: str, size: float) -> None:
    assert kv_type(name.upper()).bytes_per_value == size
    assert kv_bytes_per_token(LAYOUTS["qwen3-coder-30b-a3b"], name, name) == 48 * 4 * 256 * size
