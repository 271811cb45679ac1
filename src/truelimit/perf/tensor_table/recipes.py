"""Which tensors belong to which architecture. One that is not here is refused, never guessed.

Source: ``load_arch_tensors`` of ``src/models/*.cpp`` in llama.cpp, build b11434.
"""

from __future__ import annotations

from functools import partial

from truelimit.perf.tensor_table import attention, deepseek4, feed_forward, gemma4, mixers
from truelimit.perf.tensor_table.nouns import Recipe

_PLAIN = attention.plain
_BY_HEAD = partial(attention.plain, qk_norm="head")
_EXPERTS = feed_forward.experts
_SCORED = partial(feed_forward.experts, score_bias=True)
_BEFORE_AND_AFTER = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
_NO_FFN_NORM = ("attn_norm", "post_attention_norm")
_LATENT = Recipe(attention.latent, _SCORED)

RECIPES: dict[str, Recipe] = {
    "deepseek2": _LATENT,
    "deepseek32": Recipe(attention.indexed_latent, _SCORED),
    "deepseek4": Recipe(deepseek4.mixing, deepseek4.feeding, head=deepseek4.head, tied=False),
    "ernie4_5": Recipe(_PLAIN, _EXPERTS),
    "gemma2": Recipe(_PLAIN, feed_forward.dense, _BEFORE_AND_AFTER, tied=True),
    "gemma3": Recipe(_BY_HEAD, feed_forward.dense, _BEFORE_AND_AFTER, tied=True),
    "gemma4": Recipe(gemma4.mixing, gemma4.feeding, _BEFORE_AND_AFTER, gemma4.head, tied=True),
    "glm-dsa": Recipe(attention.indexed_latent, _SCORED),
    "glm4moe": Recipe(attention.with_optional_norms, _SCORED, _NO_FFN_NORM),
    "gpt-oss": Recipe(
        partial(_PLAIN, biased=True, output_bias=True, sinks="all"), partial(_EXPERTS, biased=True), _NO_FFN_NORM
    ),
    "granite": Recipe(_PLAIN, _EXPERTS),
    "llama": Recipe(_PLAIN, _EXPERTS),
    "llama4": Recipe(_PLAIN, partial(_EXPERTS, always_shared=True)),
    "mimo2": Recipe(partial(_PLAIN, sinks="window"), _SCORED),
    "minimax-m2": Recipe(partial(_PLAIN, qk_norm="row"), _SCORED),
    "minimax-m3": Recipe(attention.block_index, _SCORED),
    "mistral3": Recipe(_PLAIN, _EXPERTS),
    "mistral4": Recipe(attention.latent, _EXPERTS),
    "nemotron_h_moe": Recipe(mixers.one_of_three, feed_forward.nothing, ("attn_norm",)),
    "phi3": Recipe(attention.fused, feed_forward.dense_fused),
    "qwen2": Recipe(partial(_PLAIN, biased=True), feed_forward.dense),
    "qwen3": Recipe(_BY_HEAD, feed_forward.dense),
    "qwen35": Recipe(mixers.delta_or_attention, feed_forward.dense, _NO_FFN_NORM),
    "qwen35moe": Recipe(mixers.delta_or_attention, partial(_EXPERTS, shared_gate=True), _NO_FFN_NORM),
    "qwen3moe": Recipe(_BY_HEAD, _EXPERTS),
    "qwen3next": Recipe(
        partial(mixers.delta_or_attention, joined=True), partial(_EXPERTS, shared_gate=True), _NO_FFN_NORM
    ),
    "qwen3vl": Recipe(_BY_HEAD, feed_forward.dense),
    "qwen3vlmoe": Recipe(_BY_HEAD, _EXPERTS),
    "seed_oss": Recipe(partial(_PLAIN, biased=True), feed_forward.dense, _NO_FFN_NORM),
    "smollm3": Recipe(_PLAIN, feed_forward.dense),
    "step35": Recipe(partial(_PLAIN, qk_norm="head", gate=True), _SCORED),
}
