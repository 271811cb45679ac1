"""What transformers takes where a config.json leaves a key out: the defaults of its configuration classes.

A saved config names only what differs from them (google/gemma-3-4b-it leaves out its heads). Source: the classes'
fields in ``models/*/configuration_*.py`` of transformers 5.24.0. Sizes that tell models apart (layers, widths) are not
filled in: a config without them is damaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truelimit.domain.message import Message, said

_VERSION = "5.24.0"
_KEYS = (
    "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings", "sliding_window",
)  # fmt: skip
# By model_type: the class, then its defaults in the order of the keys; None: it has none, or tells it from others.
_DEFAULTS: dict[str, tuple[str, tuple[int | None, ...]]] = {
    "gemma2": ("Gemma2Config", (8, 4, 256, 256_000, 8192, 4096)),
    "gemma3_text": ("Gemma3TextConfig", (8, 4, 256, 262_208, 131_072, 4096)),
    "gemma4_text": ("Gemma4TextConfig", (8, 4, 256, 262_144, 131_072, 512)),
    "glm4_moe": ("Glm4MoeConfig", (96, 8, None, 151_552, 131_072, None)),
    "gpt_oss": ("GptOssConfig", (64, 8, 64, 201_088, 131_072, 128)),
    "granite": ("GraniteConfig", (32, None, None, 32_000, 2048, None)),
    "llama": ("LlamaConfig", (32, None, None, 32_000, 2048, None)),
    "ministral3": ("Ministral3Config", (32, 8, 128, 131_072, 262_144, None)),
    "mistral": ("MistralConfig", (32, 8, None, 32_000, 131_072, None)),
    "mixtral": ("MixtralConfig", (32, 8, None, 32_000, 131_072, None)),
    "olmo3": ("Olmo3Config", (32, None, None, 50_304, 2048, 4096)),
    "phi3": ("Phi3Config", (32, None, None, 32_064, 4096, None)),
    "qwen2": ("Qwen2Config", (32, 32, None, 151_936, 32_768, None)),
    "qwen3": ("Qwen3Config", (32, 32, 128, 151_936, 32_768, None)),
    "qwen3_5_moe_text": ("Qwen3_5MoeTextConfig", (16, 2, 256, 248_320, 32_768, None)),
    "qwen3_5_text": ("Qwen3_5TextConfig", (16, 4, 256, 248_320, 32_768, None)),
    "qwen3_moe": ("Qwen3MoeConfig", (32, 4, None, 151_936, 32_768, None)),
    "qwen3_next": ("Qwen3NextConfig", (16, 2, 256, 151_936, 32_768, None)),
    "qwen3_vl_moe_text": ("Qwen3VLMoeTextConfig", (16, 16, None, 151_936, 128_000, None)),
    "qwen3_vl_text": ("Qwen3VLTextConfig", (32, 32, 128, 151_936, 128_000, None)),
    "seed_oss": ("SeedOssConfig", (80, 8, 128, 155_136, 524_288, None)),
    "smollm3": ("SmolLM3Config", (16, 4, None, 128_256, 32_768, None)),
}


def with_defaults(kind: str, data: Mapping[str, Any]) -> tuple[dict[str, Any], Message | None]:
    """Return a config with the keys that it leaves out, and what to say of them; None where it names them all.

    A key that is there but null stays so: that is what transformers makes of it.
    """
    name, values = _DEFAULTS.get(kind, ("", ()))
    taken = {key: value for key, value in zip(_KEYS, values, strict=False) if value is not None and key not in data}
    if not taken:
        return dict(data), None
    told = said(
        "config.json leaves out {keys}: the defaults of {name} in transformers {version}",
        keys=", ".join(f"{key} ({value})" for key, value in taken.items()),
        name=name,
        version=_VERSION,
    )
    return {**data, **taken}, told
