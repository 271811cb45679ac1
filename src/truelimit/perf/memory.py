"""All the memory of a loaded model: weights, cache, state, compute buffers, and what the host adds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import UnknownLayoutError, layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_cache
from truelimit.units import Bytes, Tokens


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What decides memory beside the model. ``prompt_cache`` and ``os_share`` are bytes of the host."""

    cache: CacheSettings
    flash_attention: bool = True
    logits_reserved: bool = False
    prompt_cache: Bytes = Bytes(0)
    os_share: Bytes = Bytes(0)


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes of each part, their sum, and the calculation of the sum."""

    weights: Bytes
    kv_cache: Bytes
    state: Bytes
    compute: Bytes
    prompt_cache: Bytes
    os_share: Bytes
    total: Bytes
    calculation: Calculation


def memory_needed(header: ModelHeader, settings: MemorySettings) -> MemoryNeed:
    """Return the memory of a model with these settings. Raises UnknownLayoutError with the reason."""
    weights = header.weights_bytes or header.file_bytes
    if weights is None:
        raise UnknownLayoutError("neither a tensor table nor a file size says how large the weights are")
    cache = kv_cache(layout_of(header), settings.cache, flash_attention=settings.flash_attention)
    parts = {
        "weights": weights,
        "kv_cache": cache.kv,
        "state": cache.state,
        "compute": compute_bytes(header, settings),
        "prompt_cache": settings.prompt_cache,
        "os_share": settings.os_share,
    }
    terms = [Term(name, value, "bytes", header.where, Basis.DERIVED) for name, value in parts.items() if value]
    total = calculate(" + ".join(item.name for item in terms), "bytes", *terms)
    return MemoryNeed(
        *(Bytes(value) for value in parts.values()), Bytes(int(total.result)), replace(total, result=int(total.result))
    )


def compute_bytes(header: ModelHeader, settings: MemorySettings) -> Bytes:
    """Return the compute buffer: ubatch * (2 * cells + activations), or the attention matrix without flash attention."""
    cache = settings.cache
    cells = cache.context if cache.unified else -(-cache.context // cache.slots)
    heads = _largest(header, "attention.head_count")
    act = _activations(header)
    size = cache.ubatch * (2 * cells + act) if settings.flash_attention else cache.ubatch * cells * 4 * (heads + 1)
    return Bytes(size + (_vocabulary(header) * cache.ubatch * 4 if settings.logits_reserved else 0))


def _activations(header: ModelHeader) -> int:
    width, ff = _largest(header, "embedding_length"), _largest(header, "feed_forward_length")
    used, expert = _largest(header, "expert_used_count"), _largest(header, "expert_feed_forward_length")
    return 4 * used * (2 * width + 2 * expert) if used and expert else 4 * (3 * ff + 5 * width)


def _largest(header: ModelHeader, key: str) -> int:
    value = header.get(key)
    if isinstance(value, tuple):
        return max((int(item) for item in value), default=0)
    return int(value) if isinstance(value, int) else 0


def _vocabulary(header: ModelHeader) -> int:
    return _largest(header, "vocab_size") or int(header.metadata.get("tokenizer.ggml.tokens.count") or 0)


def largest_context(header: ModelHeader, settings: MemorySettings, budget: int) -> Tokens | None:
    """Return the largest context (a multiple of 256, at most native) whose total is within ``budget`` bytes, or None."""
    native = header.native_context
    low, high = 0, (native.value if native else 0) // 256
    while low < high:
        middle = (low + high + 1) // 2
        fits = memory_needed(header, replace(settings, cache=replace(settings.cache, context=middle * 256))).total <= budget
        low, high = (middle, high) if fits else (low, middle - 1)
    return Tokens(low * 256) if low else None
