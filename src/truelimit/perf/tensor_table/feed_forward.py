"""Tensors of the feed-forward: dense, experts, experts shared by all tokens.

Source: ``src/models/*.cpp`` of llama.cpp, build b11434.
"""

from __future__ import annotations

from truelimit.domain.message import said
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.tensor_table.nouns import Geometry, Rows, row


def dense(of: Geometry, layer: int) -> Rows:
    """Yield gate, up and down."""
    width = _dense_width(of, layer)
    yield row("ffn_gate", of.embedding, width)
    yield row("ffn_up", of.embedding, width)
    yield row("ffn_down", width, of.embedding)


def dense_fused(of: Geometry, layer: int) -> Rows:
    """Yield one tensor for gate and up, and down."""
    width = _dense_width(of, layer)
    yield row("ffn_up", of.embedding, 2 * width)
    yield row("ffn_down", width, of.embedding)


def experts(
    of: Geometry,
    layer: int,
    *,
    score_bias: bool = False,
    shared_gate: bool = False,
    biased: bool = False,
    always_shared: bool = False,
) -> Rows:
    """Yield the router, the experts and those that all tokens share; a dense layer where the model has one there.

    ``score_bias``: the router has a bias that only chooses. ``shared_gate``: a gate before the shared experts.
    ``always_shared``: one shared expert, which no key tells.
    """
    if not of.has_experts(layer):
        yield from dense(of, layer)
        return
    count, width = of.keys.count("expert_count").value, _width(of, layer)
    yield row("ffn_gate_inp", of.embedding, count)
    if score_bias:
        yield row("exp_probs_b.bias", count)
    yield row("ffn_gate_exps", of.embedding, width, count)
    yield row("ffn_up_exps", of.embedding, width, count)
    yield row("ffn_down_exps", width, of.embedding, count)
    if biased:
        yield row("ffn_gate_inp.bias", count)
        yield row("ffn_gate_exps.bias", width, count)
        yield row("ffn_up_exps.bias", width, count)
        yield row("ffn_down_exps.bias", of.embedding, count)
    shared = width if always_shared else _shared_width(of, width)
    if shared:
        if shared_gate:
            yield row("ffn_gate_inp_shexp", of.embedding)
        yield row("ffn_gate_shexp", of.embedding, shared)
        yield row("ffn_up_shexp", of.embedding, shared)
        yield row("ffn_down_shexp", shared, of.embedding)


def nothing(_of: Geometry, _layer: int) -> Rows:
    """Yield nothing: for layers whose mixing is all there is."""
    yield from ()


def _width(of: Geometry, layer: int) -> int:
    """Return the width of one expert; older files of Mixtral's kind have one key for both kinds of layers."""
    if of.keys.has("expert_feed_forward_length"):
        return of.keys.count("expert_feed_forward_length").value
    return _dense_width(of, layer)


def _dense_width(of: Geometry, layer: int) -> int:
    if not of.feed_forward[layer]:
        raise UnknownLayoutError(
            said("{where} is missing or 0 for layer {layer}", where=of.keys.where("feed_forward_length"), layer=layer)
        )
    return of.feed_forward[layer]


def _shared_width(of: Geometry, width: int) -> int:
    keys = of.keys
    if keys.has("expert_shared_feed_forward_length"):
        return keys.count("expert_shared_feed_forward_length", 0).value
    return width * keys.count_or("expert_shared_count", 0, "none").value


def squared_experts(of: Geometry) -> Rows:
    """Yield experts without a gate, in a narrower space where the model has one (Nemotron 3)."""
    keys = of.keys
    count = keys.count("expert_count").value
    width, shared = (
        keys.count("expert_feed_forward_length").value,
        keys.count("expert_shared_feed_forward_length").value,
    )
    inner = of.embedding
    yield row("ffn_gate_inp", of.embedding, count)
    yield row("exp_probs_b.bias", count)
    if keys.has("moe_latent_size"):
        inner = keys.count("moe_latent_size").value
        yield row("ffn_latent_down", of.embedding, inner)
        yield row("ffn_latent_up", inner, of.embedding)
    yield row("ffn_up_exps", inner, width, count)
    yield row("ffn_down_exps", width, inner, count)
    yield row("ffn_up_shexp", of.embedding, shared)
    yield row("ffn_down_shexp", shared, of.embedding)
