"""The true shape of Qwen3-Coder-30B-A3B as a Q4_K_M file: 48 layers, 128 experts, no weights."""

from __future__ import annotations

LAYERS = 48
_WIDTH, _HEADS, _KV_HEADS, _HEAD_DIM = 2048, 32, 4, 128
_EXPERTS, _EXPERT_WIDTH, _VOCABULARY = 128, 768, 151_936

METADATA: dict[str, object] = {
    "general.architecture": "qwen3moe",
    "general.type": "model",
    "general.name": "Qwen3 Coder 30B A3B Instruct",
    "general.file_type": 15,
    "general.parameter_count": 30_532_122_624,
    "qwen3moe.block_count": LAYERS,
    "qwen3moe.context_length": 262_144,
    "qwen3moe.embedding_length": _WIDTH,
    "qwen3moe.feed_forward_length": 6144,
    "qwen3moe.expert_feed_forward_length": _EXPERT_WIDTH,
    "qwen3moe.expert_count": _EXPERTS,
    "qwen3moe.expert_used_count": 8,
    "qwen3moe.attention.head_count": _HEADS,
    "qwen3moe.attention.head_count_kv": _KV_HEADS,
    "qwen3moe.attention.key_length": _HEAD_DIM,
    "qwen3moe.attention.value_length": _HEAD_DIM,
    "qwen3moe.attention.layer_norm_rms_epsilon": 1e-6,
    "qwen3moe.rope.freq_base": 10_000_000.0,
    "tokenizer.ggml.model": "gpt2",
}

Row = tuple[str, tuple[int, ...], str]


def tensors() -> list[Row]:
    """Return the tensor table: name, shape (fastest dimension first), type."""
    rows: list[Row] = [("token_embd.weight", (_WIDTH, _VOCABULARY), "Q4_K")]
    for layer in range(LAYERS):
        rows += _layer(layer)
    return [*rows, ("output_norm.weight", (_WIDTH,), "F32"), ("output.weight", (_WIDTH, _VOCABULARY), "Q6_K")]


def _layer(layer: int) -> list[Row]:
    better = "Q6_K" if _more_bits(layer) else "Q4_K"
    name = f"blk.{layer}."
    return [
        (name + "attn_norm.weight", (_WIDTH,), "F32"),
        (name + "attn_q.weight", (_WIDTH, _HEADS * _HEAD_DIM), "Q4_K"),
        (name + "attn_k.weight", (_WIDTH, _KV_HEADS * _HEAD_DIM), "Q4_K"),
        (name + "attn_v.weight", (_WIDTH, _KV_HEADS * _HEAD_DIM), better),
        (name + "attn_output.weight", (_HEADS * _HEAD_DIM, _WIDTH), "Q4_K"),
        (name + "attn_q_norm.weight", (_HEAD_DIM,), "F32"),
        (name + "attn_k_norm.weight", (_HEAD_DIM,), "F32"),
        (name + "ffn_norm.weight", (_WIDTH,), "F32"),
        (name + "ffn_gate_inp.weight", (_WIDTH, _EXPERTS), "F32"),
        (name + "ffn_gate_exps.weight", (_WIDTH, _EXPERT_WIDTH, _EXPERTS), "Q4_K"),
        (name + "ffn_up_exps.weight", (_WIDTH, _EXPERT_WIDTH, _EXPERTS), "Q4_K"),
        (name + "ffn_down_exps.weight", (_EXPERT_WIDTH, _WIDTH, _EXPERTS), better),
    ]


def _more_bits(layer: int) -> bool:
    """Which layers Q4_K_M gives more bits: the first and last eighth, and every third between (llama.cpp)."""
    eighth = LAYERS // 8
    return layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2
