"""Tensors of Gemma 4: layers of two head lengths, keys shared between layers, embeddings by layer, experts beside.

Source: ``src/models/gemma4.cpp`` of llama.cpp, build b11434.
"""

from __future__ import annotations

from truelimit.perf.tensor_table import attention, feed_forward
from truelimit.perf.tensor_table.nouns import Geometry, Rows, row


def mixing(of: Geometry, layer: int) -> Rows:
    """Yield attention; the last layers use keys and values of an earlier one."""
    shared = of.keys.count_or("attention.shared_kv_layers", 0, "none").value
    for item in attention.plain(of, layer, qk_norm="head"):
        if layer < of.layers - shared or not item.name.startswith(("attn_k", "attn_v")):
            yield item


def feeding(of: Geometry, layer: int) -> Rows:
    """Yield the dense feed-forward, experts beside it, and the gate of the embedding by layer, where there are any."""
    yield from feed_forward.dense(of, layer)
    yield row("layer_output_scale", 1)
    if of.keys.has("expert_count"):
        count = of.keys.count("expert_count").value
        width = of.keys.count("expert_feed_forward_length").value
        yield row("ffn_gate_inp", of.embedding, count)
        yield row("ffn_gate_inp.scale", of.embedding)
        for name in ("pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2"):
            yield row(name, of.embedding)
        yield row("ffn_gate_up_exps", of.embedding, 2 * width, count)
        yield row("ffn_down_exps", width, of.embedding, count)
        yield row("ffn_down_exps.scale", count)
    own = _by_layer(of)
    if own:
        yield row("inp_gate", of.embedding, own)
        yield row("proj", own, of.embedding)
        yield row("post_norm", of.embedding)


def head(of: Geometry) -> Rows:
    """Yield the embeddings by layer, where there are any, and the factors of the positions."""
    own = _by_layer(of)
    if own:
        yield row("per_layer_token_embd", own * of.layers, of.vocabulary)
        yield row("per_layer_model_proj", of.embedding, own * of.layers)
        yield row("per_layer_proj_norm", own)
    yield row("rope_freqs", of.keys.head_length("key_length").value // 2)


def _by_layer(of: Geometry) -> int:
    return of.keys.count_or("embedding_length_per_layer_input", 0, "none").value
