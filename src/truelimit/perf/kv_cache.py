"""The bytes of a KV cache and of recurrent state, exact.

Source: ``llama_context`` (cells), ``llama-kv-cache-iswa.cpp`` (windows), ``llama-kv-cache.cpp`` (rows) and
``llama-memory-recurrent.cpp`` (states) of llama.cpp, build b11434. A cell is one token's place. The buffer is cleared
when it is made: all of it is really taken at load, not as the conversation grows.
"""

from __future__ import annotations

from dataclasses import replace

from truelimit.domain.calculation import Calculation, Term, calculate, evaluate, term
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.perf.kv_types import KvType, check_rows, kv_type
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, SettingsRefusedError, Span, StateGroup
from truelimit.units import Bytes

PADDING = 256
MAX_SLOTS = 256
MAX_CONTEXT = 2**31
STATE_BYTES = 4
# Beyond this, products of whole numbers and of 17/16 (q8_0) would no longer be exact.
EXACT = 2**53


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """What decides the size of a cache beside the model.

    ``context`` is the context of the whole server in tokens, over all slots. ``unified``: the slots share one pool;
    otherwise each has context / slots. ``ubatch`` is the physical batch in tokens; ``swa_full`` gives windowed layers
    the whole context.
    """

    context: int
    slots: int = 1
    unified: bool = True
    kv_type_k: str = "f16"
    kv_type_v: str = "f16"
    ubatch: int = 512
    swa_full: bool = False


@dataclass(frozen=True, slots=True)
class CacheBytes:
    """Bytes of keys and values, bytes of recurrent state, and the calculation of their sum."""

    kv: Bytes
    state: Bytes
    calculation: Calculation


@dataclass(frozen=True, slots=True)
class _Piece:
    """One summand of a formula, with the terms that it names."""

    formula: str
    terms: tuple[Term, ...]


def kv_cache(layout: CacheLayout, settings: CacheSettings, *, flash_attention: bool = True) -> CacheBytes:
    """Return the bytes that the engine takes for cache and state.

    Raises SettingsRefusedError where the engine would not start with these settings, UnknownLayoutError never.
    """
    check_settings(layout, settings, flash_attention)
    kv = [_group_piece(layout, group, settings, flash_attention) for group in layout.groups]
    states = [_state_piece(state, settings) for state in layout.states]
    terms = _unique(kv + states)
    values = {item.name: item.value for item in terms}
    formula = " + ".join(piece.formula for piece in kv + states)
    calculation = calculate(formula, "bytes", *terms)
    if calculation.result >= EXACT:
        raise SettingsRefusedError(
            said("the cache would take {result:.3g} bytes, beyond any machine", result=calculation.result)
        )
    sizes = [sum(int(evaluate(piece.formula, values)) for piece in pieces) for pieces in (kv, states)]
    return CacheBytes(Bytes(sizes[0]), Bytes(sizes[1]), replace(calculation, result=int(calculation.result)))


def kv_bytes_per_token(layout: CacheLayout, kv_type_k: str = "f16", kv_type_v: str = "f16") -> float:
    """Return what one more token of context costs, in bytes: windows and states, which do not grow, left out."""
    total = 0.0
    for group in layout.groups:
        if group.span is not Span.WINDOW:
            heads = group.kv_heads.value * (1 if group.heads_summed else group.layers.value)
            row = group.key_length.value * kv_type(kv_type_k).bytes_per_value
            if group.value_length is not None:
                row += group.value_length.value * kv_type(kv_type_v).bytes_per_value
            total += heads * row / group.ratio
    return total


