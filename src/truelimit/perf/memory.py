"""All the memory that a model needs with its settings, and the largest context that fits a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.compute_buffers import ComputeBuffer, compute_buffer
from truelimit.perf.kv_cache import PADDING, CacheBytes, CacheSettings, kv_cache
from truelimit.perf.weights import weights
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader
    from truelimit.perf.layouts.nouns import CacheLayout


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What decides memory beside the model.

    ``logits_reserved``: an engine built before June 2026. ``prompt_cache`` is what a llama.cpp server may take beside
    its cache for old conversations (8 GiB by default), ``os_share`` what the system itself needs; both in bytes.
    """

    cache: CacheSettings
    flash_attention: bool = True
    logits_reserved: bool = False
    prompt_cache: int = 0
    os_share: int = 0


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes of each part and of all, the calculation of the sum, and those of its parts.

    ``notes`` say what is uncertain; empty where nothing is.
    """

    weights: Bytes
    kv_cache: Bytes
    state: Bytes
    compute: Bytes
    prompt_cache: Bytes
    os_share: Bytes
    total: Bytes
    calculation: Calculation
    cache_calculation: Calculation
    compute_calculation: Calculation
    notes: tuple[str, ...] = ()


def memory_needed(header: ModelHeader, settings: MemorySettings) -> MemoryNeed:
    """Return the memory that the engine takes for a model with these settings.

    Raises UnknownLayoutError where the header does not tell without guessing, and SettingsRefusedError (a kind of it)
    where the engine would not start.
    """
    return _needed(header, layout_of(header), settings)


def largest_context(header: ModelHeader, settings: MemorySettings, budget: int) -> Tokens | None:
    """Return the largest context whose memory fits ``budget`` bytes: a multiple of 256, at most the native context.

    ``settings.cache.context`` is not used. None: not even 256 tokens fit, or the native context is not known.
    Raises UnknownLayoutError as memory_needed does.
    """
    layout, native = layout_of(header), header.native_context
    if native is None:
        return None

    def fits(blocks: int) -> bool:
        cache = replace(settings.cache, context=blocks * PADDING)
        return _needed(header, layout, replace(settings, cache=cache)).total <= budget

    low, high = 0, native.value // PADDING
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return Tokens(low * PADDING) if low else None


def _needed(header: ModelHeader, layout: CacheLayout, settings: MemorySettings) -> MemoryNeed:
    cache = kv_cache(layout, settings.cache, flash_attention=settings.flash_attention)
    compute = compute_buffer(
        header,
        layout,
        settings.cache,
        flash_attention=settings.flash_attention,
        logits_reserved=settings.logits_reserved,
    )
    return _sum(weights(header), cache, compute, settings, _notes(layout, compute))


def _sum(
    stored: Known[Bytes], cache: CacheBytes, compute: ComputeBuffer, settings: MemorySettings, notes: tuple[str, ...]
) -> MemoryNeed:
    terms = (
        term("weights", stored, "bytes"),
        Term("kv_cache", cache.kv, "bytes", cache.calculation.formula, cache.calculation.basis),
        Term("state", cache.state, "bytes", said("constant state of recurrent layers"), cache.calculation.basis),
        Term("compute", compute.size, "bytes", compute.calculation.formula, compute.calculation.basis),
        Term("prompt_cache", settings.prompt_cache, "bytes", said("prompt cache of the server"), Basis.SPECIFIED),
        Term("os_share", settings.os_share, "bytes", said("share of the operating system"), Basis.SPECIFIED),
    )
    calculation = calculate(" + ".join(item.name for item in terms), "bytes", *terms)
    return MemoryNeed(
        stored.value,
        cache.kv,
        cache.state,
        compute.size,
        Bytes(settings.prompt_cache),
        Bytes(settings.os_share),
        Bytes(int(calculation.result)),
        calculation,
        cache.calculation,
        compute.calculation,
        notes,
    )


def _notes(layout: CacheLayout, compute: ComputeBuffer) -> tuple[str, ...]:
    """Return what is uncertain: a layout that no engine confirmed, a compute formula that is assumed."""
    cache = (
        ""
        if layout.verified
        else said(
            "the cache of {architecture} follows the engine's source, but no engine confirmed it",
            architecture=layout.architecture,
        )
    )
    return tuple(note for note in (cache, compute.note) if note)
