"""config.json: the same shapes as a GGUF gives, strict in what it takes, and never a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.shapes.shape import shape
from truelimit.adapters.files.hf_config import HfConfigError, header_of_config
from truelimit.adapters.files.hf_config.read import _KINDS
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import kv_bytes_per_token
from truelimit.perf.tensor_table.build import tensor_shapes
from truelimit.perf.tensor_table.classes import active_parameters
from truelimit.perf.tensor_table.recipes import RECIPES
from truelimit.tables.models import model

QWEN3_MOE = {
    "model_type": "qwen3_moe", "head_dim": 128, "hidden_size": 2048, "intermediate_size": 6144,
    "max_position_embeddings": 262144, "moe_intermediate_size": 768, "num_attention_heads": 32, "num_experts": 128,
    "num_experts_per_tok": 8, "num_hidden_layers": 48, "num_key_value_heads": 4, "rope_scaling": None,
    "rope_theta": 10000000, "tie_word_embeddings": False, "vocab_size": 151936,
}  # fmt: skip
LLAMA = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "rope_theta": 500000.0,
    "rope_scaling": {"factor": 8.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    "tie_word_embeddings": False, "vocab_size": 128256,
}  # fmt: skip
GPT_OSS = {
    "model_type": "gpt_oss", "head_dim": 64, "hidden_size": 2880, "intermediate_size": 2880,
    "max_position_embeddings": 131072, "num_attention_heads": 64, "num_experts_per_tok": 4, "num_hidden_layers": 24,
    "num_key_value_heads": 8, "num_local_experts": 32, "sliding_window": 128, "tie_word_embeddings": False,
    "vocab_size": 201088,
}  # fmt: skip
DEEPSEEK = {
    "model_type": "deepseek_v3", "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432,
    "kv_lora_rank": 512, "max_position_embeddings": 163840, "moe_intermediate_size": 2048, "n_routed_experts": 256,
    "n_shared_experts": 1, "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61,
    "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "tie_word_embeddings": False, "v_head_dim": 128, "vocab_size": 129280,
}  # fmt: skip
QWEN35 = {
    "model_type": "qwen3_5",
    "vision_config": {"hidden_size": 1},
    "text_config": {
        "model_type": "qwen3_5_text", "head_dim": 256, "hidden_size": 5120, "intermediate_size": 17408,
        "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": 16,
        "linear_num_value_heads": 48, "linear_value_head_dim": 128, "max_position_embeddings": 262144,
        "num_attention_heads": 24, "num_hidden_layers": 64, "num_key_value_heads": 4, "full_attention_interval": 4,
        "vocab_size": 248320, "tie_word_embeddings": False,
    },
}  # fmt: skip
GEMMA3 = {
    "model_type": "gemma3",
    "text_config": {
        "model_type": "gemma3_text", "head_dim": 128, "hidden_size": 5376, "intermediate_size": 21504,
        "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 62,
        "num_key_value_heads": 16, "sliding_window": 1024, "vocab_size": 262208,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
    },
}  # fmt: skip
NEMOTRON = {
    "model_type": "nemotron_h", "conv_kernel": 4, "head_dim": 128, "hidden_size": 2688, "intermediate_size": 1856,
    "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", "mamba_head_dim": 64,
    "mamba_num_heads": 64, "max_position_embeddings": 262144, "moe_intermediate_size": 1856,
    "moe_shared_expert_intermediate_size": 3712, "n_groups": 8, "n_routed_experts": 128, "num_attention_heads": 32,
    "num_experts_per_tok": 6, "num_hidden_layers": 52, "num_key_value_heads": 2, "ssm_state_size": 128,
    "tie_word_embeddings": False, "vocab_size": 131072,
}  # fmt: skip
CASES = {
    "qwen3-coder-30b-a3b": QWEN3_MOE,
    "gpt-oss-20b": GPT_OSS,
    "deepseek-v3": DEEPSEEK,
    "qwen3.5-27b": QWEN35,
    "gemma-3-27b": GEMMA3,
    "nemotron-3-nano-30b": NEMOTRON,
}
SHIPPED = {"nemotron-3-nano-30b": "nemotron-3-nano-30b-a3b"}


def read(data: Any, **changes: Any):  # type: ignore[no-untyped-def]
    return header_of_config(json.dumps({**data, **changes}), "config.json")


@pytest.mark.parametrize("name", CASES)
def test_a_config_gives_the_shape_of_the_models_gguf(name: str) -> None:
    header, true = read(CASES[name]), shape(name).header()
    shipped = model(SHIPPED.get(name, name))
    assert shipped is not None
    assert (header.architecture, header.basis) == (true.architecture, Basis.SPECIFIED)
    assert kv_bytes_per_token(layout_of(header)) == kv_bytes_per_token(layout_of(true))
    built = dict(tensor_shapes(header))
    assert {tensor.name: built.get(tensor.name) for tensor in true.tensors} == {t.name: t.shape for t in true.tensors}
    assert header.metadata["general.parameter_count"] == shipped.metadata["general.parameter_count"]
    assert active_parameters(header) == active_parameters(shipped)
    assert (
        header.native_context == shipped.native_context or header.native_context.value == shipped.native_context.value
    )  # type: ignore[union-attr]


def test_head_dim_is_read_and_its_derivation_is_said() -> None:
    (told,) = layout_of(read(QWEN3_MOE)).groups
    assert (told.key_length.value, told.key_length.basis) == (128, Basis.SPECIFIED)
    without = {key: value for key, value in QWEN3_MOE.items() if key != "head_dim"}
    (derived,) = layout_of(read(without)).groups
    assert (derived.key_length.value, derived.key_length.basis) == (64, Basis.DERIVED)
    assert "embedding_length / " in derived.key_length.where


def test_positions_are_told() -> None:
    header = read(LLAMA)
    assert header.get("rope.scaling.type") == "llama3"
    assert header.get("rope.scaling.original_context_length") == 8192
    assert ("rope_freqs.weight", (64,)) in tensor_shapes(header)
    assert read(LLAMA, rope_scaling={"type": "yarn", "factor": float("inf")}).get("rope.scaling.factor") is None


def test_shared_embedding_and_output() -> None:
    assert read(LLAMA).metadata["general.parameter_count"] == 8_030_261_312
    tied = read(LLAMA, tie_word_embeddings=True).metadata["general.parameter_count"]
    assert tied == 8_030_261_312 - 4096 * 128256


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "bloom"}, "no rule is known for model_type 'bloom'; expected one of afmoe, deepseek_v3"),
        ({"model_type": None}, "no model_type"),
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"hidden_size": "4096"}, "hidden_size is '4096'; expected a whole number"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"num_hidden_layers": 10**6}, "num_hidden_layers is 1000000; expected 1 to 512"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"vocab_size": 2**40}, "vocab_size"),
        ({"intermediate_size": None}, "feed_forward_length"),
        ({"num_attention_heads": 5000, "hidden_size": 4096}, "rope.dimension_count is 0"),
    ],
)
def test_nonsense_is_refused_by_key(changes: dict[str, object], said: str) -> None:
    with pytest.raises(HfConfigError, match=rf"config\.json.*{said}"):
        read(LLAMA, **changes)


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "1", '{"model_type": 5}', "[" * 100_000, "\0" * 20])
def test_what_is_no_config_is_refused(text: str) -> None:
    with pytest.raises(HfConfigError, match=r"config\.json: "):
        header_of_config(text, "config.json")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted({key for case in (*CASES.values(), QWEN35["text_config"], LLAMA) for key in case})  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(sorted(_KINDS)),
    st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=4),
    st.sampled_from(sorted(CASES)),
)
def test_no_config_makes_another_error(kind: str, changes: dict[str, Any], name: str) -> None:
    try:
        header = read(CASES[name], **{**changes, "model_type": kind})
    except HfConfigError:
        return
    if header.architecture in RECIPES:
        assert header.metadata["general.parameter_count"] > 0
    else:
        assert layout_of(header).groups or layout_of(header).states
