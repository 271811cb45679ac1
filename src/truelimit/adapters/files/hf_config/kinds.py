"""The keys of each architecture: from a config.json to those of its GGUF.

Source: ``set_gguf_parameters`` of ``conversion/*.py`` in llama.cpp, build b11434. Layers for drafting are left out,
but for GLM 4.5 to 4.7, whose GGUF files hold them.
"""

from __future__ import annotations

from collections.abc import Callable

from truelimit.adapters.files.hf_config.fields import Config, common
from truelimit.domain.message import said
from truelimit.domain.model import MetadataValue
from truelimit.perf.tensor_table.attention import QUERY_NORMS
from truelimit.perf.tensor_table.build import SHARED_VALUES

Found = dict[str, MetadataValue]
Kind = Callable[[Config], Found]


def dense(config: Config) -> Found:
    """Return the keys of a plain model."""
    return common(config)


def rotated(config: Config) -> Found:
    """Return the keys of a plain model with the length of a rotated head."""
    found = common(config)
    heads = config.count("num_attention_heads")
    found["rope.dimension_count"] = config.count_or("head_dim", config.count("hidden_size") // heads, 1)
    return found


def windowed(config: Config) -> Found:
    """Return the keys of a model with a sliding window."""
    found = common(config)
    if config.has("sliding_window"):
        found["attention.sliding_window"] = config.count("sliding_window")
    return found


def experts(config: Config) -> Found:
    """Return the keys of a model with experts."""
    found = windowed(config) if config.data.get("model_type") == "gpt_oss" else rotated(config)
    found["expert_count"] = config.count("num_experts", "num_local_experts", "n_routed_experts")
    found["expert_used_count"] = config.count("num_experts_per_tok", "top_k_experts", "num_experts_per_token")
    found["expert_feed_forward_length"] = config.count("moe_intermediate_size", "intermediate_size")
    return found


def mixtral(config: Config) -> Found:
    """Return the keys of Mixtral's kind: experts as wide as the feed-forward."""
    return experts(config)


def llama4(config: Config) -> Found:
    """Return the keys of Llama 4: experts in each so-many-th layer."""
    found = experts(config)
    found["feed_forward_length"] = config.count("intermediate_size_mlp")
    found["expert_feed_forward_length"] = config.count("intermediate_size")
    found["interleave_moe_layer_step"] = config.count_or("interleave_moe_layer_step", 1, 1)
    return found


def delta(config: Config) -> Found:
    """Return the keys of Qwen3-Next and Qwen3.5: gated delta nets, with attention in each fourth layer."""
    found = experts(config) if config.has("num_experts") else common(config)
    value_heads = config.count("linear_num_value_heads")
    found |= {
        "ssm.conv_kernel": config.count("linear_conv_kernel_dim"),
        "ssm.state_size": config.count("linear_key_head_dim"),
        "ssm.group_count": config.count("linear_num_key_heads"),
        "ssm.time_step_rank": value_heads,
        "ssm.inner_size": config.count("linear_value_head_dim") * value_heads,
        "full_attention_interval": config.count_or("full_attention_interval", 4, 1),
    }
    if config.has("shared_expert_intermediate_size"):
        found["expert_shared_feed_forward_length"] = config.count("shared_expert_intermediate_size")
    return found


def latent(config: Config) -> Found:
    """Return the keys of latent attention (DeepSeek V3, Kimi K2, GLM-4.7-Flash)."""
    found = experts(config)
    rank, rope = config.count("kv_lora_rank"), config.count("qk_rope_head_dim")
    found |= {
        "attention.head_count_kv": 1,
        "attention.key_length": rank + rope,
        "attention.value_length": rank,
        "attention.kv_lora_rank": rank,
        "attention.key_length_mla": config.count("qk_nope_head_dim") + rope,
        "attention.value_length_mla": config.count("v_head_dim"),
        "rope.dimension_count": rope,
        "expert_shared_count": config.count_or("n_shared_experts", 0),
        "leading_dense_block_count": config.count_or("first_k_dense_replace", 0),
    }
    if config.has("q_lora_rank"):
        found["attention.q_lora_rank"] = config.count("q_lora_rank")
    return found


def indexed(config: Config) -> Found:
    """Return the keys of latent attention with an index (DeepSeek V3.2, GLM-5)."""
    found = latent(config)
    found["attention.indexer.head_count"] = config.count("index_n_heads")
    found["attention.indexer.key_length"] = config.count("index_head_dim")
    found["attention.indexer.top_k"] = config.count("index_topk")
    if config.has("indexer_types"):
        types = config.texts("indexer_types", config.layers())
        found["attention.indexer.types"] = tuple(kind == "full" for kind in types)
    return found


def glm4_moe(config: Config) -> Found:
    """Return the keys of GLM 4.5 to 4.7, with the layer for drafting that their files hold."""
    found = experts(config)
    drafting = config.count_or("num_nextn_predict_layers", 0)
    found["block_count"] = config.layers() + drafting
    found["expert_shared_count"] = config.count_or("n_shared_experts", 0)
    found["leading_dense_block_count"] = config.count_or("first_k_dense_replace", 0)
    if drafting:
        found["nextn_predict_layers"] = drafting
    if config.data.get("use_qk_norm") is True:
        found[QUERY_NORMS] = True
    return found


def deepseek_v4(config: Config) -> Found:
    """Return the keys of DeepSeek V4: windows, compressed rows and an index."""
    found, layers = experts(config), config.layers()
    found |= {
        "feed_forward_length": config.count("moe_intermediate_size"),
        "attention.q_lora_rank": config.count("q_lora_rank"),
        "attention.output_group_count": config.count("o_groups"),
        "attention.output_lora_rank": config.count("o_lora_rank"),
        "attention.sliding_window": config.count("sliding_window"),
        "attention.compress_ratios": config.counts("compress_ratios", layers),
        "attention.indexer.head_count": config.count("index_n_heads"),
        "attention.indexer.key_length": config.count("index_head_dim"),
        "hyper_connection.count": config.count("hc_mult"),
        "hash_layer_count": config.count_or("num_hash_layers", 0),
        "expert_shared_count": config.count_or("n_shared_experts", 0),
        "rope.dimension_count": config.count("qk_rope_head_dim"),
    }
    return found


def minimax_m3(config: Config) -> Found:
    """Return the keys of MiniMax M3: experts after the first layers, with an index beside attention."""
    found = experts(config)
    sparse = Config(
        config.data.get("sparse_attention_config") or {}, said("{where}: sparse_attention_config", where=config.where)
    )
    found |= {
        "feed_forward_length": config.count("dense_intermediate_size"),
        "expert_shared_count": config.count_or("n_shared_experts", 0),
        "leading_dense_block_count": config.flags("moe_layer_freq", config.layers()).count(False),
        "attention.indexer.head_count": sparse.count("sparse_num_index_heads"),
        "attention.indexer.key_length": sparse.count("sparse_index_dim"),
    }
    return found


def gemma4(config: Config) -> Found:
    """Return the keys of Gemma 4: heads of two lengths, shared keys, experts or embeddings by layer in some."""
    found, layers = windowed(config), config.layers()
    inside = tuple(kind == "sliding_attention" for kind in config.texts("layer_types", layers))
    shares = config.data.get("attention_k_eq_v") is True
    narrow = config.count("num_key_value_heads")
    full = config.count_or("num_global_key_value_heads", narrow, 1) if shares else narrow
    length = config.count("global_head_dim")
    found |= {
        "attention.head_count_kv": tuple(narrow if window else full for window in inside),
        "attention.key_length": length,
        "attention.value_length": length,
        "attention.key_length_swa": config.count("head_dim"),
        "attention.value_length_swa": config.count("head_dim"),
        "attention.sliding_window_pattern": inside,
        "attention.shared_kv_layers": config.count_or("num_kv_shared_layers", 0),
        "embedding_length_per_layer_input": config.count_or("hidden_size_per_layer_input", 0),
        SHARED_VALUES: shares,
    }
    if config.has("num_experts"):
        found["expert_count"] = config.count("num_experts")
        found["expert_used_count"] = config.count("top_k_experts", "num_experts_per_tok")
        found["expert_feed_forward_length"] = config.count("moe_intermediate_size")
    if config.data.get("use_double_wide_mlp") is True:
        wide, shared = config.count("intermediate_size"), config.count_or("num_kv_shared_layers", 0)
        found["feed_forward_length"] = tuple(wide * (2 if n >= layers - shared else 1) for n in range(layers))
    return found


def mimo2(config: Config) -> Found:
    """Return the keys of MiMo-V2: windows with more key heads, and keys longer than values."""
    found, layers = experts(config), config.layers()
    inside = config.flags("hybrid_layer_pattern", layers)
    narrow, full = config.count("swa_num_key_value_heads"), config.count("num_key_value_heads")
    found |= {
        "attention.head_count_kv": tuple(narrow if window else full for window in inside),
        "attention.value_length": config.count("v_head_dim"),
        "attention.key_length_swa": config.count("swa_head_dim"),
        "attention.value_length_swa": config.count("swa_v_head_dim"),
        "attention.sliding_window": config.count("sliding_window"),
        "attention.sliding_window_pattern": inside,
        "leading_dense_block_count": config.flags("moe_layer_freq", layers).count(False),
    }
    return found


def nemotron_h(config: Config) -> Found:
    """Return the keys of Nemotron 3: each layer a scan, attention or experts."""
    found, layers = common(config), config.layers()
    kinds = _kinds(config, layers)
    width = config.count("moe_intermediate_size", "intermediate_size")
    kv_heads = config.count("num_key_value_heads")
    ranks = config.count("mamba_num_heads")
    found |= {
        "feed_forward_length": tuple(width if kind == "E" else 0 for kind in kinds),
        "attention.head_count_kv": tuple(kv_heads if kind == "*" else 0 for kind in kinds),
        "ssm.conv_kernel": config.count("conv_kernel"),
        "ssm.inner_size": ranks * config.count("mamba_head_dim"),
        "ssm.state_size": config.count("ssm_state_size"),
        "ssm.time_step_rank": ranks,
        "ssm.group_count": config.count("n_groups"),
        "expert_count": config.count("n_routed_experts"),
        "expert_used_count": config.count("num_experts_per_tok"),
        "expert_feed_forward_length": width,
        "expert_shared_feed_forward_length": config.count("moe_shared_expert_intermediate_size"),
    }
    if config.has("moe_latent_size"):
        found["moe_latent_size"] = config.count("moe_latent_size")
    return found


def _kinds(config: Config, layers: int) -> list[str]:
    pattern = config.data.get("hybrid_override_pattern")
    if isinstance(pattern, str) and len(pattern) == layers:
        return list(pattern)
    words = {"mamba": "M", "moe": "E", "attention": "*"}
    return [words.get(word, "") for word in config.texts("layers_block_type", layers)]
