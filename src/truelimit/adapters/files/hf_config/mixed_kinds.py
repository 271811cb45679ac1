"""The keys of architectures whose layers differ: states or convolutions beside attention, windows by a list.

Source: ``set_gguf_parameters`` of ``conversion/*.py`` in llama.cpp, build b11434; names of keys as in the configuration
classes of transformers 5.24.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from truelimit.adapters.files.hf_config.fields import Config, common
from truelimit.adapters.files.hf_config.kinds import Found, experts, latent, windowed

_PATTERN = "attention.sliding_window_pattern"
_KV = "attention.head_count_kv"


def olmo(config: Config) -> Found:
    """Return the keys of OLMo 2 and 3: the third has windows in three of four layers."""
    return windowed(config) | _windows(config)


def afmoe(config: Config) -> Found:
    """Return the keys of Trinity: experts after the first layers, windows in three of four layers."""
    found = experts(config) | _windows(config)
    found["attention.sliding_window"] = config.count("sliding_window")
    found["expert_shared_count"] = config.count_or("num_shared_experts", 0)
    found["leading_dense_block_count"] = config.count_or("num_dense_layers", 0)
    return found


def lfm2_moe(config: Config) -> Found:
    """Return the keys of LFM2 with experts: short convolutions, and attention in some layers."""
    found = experts(config)
    found[_KV] = _by_layer(config, "layer_types", {"full_attention"}, config.count("num_key_value_heads"))
    found["shortconv.l_cache"] = config.count("conv_L_cache")
    found["leading_dense_block_count"] = config.count_or("num_dense_layers", 0)
    return found


def granite_hybrid(config: Config) -> Found:
    """Return the keys of Granite 4 H: scans, and attention in some layers; with experts or without."""
    found = common(config)
    types = "layer_types" if config.has("layer_types") else "layers_block_type"
    found[_KV] = _by_layer(config, types, {"attention", "full_attention"}, config.count("num_key_value_heads"))
    found |= {
        "ssm.conv_kernel": config.count("mamba_d_conv"),
        "ssm.inner_size": config.count("mamba_expand") * config.count("hidden_size"),
        "ssm.state_size": config.count("mamba_d_state"),
        "ssm.time_step_rank": config.count("mamba_n_heads"),
        "ssm.group_count": config.count("mamba_n_groups"),
    }
    if config.count_or("num_local_experts", 0):
        found["expert_count"] = config.count("num_local_experts")
        found["expert_used_count"] = config.count("num_experts_per_tok")
        found["expert_feed_forward_length"] = config.count("intermediate_size")
        found["expert_shared_feed_forward_length"] = config.count("shared_intermediate_size")
    return found


def hunyuan_moe(config: Config) -> Found:
    """Return the keys of Hunyuan-A13B, whose numbers of experts may be lists with one number for each layer."""
    plain = Config({**config.data, **{key: _same_in_all(config, key) for key in _LISTED}}, config.where)
    found = experts(plain)
    found["expert_used_count"] = plain.count("moe_topk")
    found["expert_shared_count"] = plain.count_or("num_shared_expert", 0)
    found["expert_shared_feed_forward_length"] = plain.count("intermediate_size")
    return found


_LISTED = ("moe_topk", "num_shared_expert", "moe_intermediate_size", "num_experts_per_tok")


def _same_in_all(config: Config, key: str) -> object:
    """The value of a key; of a list that holds one value again and again, that value."""
    value = config.data.get(key, config.data.get("moe_topk") if key == "num_experts_per_tok" else None)
    return value[0] if isinstance(value, list) and value and all(item == value[0] for item in value) else value


def kimi_linear(config: Config) -> Found:
    """Return the keys of Kimi Linear: delta attention, and latent attention in some layers, counted from one."""
    names = {"max_position_embeddings": "model_max_length", "n_shared_experts": "num_shared_experts"}
    named = {key: config.data.get(key, config.data.get(other)) for key, other in names.items()}
    told = config.data.get("linear_attn_config")
    linear = Config(told if isinstance(told, Mapping) else {}, config.where)
    found, listed = latent(Config({**config.data, **named}, config.where)), linear.data.get("full_attn_layers")
    full = linear.counts("full_attn_layers", len(listed) if isinstance(listed, list) else 1)
    found[_KV] = tuple(int(layer in full) for layer in range(1, config.layers() + 1))
    found["ssm.conv_kernel"] = linear.count("short_conv_kernel_size")
    found["kda.head_dim"] = linear.count("head_dim")
    return found


def _windows(config: Config) -> Found:
    """Return which layers have a window, where the config lists them; else the engine's own rule holds."""
    if not config.has("layer_types"):
        return {}
    return {_PATTERN: tuple(kind == "sliding_attention" for kind in config.texts("layer_types", config.layers()))}


def _by_layer(config: Config, key: str, attending: set[str], heads: int) -> tuple[int, ...]:
    return tuple(heads if kind in attending else 0 for kind in config.texts(key, config.layers()))
