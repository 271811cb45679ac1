"""The traps that other estimators fall into, one test each; the numbers are those that an engine gave."""

from __future__ import annotations

import pytest

from support.shapes.shape import shape
from truelimit.domain.model import ModelHeader
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_bytes_per_token, kv_cache
from truelimit.perf.kv_types import kv_type
from truelimit.perf.quantization import weights_at
from truelimit.perf.tensor_table.classes import active_parameters
from truelimit.tables.models import model
from truelimit.units import GB, GIB


def shipped(name: str) -> ModelHeader:
    header = model(name)
    assert header is not None
    return header


def cache(name: str, context: int, kind: str = "f16") -> float:
    """GiB of the cache of one slot, states left out, with the engine's own batch."""
    settings = CacheSettings(context, kv_type_k=kind, kv_type_v=kind)
    return kv_cache(layout_of(shipped(name)), settings).kv / GIB


def test_trap_head_length_is_not_embedding_by_heads() -> None:
    """Qwen3-Coder-30B: 2048 / 32 = 64, but the header says 128. Five of fourteen estimators halve the cache."""
    header = shipped("qwen3-coder-30b-a3b")
    (group,) = layout_of(header).groups
    assert (group.key_length.value, header.get("embedding_length")) == (128, 2048)
    assert "attention.key_length" in group.key_length.where
    assert kv_bytes_per_token(layout_of(header)) == 98_304
    assert [cache("qwen3-coder-30b-a3b", n) for n in (32_768, 131_072, 262_144)] == [3.0, 12.0, 24.0]


def test_trap_head_length_in_the_other_direction() -> None:
    """Gemma-3-27B: 5376 / 32 = 168, but the header says 128: with all layers full that gave 81.4 GiB at 131k."""
    groups = layout_of(shipped("gemma-3-27b")).groups
    assert {group.key_length.value for group in groups} == {128}


def test_trap_sliding_windows_do_not_grow() -> None:
    """Gemma-3-27B at 131,072 tokens: 10 of 62 layers keep all of it. 62.0 GiB elsewhere, 5.8 times as much."""
    true = cache("gemma-3-27b", 131_072)
    assert true == pytest.approx(10.6, abs=0.1)
    assert 62 * 16 * (128 + 128) * 2 * 131_072 / GIB / true == pytest.approx(5.8, abs=0.1)
    assert cache("gpt-oss-120b", 131_072) == pytest.approx(4.5, abs=0.05)


def test_trap_latent_attention_caches_one_head() -> None:
    """DeepSeek-V3 at 131,072 tokens: 61 * 576 * 2 bytes a token = 8.6 GiB; 213.5 elsewhere, 25 times as much."""
    layout = layout_of(shipped("deepseek-v3"))
    assert layout.is_latent
    assert kv_bytes_per_token(layout) == 61 * 576 * 2 == 70_272
    assert cache("deepseek-v3", 131_072) == pytest.approx(8.6, abs=0.05)
    assert 213.5 / cache("deepseek-v3", 131_072) == pytest.approx(25, abs=0.5)


def test_trap_an_old_conversion_of_latent_attention_caches_every_head() -> None:
    """The same model, converted before latent caching, takes some 70 times as much: the file decides, not the name."""
    old, new = layout_of(shape("deepseek-v3-old").header()), layout_of(shape("deepseek-v3").header())
    assert kv_bytes_per_token(old) / kv_bytes_per_token(new) == pytest.approx(71, abs=1)


@pytest.mark.parametrize(
    ("name", "context", "gib"),
    [("qwen3-next-80b-a3b", 262_144, 6.0), ("qwen3.6-27b", 262_144, 16.0), ("qwen3.8-27b", 262_144, 16.0)],
)
def test_trap_states_stand_in_for_most_layers(name: str, context: int, gib: float) -> None:
    """Three of four layers keep a state of constant size: counting all of them gives four times as much."""
    assert cache(name, context) == gib


