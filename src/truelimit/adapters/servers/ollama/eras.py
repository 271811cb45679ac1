"""What an Ollama version means: its engine and the defaults in its code.

Sources: the tags of github.com/ollama/ollama, files ``envconfig/config.go``, ``api/types.go``, ``server/routes.go``,
``server/sched.go``, ``llm/llama_server.go`` and ``fs/ggml/ggml.go`` of each.
"""

from __future__ import annotations

import re

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Engine
from truelimit.units import GIB, MIB, Bytes, Seconds, Tokens

VersionNumber = tuple[int, int, int]

LLAMA_SERVER_SINCE: VersionNumber = (0, 30, 0)
TIERS_SINCE: VersionNumber = (0, 15, 5)
ONE_SLOT_SINCE: VersionNumber = (0, 10, 0)
KV_TYPE_SINCE: VersionNumber = (0, 5, 0)

_TIERS = ((47 * GIB, 262144), (23 * GIB, 32768), (0, 4096))
_BATCH_BY_CONTEXT = ((4096, 512), (32768, 1024))
_LARGEST_BATCH = 2048
_RUNNER_BATCH = 512
_FIVE_MINUTES = Seconds(300.0)

# Architectures that Ollama's own runner gives flash attention unasked (``FlashAttention`` in ``fs/ggml/ggml.go``), and
# the first release that does: pull requests 12482 (qwen3), 12639 (gemma3), 12862 (qwen3vl). For those from 0.13 on the
# release is only known to lie between the lists of two tags, one more reason to call the answer assumed.
_FLASH_SINCE: dict[str, VersionNumber] = {
    **dict.fromkeys(("gptoss", "gpt-oss"), (0, 11, 8)),
    **dict.fromkeys(("qwen3", "qwen3moe"), (0, 12, 4)),
    "gemma3": (0, 12, 6),
    **dict.fromkeys(("qwen3vl", "qwen3vlmoe"), (0, 12, 8)),
    **dict.fromkeys(("mistral3", "olmo3", "bert"), (0, 13, 0)),
    **dict.fromkeys(("glm4moelite", "lfm2"), (0, 15, 0)),
    **dict.fromkeys(("glmocr", "qwen3next", "qwen35", "qwen35moe", "lfm2moe"), (0, 16, 0)),
    **dict.fromkeys(("gemma4", "nemotron_h", "nemotron_h_moe", "nemotron_h_omni"), (0, 20, 0)),
}


def parse_version(text: str | None) -> VersionNumber | None:
    """Return ``0.15.5-rc1`` as (0, 15, 5). None for ``0.0.0`` (a build that knows no version) and other text."""
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?![\d.])", (text or "").strip())
    if match is None:
        return None
    number = (int(match[1]), int(match[2]), int(match[3] or 0))
    return number if number > (0, 0, 0) else None


def era(version: str | None) -> Engine | None:
    """Return the engine that runs GGUF models in this version: llama-server from 0.30, else Ollama's own runner."""
    number = parse_version(version)
    if number is None:
        return None
    return Engine.LLAMA_SERVER if number >= LLAMA_SERVER_SINCE else Engine.OLLAMA_RUNNER


def has_tiers(version: str | None) -> bool | None:
    """Return whether the default context follows the memory of the accelerators. None for an unknown version."""
    number = parse_version(version)
    return None if number is None else number >= TIERS_SINCE


def default_context(version: str | None) -> Known[Tokens] | None:
    """Return the constant default context of this version: 2048, or 4096 from 0.6.7. None where tiers decide."""
    number = parse_version(version)
    if number is None or number >= TIERS_SINCE:
        return None
    return Known(Tokens(4096 if number >= (0, 6, 7) else 2048), _default_of(version, "num_ctx"), Basis.SPECIFIED)


def tier(total_vram: int) -> Tokens:
    """Return the default context for accelerators of ``total_vram`` bytes in all (``server/routes.go``, 0.15.5)."""
    return Tokens(next(context for least, context in _TIERS if total_vram >= least))


