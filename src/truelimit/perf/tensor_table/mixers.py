"""Layers that mix tokens by a state: gated delta nets, scans; and the layers of Nemotron, each of one kind.

Source: ``src/models/qwen3next.cpp``, ``qwen35.cpp`` and ``nemotron-h.cpp`` of llama.cpp, build b11434.
"""

from __future__ import annotations

from truelimit.perf.tensor_table import attention
from truelimit.perf.tensor_table.feed_forward import squared_experts
from truelimit.perf.tensor_table.nouns import Geometry, Rows, row


def delta_or_attention(of: Geometry, layer: int, *, joined: bool = False) -> Rows:
    """Yield gated attention in every fourth layer, a gated delta net in the others.

    ``joined``: the two small projections are one tensor (Qwen3-Next).
    """
    interval = of.keys.count("full_attention_interval").value
    if (layer + 1) % interval == 0 or layer >= of.layers - of.drafting:
        yield from attention.plain(of, layer, qk_norm="head", doubled_query=True)
        return
    inner, state, groups, ranks = _scan(of)
    mixed = inner + 2 * groups * state
    yield row("attn_qkv", of.embedding, mixed)
    yield row("attn_gate", of.embedding, inner)
    yield row("ssm_conv1d", of.keys.count("ssm.conv_kernel").value, mixed)
    yield row("ssm_dt.bias", ranks)
    yield row("ssm_a", ranks)
    if joined:
        yield row("ssm_ba", of.embedding, 2 * ranks)
    else:
        yield row("ssm_beta", of.embedding, ranks)
        yield row("ssm_alpha", of.embedding, ranks)
    yield row("ssm_norm", inner // ranks)
    yield row("ssm_out", inner, of.embedding)


def one_of_three(of: Geometry, layer: int) -> Rows:
    """Yield a scan, experts or attention, as the keys of the layer tell (Nemotron 3)."""
    if of.feed_forward[layer]:
        yield from squared_experts(of)
    elif of.kv_heads[layer]:
        yield from attention.plain(of, layer)
    else:
        yield from _grouped_scan(of)


def _grouped_scan(of: Geometry) -> Rows:
    inner, state, groups, ranks = _scan(of)
    mixed = inner + 2 * groups * state
    yield row("ssm_in", of.embedding, inner + mixed + ranks)
    yield row("ssm_conv1d", of.keys.count("ssm.conv_kernel").value, mixed)
    yield row("ssm_conv1d.bias", mixed)
    yield row("ssm_dt.bias", ranks)
    yield row("ssm_a", 1, ranks)
    yield row("ssm_d", 1, ranks)
    yield row("ssm_norm", inner // groups, groups)
    yield row("ssm_out", inner, of.embedding)


def _scan(of: Geometry) -> tuple[int, int, int, int]:
    """Return inner size, state size, groups and ranks (heads)."""
    names = ("inner_size", "state_size", "group_count", "time_step_rank")
    inner, state, groups, ranks = (of.keys.count(f"ssm.{name}").value for name in names)
    return inner, state, groups, ranks