def test_trap_q8_0_is_34_bytes_for_32_numbers() -> None:
    """12.75 GiB for Qwen3-Coder at 262,144, not 12.0 (1 byte a number): 6 % low, and q4_0 12 %."""
    assert kv_type("q8_0").bytes_per_value == 34 / 32
    assert kv_type("q4_0").bytes_per_value == 18 / 32
    assert cache("qwen3-coder-30b-a3b", 262_144, "q8_0") == 12.75
    assert cache("qwen3-coder-30b-a3b", 262_144, "q4_0") == 6.75


@pytest.mark.parametrize(
    ("name", "least"),
    [("qwen3.5-122b-a10b", 48), ("deepseek-v3", 380), ("gpt-oss-120b", 60), ("qwen3-235b-a22b", 130)],
)
def test_trap_all_experts_must_lie_in_memory(name: str, least: float) -> None:
    """A 122B-A10B was "perfect" on 48 GB, DeepSeek-V3 asked for 22 GB: by the experts that a token uses."""
    header = shipped(name)
    assert weights_at(header, "Q4_K_M").value > least * GB
    assert active_parameters(header) < 0.1 * 671 * GB


def test_trap_a_mixture_needs_more_at_a_longer_context() -> None:
    """Another tool says 15.6 GB for Qwen3-Coder at every context from 8k to 262k, below the weights alone."""
    weights = weights_at(shipped("qwen3-coder-30b-a3b"), "Q8_0").value
    assert weights == pytest.approx(32.48 * GB, rel=0.001)
    assert cache("qwen3-coder-30b-a3b", 262_144) == 32 * cache("qwen3-coder-30b-a3b", 8_192)


def test_trap_gigabytes_of_weights_are_not_added_to_gibibytes_of_cache() -> None:
    """17.71 "GB" of weights + 24 GiB = 41.7: true are 18.55 GB = 17.28 GiB, and 41.28 GiB in all."""
    weights = weights_at(shipped("qwen3-coder-30b-a3b"), "Q4_K_M").value
    assert weights / GB == pytest.approx(18.55, abs=0.005)
    assert weights / GIB == pytest.approx(17.28, abs=0.005)
    assert weights / GIB + cache("qwen3-coder-30b-a3b", 262_144) == pytest.approx(41.28, abs=0.005)


def test_trap_405b_at_q4_k_m_is_243_gb_not_half_a_byte_a_parameter() -> None:
    """405.85 B * 4 bits would be 202.9 GB; the mix gives 243.1."""
    header = shipped("llama-3.1-405b")
    assert weights_at(header, "Q4_K_M").value / GB == pytest.approx(243.1, abs=0.1)
    assert header.metadata["general.parameter_count"] * 4 / 8 / GB == pytest.approx(202.9, abs=0.1)  # type: ignore[operator]


def test_trap_a_quantisations_name_is_no_number_of_bits() -> None:
    """Q4_K_M: 4.8 bits for a mixture, 5.2 for a small model whose embedding is a tenth of it."""
    bits = {
        name: weights_at(shipped(name), "Q4_K_M").value * 8 / shipped(name).metadata["general.parameter_count"]  # type: ignore[operator]
        for name in ("gemma-3-4b", "llama-3.1-8b", "llama-3.2-1b", "qwen3-coder-30b-a3b", "nemotron-3-nano-30b-a3b")
    }
    assert min(bits.values()) < 4.87
    assert max(bits.values()) > 6.0


def test_trap_8_gib_for_the_cache_of_an_8b_is_at_its_old_context() -> None:
    """Llama-3.1-8B at 131,072 tokens: 16 GiB (3.5 by a constant for each parameter elsewhere)."""
    assert cache("llama-3.1-8b", 131_072) == 16.0
    assert cache("llama-3.3-70b", 131_072) == 40.0


def test_trap_the_native_context_is_that_of_the_config() -> None:
    """A catalogue lists 1,048,576 for Llama 3.1 and Gemma 3, and 4,096 for a third of its models."""
    told = {name: shipped(name).native_context for name in ("llama-3.1-8b", "gemma-3-4b", "gemma-3-27b", "llama-3-8b")}
    assert [known.value for known in told.values() if known] == [131_072, 131_072, 131_072, 8_192]