def default_parallel(version: str | None) -> Known[int] | None:
    """Return 1 from 0.10. None before: the scheduler then chose by memory, and for an unknown version."""
    number = parse_version(version)
    if number is None or number < ONE_SLOT_SINCE:
        return None
    return Known(1, _default_of(version, "OLLAMA_NUM_PARALLEL"), Basis.SPECIFIED)


def default_kv_type(version: str | None) -> Known[str]:
    """Return f16: the type of the cache in each version unless OLLAMA_KV_CACHE_TYPE says otherwise."""
    return Known("f16", _default_of(version, "OLLAMA_KV_CACHE_TYPE"), Basis.SPECIFIED)


def default_load_timeout(version: str | None) -> Known[Seconds]:
    """Return 5 minutes: how long a load may stand still."""
    return Known(_FIVE_MINUTES, _default_of(version, "OLLAMA_LOAD_TIMEOUT"), Basis.SPECIFIED)


def default_keep_alive(version: str | None) -> Known[Seconds]:
    """Return 5 minutes: how long a model stays loaded after its last request."""
    return Known(_FIVE_MINUTES, _default_of(version, "OLLAMA_KEEP_ALIVE"), Basis.SPECIFIED)


def default_flash_attention(version: str | None, engine: Engine | None, architecture: str | None) -> Known[bool] | None:
    """Return whether flash attention is on unasked. None where engine, version or architecture are not known.

    llama-server decides by itself (``--flash-attn auto``: on where the accelerator can); Ollama's own runner has
    a list of architectures that grew by version. Assumed: which accelerator runs it has a say in both.
    """
    if engine is Engine.LLAMA_SERVER:
        return Known(True, _default_of(version, "--flash-attn auto"), Basis.ASSUMED)
    number = parse_version(version)
    if engine is None or number is None or architecture is None:
        return None
    since = _FLASH_SINCE.get(architecture)
    on = since is not None and number >= since
    return Known(
        on, _default_of(version, said("flash attention for {architecture}", architecture=architecture)), Basis.ASSUMED
    )


def default_prompt_cache(version: str | None, engine: Engine | None) -> Known[Bytes] | None:
    """Return the host memory that a loaded model may take for old prompts: 8192 MiB in llama-server, else none."""
    if engine is None:
        return None
    size = 8192 * MIB if engine is Engine.LLAMA_SERVER else 0
    return Known(Bytes(size), _default_of(version, "LLAMA_ARG_CACHE_RAM"), Basis.SPECIFIED)


def unified_kv(version: str | None, engine: Engine | None) -> Known[bool] | None:
    """Return False: both engines reserve num_ctx for each slot (context x parallel cells in all)."""
    if engine is None:
        return None
    where = (
        said("-c num_ctx x parallel -np parallel")
        if engine is Engine.LLAMA_SERVER
        else said("KvSize num_ctx x parallel")
    )
    return Known(False, _default_of(version, where), Basis.SPECIFIED)


def default_batch(version: str | None, engine: Engine | None, total_context: int | None) -> Known[int] | None:
    """Return the batch in tokens that a model gets unasked; it is the physical batch (ubatch) as well.

    Ollama's own runner: 512. llama-server: 512 up to 4096 tokens of context over all slots, 1024 up to 32768,
    else 2048 (``-b N -ub N``), less when memory is short: assumed.
    """
    if engine is Engine.OLLAMA_RUNNER:
        return Known(_RUNNER_BATCH, _default_of(version, "num_batch"), Basis.SPECIFIED)
    if engine is None or total_context is None:
        return None
    batch = next((size for most, size in _BATCH_BY_CONTEXT if total_context <= most), _LARGEST_BATCH)
    return Known(
        batch,
        _default_of(version, said("automatic num_batch at {total_context:,} tokens", total_context=total_context)),
        Basis.ASSUMED,
    )


def _default_of(version: str | None, key: str) -> str:
    """Return where a default comes from, in words."""
    return (
        said("default of Ollama {version}: {key}", version=version, key=key)
        if parse_version(version)
        else said("default of Ollama: {key}", key=key)
    )
