"""Which rule belongs to which architecture, and which of them a real engine has confirmed.

VERIFIED_ARCHITECTURES are those whose numbers equalled the engine's own, to the hundredth of a MiB, for a model of
true shape (tests/real/test_real_kv_oracle.py). The rules of the others are read in the engine's source only.
"""

from __future__ import annotations

from collections.abc import Callable

from truelimit.perf.layouts import compressed, hybrid, latent, windows
from truelimit.perf.layouts.attention import plain
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import CacheLayout
from truelimit.perf.layouts.windows import Windowed

Rule = Callable[[Keys], CacheLayout]

# fmt: off
_PLAIN = (
    "apertus", "arcee", "arctic", "baichuan", "bailingmoe", "bailingmoe2", "bitnet", "bloom", "chatglm",
    "codeshell", "cogvlm", "command-r", "dbrx", "deci", "deepseek", "dots1", "ernie4_5", "ernie4_5-moe", "exaone",
    "falcon", "gemma", "glm4", "glm4moe", "gpt2", "gptneox", "granite", "granitemoe", "grok", "grovemoe",
    "hunyuan-dense", "hunyuan-moe", "internlm2", "jais", "llama", "maincoder", "minicpm", "minicpm3", "minimax-m2",
    "mistral3", "mpt", "nemotron", "olmo", "olmoe", "openelm", "orion", "pangu-embedded", "phi2", "phi3", "phimoe",
    "plamo", "plm", "qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe", "refact",
    "seed_oss", "smollm3", "stablelm", "starcoder", "starcoder2", "xverse",
)
# fmt: on

RULES: dict[str, Rule] = {
    **dict.fromkeys(_PLAIN, plain),
    # Sliding windows.
    "afmoe": Windowed(4, optional=True),
    "cohere2": Windowed(4),
    "cohere2moe": Windowed(4, full_first=True),
    "exaone-moe": Windowed(4),
    "exaone4": windows.exaone4,
    "gemma2": Windowed(2, default=4096),
    "gemma3": Windowed(6, optional=True),
    "gemma3n": windows.gemma3n,
    "gemma4": windows.gemma4,
    "gpt-oss": Windowed(2),
    "laguna": Windowed(4, full_first=True, optional=True),
    "llama4": windows.llama4,
    "mellum": Windowed(4, optional=True),
    "mimo2": Windowed(None),
    "olmo2": Windowed(4, optional=True),
    "plamo3": Windowed(8, optional=True),
    "smallthinker": Windowed(4, full_first=True, optional=True, fixed=4096),
    "step35": Windowed(None),
    # Latent attention and index keys.
    "deepseek2": latent.latent,
    "deepseek32": latent.latent_with_index,
    "dots3note": latent.latent_window_with_index,
    "glm-dsa": latent.latent_with_some_indexes,
    "hy_v4": latent.latent_with_optional_index,
    "minimax-m3": latent.index_beside_attention,
    "mistral4": latent.latent,
    "deepseek4": compressed.deepseek4,
    # States, alone or beside attention.
    "arwkv7": hybrid.wkv_only,
    "falcon-h1": hybrid.both_in_every_layer,
    "glm5-next": latent.delta_with_index,
    "granitehybrid": hybrid.grouped_scan,
    "jamba": hybrid.jamba,
    "kimi-k3": hybrid.delta_attention,
    "kimi-linear": hybrid.delta_attention,
    "lfm2": hybrid.short_convolutions,
    "lfm2moe": hybrid.short_convolutions,
    "mamba": hybrid.scan_only,
    "mamba2": hybrid.grouped_scan_only,
    "minimax-01": hybrid.lightning,
    "nemotron_h": hybrid.nemotron_h,
    "nemotron_h_moe": hybrid.nemotron_h,
    "plamo2": hybrid.grouped_scan,
    "qwen35": hybrid.gated_delta_net,
    "qwen35moe": hybrid.gated_delta_net,
    "qwen3next": hybrid.gated_delta_net,
    "qwen4exp": latent.gated_delta_with_index,
    "rwkv6": hybrid.wkv_only,
    "rwkv6qwen2": hybrid.wkv_only,
    "rwkv7": hybrid.wkv_only,
}

# fmt: off
VERIFIED_ARCHITECTURES: frozenset[str] = frozenset({
    "afmoe", "arcee", "bailingmoe2", "bloom", "chatglm", "cohere2", "command-r", "deepseek", "deepseek2",
    "deepseek32", "deepseek4", "dots1", "dots3note", "ernie4_5", "ernie4_5-moe", "exaone-moe", "exaone4",
    "falcon", "falcon-h1", "gemma", "gemma2", "gemma3", "gemma3n", "gemma4", "glm-dsa", "glm4", "glm4moe",
    "glm5-next", "gpt-oss", "granite", "granitehybrid", "granitemoe", "hunyuan-dense", "hunyuan-moe", "hy_v4",
    "internlm2", "jamba", "kimi-k3", "kimi-linear", "lfm2", "lfm2moe", "llama", "llama4", "mamba", "mamba2",
    "mimo2", "minicpm", "minicpm3", "minimax-01", "minimax-m2", "minimax-m3", "mistral3", "mistral4",
    "nemotron_h", "nemotron_h_moe", "olmo2", "olmoe", "openelm", "phi3", "phimoe", "plamo2", "qwen2",
    "qwen2moe", "qwen2vl", "qwen3", "qwen35", "qwen35moe", "qwen3moe", "qwen3next", "qwen3vl", "qwen3vlmoe",
    "qwen4exp", "rwkv6", "rwkv7", "seed_oss", "smallthinker", "smollm3", "stablelm", "starcoder2", "step35",
})
# fmt: on
DOCUMENTED_ARCHITECTURES = frozenset(RULES) - VERIFIED_ARCHITECTURES
