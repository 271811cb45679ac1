"""Tensors of DeepSeek V4: one shared key for all heads, compressed rows with an index, several streams side by side.

Source: ``src/models/deepseek4.cpp`` of llama.cpp, build b11434.
"""

from __future__ import annotations

from truelimit.perf.tensor_table.nouns import Geometry, Rows, row

_NEAR = 4  # tokens a row of the finer compression


def mixing(of: Geometry, layer: int) -> Rows:
    """Yield attention with its low-rank projections, and the weights that mix the streams before it."""
    keys, heads = of.keys, of.heads[layer]
    length, query = of.head(layer)[0], keys.count("attention.q_lora_rank").value
    groups, rank = (keys.count(f"attention.output_{name}").value for name in ("group_count", "lora_rank"))
    yield row("attn_sinks", heads)
    yield row("attn_q_a", of.embedding, query)
    yield row("attn_q_a_norm", query)
    yield row("attn_q_b", query, heads * length)
    yield row("attn_kv", of.embedding, length)
    yield row("attn_kv_a_norm", length)
    yield row("attn_output_a", heads * length // groups, rank, groups)
    yield row("attn_output_b", groups * rank, of.embedding)
    yield from _streams(of, "attn")
    yield from _compressed(of, layer, length, query)


def _compressed(of: Geometry, layer: int, length: int, query: int) -> Rows:
    keys = of.keys
    ratio = keys.per_layer("attention.compress_ratios", of.layers)[layer]
    if not ratio:
        return
    width = length * (2 if ratio == _NEAR else 1)
    yield row("attn_compressor_kv", of.embedding, width)
    yield row("attn_compressor_gate", of.embedding, width)
    yield row("attn_compressor_ape", width, ratio)
    yield row("attn_compressor_norm", length)
    if ratio == _NEAR:
        count, index = (keys.count(f"attention.indexer.{name}").value for name in ("head_count", "key_length"))
        yield row("indexer.proj", of.embedding, count)
        yield row("indexer.attn_q_b", query, count * index)
        yield row("indexer_compressor_kv", of.embedding, 2 * index)
        yield row("indexer_compressor_gate", of.embedding, 2 * index)
        yield row("indexer_compressor_ape", 2 * index, ratio)
        yield row("indexer_compressor_norm", index)


def feeding(of: Geometry, layer: int) -> Rows:
    """Yield experts, chosen by the token itself in the first layers, and the weights that mix the streams."""
    keys = of.keys
    count, width = keys.count("expert_count").value, keys.count("expert_feed_forward_length").value
    shared = width * keys.count("expert_shared_count").value
    yield row("ffn_gate_inp", of.embedding, count)
    if layer < keys.count("hash_layer_count", 0).value:
        yield row("ffn_gate_tid2eid", keys.count("expert_used_count").value, of.vocabulary)
    else:
        yield row("exp_probs_b.bias", count)
    yield row("ffn_gate_exps", of.embedding, width, count)
    yield row("ffn_up_exps", of.embedding, width, count)
    yield row("ffn_down_exps", width, of.embedding, count)
    yield row("ffn_gate_shexp", of.embedding, shared)
    yield row("ffn_up_shexp", of.embedding, shared)
    yield row("ffn_down_shexp", shared, of.embedding)
    yield from _streams(of, "ffn")


def head(of: Geometry) -> Rows:
    """Yield the weights that join the streams at the end."""
    count = of.keys.count("hyper_connection.count").value
    yield row("output_hc_fn", count * of.embedding, count)
    yield row("output_hc_base", count)
    yield row("output_hc_scale", 1)


def _streams(of: Geometry, part: str) -> Rows:
    count = of.keys.count("hyper_connection.count").value
    mixed = (2 + count) * count
    yield row(f"hc_{part}_fn", count * of.embedding, mixed)
    yield row(f"hc_{part}_base", mixed)
    yield row(f"hc_{part}_scale", 3)
