"""Tensors of attention: separate or fused projections, low-rank latent attention, index keys.

Source: ``create_tensor_qkv`` and ``src/models/*.cpp`` of llama.cpp, build b11434.
"""

from __future__ import annotations

from truelimit.perf.tensor_table.nouns import Geometry, Rows, row

QUERY_NORMS = "attention.has_query_norms"  # not a key of GGUF: what a config.json says


def plain(
    of: Geometry,
    layer: int,
    *,
    qk_norm: str = "",
    biased: bool = False,
    output_bias: bool = False,
    sinks: str = "",
    gate: bool = False,
    doubled_query: bool = False,
) -> Rows:
    """Yield query, key, value and output. ``qk_norm`` is ``head`` or ``row``; ``sinks`` ``all`` or ``window``.

    ``doubled_query``: the query tensor holds a gate of the same size.
    """
    heads, kv_heads = of.heads[layer], of.kv_heads[layer]
    key, value = of.head(layer)
    query_row = heads * key * (2 if doubled_query else 1)
    sizes = {"attn_q": query_row, "attn_k": kv_heads * key, "attn_v": kv_heads * value}
    if of.shares_values and not of.windowed[layer]:
        del sizes["attn_v"]
    for name, size in sizes.items():
        yield row(name, of.embedding, size)
        if biased:
            yield row(f"{name}.bias", size)
    yield row("attn_output", heads * value, of.embedding)
    if output_bias:
        yield row("attn_output.bias", of.embedding)
    if qk_norm:
        yield row("attn_q_norm", key if qk_norm == "head" else heads * key)
        yield row("attn_k_norm", key if qk_norm == "head" else kv_heads * key)
    if sinks == "all" or (sinks == "window" and of.windowed[layer]):
        yield row("attn_sinks", heads)
    if gate:
        yield row("attn_gate", of.embedding, heads)


def with_optional_norms(of: Geometry, layer: int) -> Rows:
    """Yield attention with biases; norms by head where the header says so (GLM 4.5 to 4.7, the large ones)."""
    has_norms = of.keys.header.get(QUERY_NORMS) is True
    yield from plain(of, layer, biased=True, qk_norm="head" if has_norms else "")


def fused(of: Geometry, layer: int) -> Rows:
    """Yield one tensor for query, key and value, and the output."""
    heads, kv_heads = of.heads[layer], of.kv_heads[layer]
    key, value = of.head(layer)
    yield row("attn_qkv", of.embedding, heads * key + kv_heads * (key + value))
    yield row("attn_output", heads * value, of.embedding)


def latent(of: Geometry, layer: int) -> Rows:
    """Yield the low-rank projections of latent attention, with keys and values taken apart as newer files have them."""
    keys = of.keys
    heads = of.heads[layer]
    rank = keys.count("attention.kv_lora_rank").value
    key, value = keys.count("attention.key_length_mla").value, keys.count("attention.value_length_mla").value
    rope = keys.count("rope.dimension_count").value
    if keys.has("attention.q_lora_rank"):
        query = keys.count("attention.q_lora_rank").value
        yield row("attn_q_a", of.embedding, query)
        yield row("attn_q_a_norm", query)
        yield row("attn_q_b", query, heads * key)
    else:
        yield row("attn_q", of.embedding, heads * key)
    yield row("attn_kv_a_mqa", of.embedding, rank + rope)
    yield row("attn_kv_a_norm", rank)
    yield row("attn_k_b", key - rope, rank, heads)
    yield row("attn_v_b", rank, value, heads)
    yield row("attn_output", heads * value, of.embedding)


def indexed_latent(of: Geometry, layer: int) -> Rows:
    """Yield latent attention with the index that chooses tokens; layers that share an index have none of their own."""
    yield from latent(of, layer)
    if _shares_index(of, layer):
        return
    keys = of.keys
    count, length = keys.count("attention.indexer.head_count").value, keys.count("attention.indexer.key_length").value
    yield row("indexer.k_norm", length)
    yield row("indexer.k_norm.bias", length)
    yield row("indexer.proj", of.embedding, count)
    yield row("indexer.attn_k", of.embedding, length)
    yield row("indexer.attn_q_b", keys.count("attention.q_lora_rank").value, count * length)


def _shares_index(of: Geometry, layer: int) -> bool:
    if not of.keys.has("attention.indexer.types"):
        return False
    return not of.keys.flags("attention.indexer.types", of.layers - of.drafting)[: of.layers][layer]


def block_index(of: Geometry, layer: int) -> Rows:
    """Yield attention with norms by head, and from the first layer with experts on an index beside it."""
    yield from plain(of, layer, qk_norm="head")
    if of.has_experts(layer):
        keys = of.keys
        count = keys.count("attention.indexer.head_count").value
        length = keys.count("attention.indexer.key_length").value
        yield row("indexer.q_proj", of.embedding, count * length)
        yield row("indexer.k_proj", of.embedding, length)
        yield row("indexer.q_norm", length)
        yield row("indexer.k_norm", length)