def padded(tokens: int) -> int:
    """Return a number of cells rounded up to the engine's padding."""
    return -(-tokens // PADDING) * PADDING


def streams(layout: CacheLayout, settings: CacheSettings) -> int:
    """Return how many separate caches there are: one for each slot, or one pool."""
    return settings.slots if layout.always_split or not settings.unified else 1


def full_cells(settings: CacheSettings) -> int:
    """Return the cells of one stream for layers that keep the whole context."""
    whole = padded(settings.context)
    return whole if settings.unified else padded(whole // settings.slots)


def window_cells(layout: CacheLayout, settings: CacheSettings) -> int:
    """Return the cells of one stream for layers with a window: the window of each slot in it, and one batch."""
    full = full_cells(settings)
    if layout.window is None or settings.swa_full:
        return full
    windows = settings.slots if settings.unified and not layout.always_split else 1
    return padded(min(full, layout.window.value * windows + batch(settings)))


def batch(settings: CacheSettings) -> int:
    """Return the physical batch: the engine never makes it larger than the context."""
    return min(settings.ubatch, settings.context)


def check_settings(layout: CacheLayout, settings: CacheSettings, flash_attention: bool) -> None:
    """Raise SettingsRefusedError for settings that the engine refuses for this layout."""
    _check_numbers(settings)
    key, value = kv_type(settings.kv_type_k), kv_type(settings.kv_type_v)
    if value.is_quantized and not flash_attention:
        raise SettingsRefusedError(
            said(
                "a cache of values in {value} needs flash attention: without it the engine does not start "
                "(use f16 for values, or turn flash attention on)",
                value=value.name,
            )
        )
    if layout.is_latent and key != value:
        raise SettingsRefusedError(
            said(
                "this model caches keys only: the engine wants one cache type, not {key} and {value}",
                key=key.name,
                value=value.name,
            )
        )
    for group in layout.groups:
        _check_group(group, key, value, flash_attention)


def _check_numbers(settings: CacheSettings) -> None:
    bounds = {"context": MAX_CONTEXT, "slots": MAX_SLOTS, "ubatch": MAX_CONTEXT}
    for name, most in bounds.items():
        number = getattr(settings, name)
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise SettingsRefusedError(
                said("{name} is {number!r:.40} (expected 1 to {most})", name=name, number=number, most=most)
            )


def _check_group(group: KvGroup, key: KvType, value: KvType, flash_attention: bool) -> None:
    # Summed heads differ by layer: the head's own length then stands for every row.
    heads = 1 if group.heads_summed else group.kv_heads.value
    check_rows(key, "key", group.key_length.value, group.key_length.value * heads, flash_attention)
    if group.value_length is not None:
        check_rows(value, "value", group.value_length.value, group.value_length.value * heads, flash_attention)


def _group_piece(layout: CacheLayout, group: KvGroup, settings: CacheSettings, flash_attention: bool) -> _Piece:
    """Return cells * streams * layers * heads * (keys + values) of one group."""
    prefix = f"{group.name}_" if len(layout.groups) > 1 else ""
    heads = f"{prefix}kv_heads_in_all_layers" if group.heads_summed else f"{prefix}layers * {prefix}kv_heads"
    counts = () if group.heads_summed else (term(f"{prefix}layers", group.layers, "layers"),)
    terms = [
        _cells(layout, group, settings, f"{prefix}cells"),
        _setting("streams", streams(layout, settings), "caches", said("one for each slot, or one pool")),
        *counts,
        term(heads.rsplit(" ", 1)[-1], group.kv_heads, "heads"),
        term(f"{prefix}key_length", group.key_length, "values"),
        _type_term("key_bytes", settings.kv_type_k),
    ]
    where = f"{prefix}cells * streams"
    if group.value_length is None:
        return _Piece(f"{where} * {heads} * {prefix}key_length * key_bytes", tuple(terms))
    terms.append(_type_term("value_bytes", settings.kv_type_v))
    if layout.values_vary and not flash_attention:
        return _padded_values(layout, group, terms, where, heads, prefix)
    terms.append(term(f"{prefix}value_length", group.value_length, "values"))
    row = f"({prefix}key_length * key_bytes + {prefix}value_length * value_bytes)"
    return _Piece(f"{where} * {heads} * {row}", tuple(terms))


def _padded_values(
    layout: CacheLayout, group: KvGroup, terms: list[Term], where: str, heads: str, prefix: str
) -> _Piece:
    """Return a group's piece without flash attention where rows of values differ: padded to the widest."""
    name = f"{prefix}layers"
    extra = [] if any(item.name == name for item in terms) else [term(name, group.layers, "layers")]
    widest = Term(
        "widest_values", layout.widest_values, "values", said("the widest row of values of any layer"), Basis.DERIVED
    )
    keys = f"{heads} * {prefix}key_length * key_bytes"
    formula = f"{where} * ({keys} + {name} * widest_values * value_bytes)"
    return _Piece(formula, (*terms, *extra, widest))


def _cells(layout: CacheLayout, group: KvGroup, settings: CacheSettings, name: str) -> Term:
    """Return the cells of a group in one stream, with how they come about."""
    full = full_cells(settings)
    share = "" if settings.unified or settings.slots == 1 else said(" / {slots} slots", slots=settings.slots)
    told = f"context {settings.context}{share}"
    cells = full
    if group.span is Span.WINDOW and not settings.swa_full and layout.window is not None:
        cells = window_cells(layout, settings)
        told = said(
            "smaller of {told} and window {window} of each slot in the pool + batch {settings}",
            told=told,
            window=layout.window.value,
            settings=batch(settings),
        )
    elif group.span is Span.COMPRESSED:
        cells = padded(max(1, -(-full // group.ratio)))
        told += said(" / {ratio} tokens a row", ratio=group.ratio)
    return _setting(name, cells, "cells", said("{told}, padded to {padding}", told=told, padding=PADDING))


def _state_piece(state: StateGroup, settings: CacheSettings) -> _Piece:
    """Return slots * layers * numbers * 4 of one group of states."""
    name = f"{state.name}_layers"
    terms = (
        _setting("slots", settings.slots, "slots", said("parallel requests")),
        term(name, state.layers, "layers"),
        *state.terms,
        Term("state_bytes", STATE_BYTES, "bytes/value", said("llama.cpp keeps states in f32"), Basis.SPECIFIED),
    )
    return _Piece(f"slots * {name} * ({state.formula}) * state_bytes", terms)


def _setting(name: str, value: int, unit: str, source: str) -> Term:
    return Term(name, value, unit, source, Basis.SPECIFIED)


def _type_term(name: str, kind: str) -> Term:
    source = said("cache type {kind}", kind=kind_of(kind))
    return Term(name, kv_type(kind).bytes_per_value, "bytes/value", source, Basis.SPECIFIED)


def kind_of(name: str) -> str:
    """Return the engine's spelling of a cache type. Raises SettingsRefusedError."""
    return kv_type(name).name


def _unique(pieces: list[_Piece]) -> tuple[Term, ...]:
    """Return the terms of all pieces, each once, in order."""
    return tuple({item.name: item for piece in pieces for item in piece.terms}.values())
