"""config.json that leaves keys to the defaults of its class, and architectures whose layers differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from truelimit.adapters.files.hf_config import HfConfigError, header_of_config
from truelimit.adapters.files.hf_config.defaults import _DEFAULTS
from truelimit.adapters.files.hf_config.read import _KINDS
from truelimit.app.model_notes import model_notes
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_cache
from truelimit.tables.models import model
from truelimit.units import Tokens

# As published for google/gemma-3-4b-it, without vision.
GEMMA3_4B = {
    "model_type": "gemma3",
    "text_config": {
        "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024,
    },
}  # fmt: skip
QWEN3 = {
    "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "max_position_embeddings": 40960,
    "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "tie_word_embeddings": True,
    "vocab_size": 151936,
}  # fmt: skip
GRANITE = {
    "model_type": "granitemoehybrid", "hidden_size": 1536, "intermediate_size": 512, "mamba_d_conv": 4,
    "layer_types": [{5: "attention"}.get(layer % 10, "mamba") for layer in range(40)], "mamba_d_head": 64,
    "mamba_d_state": 128, "mamba_expand": 2, "mamba_n_groups": 1, "mamba_n_heads": 48,
    "max_position_embeddings": 131072, "num_attention_heads": 12, "num_experts_per_tok": 6, "num_hidden_layers": 40,
    "num_key_value_heads": 4, "num_local_experts": 64, "shared_intermediate_size": 1024, "vocab_size": 100352,
}  # fmt: skip
HUNYUAN = {
    "model_type": "hunyuan_v1_moe", "head_dim": 128, "hidden_size": 4096, "intermediate_size": 3072,
    "max_position_embeddings": 262144, "moe_intermediate_size": [3072] * 32, "moe_topk": [8] * 32,
    "num_attention_heads": 32, "num_experts": 64, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "num_shared_expert": [1] * 32, "vocab_size": 128167,
}  # fmt: skip
FULL = [4, 8, 12, 16, 20, 24, 27]
KIMI = {
    "model_type": "kimi_linear", "first_k_dense_replace": 1, "head_dim": 72, "hidden_size": 2304,
    "intermediate_size": 9216, "kv_lora_rank": 512, "linear_attn_config": {
        "full_attn_layers": FULL, "head_dim": 128, "kda_layers": [n for n in range(1, 28) if n not in FULL],
        "num_heads": 32, "short_conv_kernel_size": 4,
    },
    "model_max_length": 1048576, "moe_intermediate_size": 1024, "num_attention_heads": 32, "num_experts": 256,
    "num_experts_per_token": 8, "num_hidden_layers": 27, "num_key_value_heads": 32, "num_shared_experts": 1,
    "q_lora_rank": None, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 163840,
}  # fmt: skip
LFM2 = {
    "model_type": "lfm2_moe", "conv_L_cache": 3, "hidden_size": 2048, "intermediate_size": 7168,
    "layer_types": ["full_attention" if n in {2, 6, 10, 14, 18, 21} else "conv" for n in range(24)],
    "max_position_embeddings": 128000, "moe_intermediate_size": 1792, "num_attention_heads": 32,
    "num_dense_layers": 2, "num_experts": 32, "num_experts_per_tok": 4, "num_hidden_layers": 24,
    "num_key_value_heads": 8, "vocab_size": 65536,
}  # fmt: skip
OLMO3 = {
    "model_type": "olmo3", "hidden_size": 5120, "intermediate_size": 27648, "max_position_embeddings": 65536,
    "layer_types": ["full_attention" if n % 4 == 3 else "sliding_attention" for n in range(64)],
    "num_attention_heads": 40, "num_hidden_layers": 64, "num_key_value_heads": 8, "sliding_window": 4096,
    "vocab_size": 100278,
}  # fmt: skip
TRINITY = {
    "model_type": "afmoe", "head_dim": 128, "hidden_size": 2048, "intermediate_size": 6144,
    "max_position_embeddings": 131072, "moe_intermediate_size": 1024, "num_attention_heads": 32,
    "num_dense_layers": 2, "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 32,
    "num_key_value_heads": 4, "num_shared_experts": 1, "sliding_window": 2048, "vocab_size": 200192,
}  # fmt: skip
MIXED = {
    "granite-4.0-h-tiny": GRANITE,
    "hunyuan-a13b": HUNYUAN,
    "kimi-linear-48b-a3b": KIMI,
    "lfm2-8b-a1b": LFM2,
    "olmo-3-32b": OLMO3,
    "trinity-mini": TRINITY,
}
_NOT_OF_CONFIG = ("general.", "tokenizer.")


def read(data: Any, **changes: Any) -> ModelHeader:
    return header_of_config(json.dumps({**data, **changes}), "config.json")


def known(name: str) -> ModelHeader:
    header = model(name)
    assert header is not None
    return header


def test_what_a_config_leaves_out_is_its_class_default_and_said() -> None:
    header, shipped = read(GEMMA3_4B), known("gemma-3-4b")
    count = "general.parameter_count"
    assert header.metadata[count] == shipped.metadata[count] == 3_880_263_168
    mine, true = (kv_cache(layout_of(item), CacheSettings(Tokens(32_768))) for item in (header, shipped))
    assert mine.kv == true.kv
    assert layout_of(header).groups[0].key_length.basis is Basis.SPECIFIED
    (note,) = model_notes(header)
    assert note == (
        "config.json leaves out num_attention_heads (8), num_key_value_heads (4), head_dim (256), vocab_size (262208), "
        "max_position_embeddings (131072): the defaults of Gemma3TextConfig in transformers 5.24.0"
    )


def test_a_qwen3_without_head_dim_has_that_of_its_class() -> None:
    header = read(QWEN3)
    (group,) = layout_of(header).groups
    assert (group.key_length.value, group.key_length.basis) == (128, Basis.SPECIFIED)
    assert header.metadata["general.parameter_count"] == known("qwen3-0.6b").metadata["general.parameter_count"]
    assert model_notes(header) == (
        "config.json leaves out head_dim (128): the defaults of Qwen3Config in transformers 5.24.0",
    )
    assert model_notes(read(QWEN3, head_dim=128)) == ()
    assert layout_of(read(QWEN3, head_dim=None)).groups[0].key_length.basis is Basis.DERIVED


def test_sizes_that_tell_models_apart_have_no_default() -> None:
    for key in ("hidden_size", "num_hidden_layers"):
        with pytest.raises(HfConfigError, match=f"{key} is missing|num_hidden_layers is 0"):
            read({name: value for name, value in QWEN3.items() if name != key})


def test_each_class_is_of_a_kind_that_is_read() -> None:
    assert set(_DEFAULTS) <= set(_KINDS)
    assert {len(values) for _, values in _DEFAULTS.values()} == {6}


@pytest.mark.parametrize("name", MIXED)
def test_layers_that_differ_give_the_keys_of_the_table(name: str) -> None:
    header, shipped = read(MIXED[name]), known(name)
    assert header.architecture == shipped.architecture
    for context in (4096, 131_072):
        settings = CacheSettings(Tokens(context))
        mine, true = kv_cache(layout_of(header), settings), kv_cache(layout_of(shipped), settings)
        assert (mine.kv, mine.state) == (true.kv, true.state)
    own = {key: value for key, value in shipped.metadata.items() if not key.startswith(_NOT_OF_CONFIG)}
    read_too = {key: header.metadata[key] for key in own if key in header.metadata}
    assert read_too == {key: own[key] for key in read_too}
    assert len(own) - len(read_too) <= 4, sorted(set(own) - set(read_too))


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (KIMI, {"linear_attn_config": None}),
        (KIMI, {"linear_attn_config": {"full_attn_layers": "4"}}),
        (LFM2, {"layer_types": ["conv"] * 3}),
        (HUNYUAN, {"moe_topk": [8, 4]}),
        (GRANITE, {"layer_types": None}),
        (TRINITY, {"layer_types": [5] * 32}),
        (OLMO3, {"sliding_window": -1}),
    ],
)
def test_layers_that_cannot_be_are_refused(data: Any, changes: dict[str, object]) -> None:
    with pytest.raises(HfConfigError, match=r"config\.json"):
        read(data, **changes)
