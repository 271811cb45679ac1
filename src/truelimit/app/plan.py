"""Plan: what a model needs at a context, against a machine. The same numbers as the doctor's."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.domain.calculation import Calculation, Term
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Machine
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
from truelimit.domain.server import Definition, Engine, Server, ServerKind, ServerSettings
from truelimit.limits.need import memory_need
from truelimit.limits.pools import budget
from truelimit.limits.rates import decode_fit, prefill_fit
from truelimit.limits.target import target_context
from truelimit.perf.cache_layout import UnknownLayoutError, layout_of
from truelimit.perf.decode import decode_rate
from truelimit.perf.kv_cache import kv_bytes_per_token
from truelimit.perf.memory import MemoryNeed
from truelimit.perf.prefill import prefill_calculation, prefill_seconds
from truelimit.units import Tokens


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to plan for: context of one request, cache types, slots, one pool for all slots or one each."""

    context: Tokens
    kv_type: str = "f16"
    kv_type_v: str | None = None
    slots: int = 1
    unified: bool = True
    flash_attention: bool = True


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in tokens/s at a depth, with interval and basis. None: not known."""

    value: float
    low: float
    high: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Memory, fit and speed of one model at one context on one machine."""

    model: str
    native_context: Tokens | None
    wanted: Wanted
    need: MemoryNeed
    fits: bool | None
    headroom: int | None
    pool: int | None
    largest_context: Tokens | None
    decode: tuple[tuple[int, Rate | None], ...]
    prefill_rate: Rate | None
    prefill_seconds: tuple[float, float, float, Basis] | None
    calculations: tuple[Calculation, ...]


def plan(header: ModelHeader, wanted: Wanted, machine: Machine, published: tuple[PublishedRates, ...]) -> ModelPlan:
    """Return the plan. Raises ValueError with the reason when the memory of this model cannot be computed."""
    stack = _stack(header, wanted, machine, published)
    need = memory_need(stack, wanted.context)
    if need is None:
        raise ValueError(why_not(header))
    pool, target = budget(stack), target_context(stack)
    prefill, decode = prefill_fit(stack), decode_fit(stack)
    _, held, left = pool.tightest(need) if pool else (need.total, None, None)
    native = header.native_context
    return ModelPlan(
        header.name,
        native.value if native else None,
        wanted,
        need,
        None if left is None else left >= 0,
        left,
        held.value if held else None,
        target.context if target and target.fits is not None else None,
        tuple((depth, _decode(decode, depth)) for depth in (0, wanted.context // 2, wanted.context)),
        _prefill_rate(prefill),
        _prefill_seconds(prefill, wanted.context),
        _calculations(need, prefill, wanted),
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """A model's cache beside another's: bytes a token in f16, and KV heads as the header has them."""

    name: str
    bytes_per_token: float
    kv_heads: object


def beside(header: ModelHeader) -> Beside:
    """Return what a side-by-side shows of a model. Raises UnknownLayoutError for a layout that is not known."""
    per_token = kv_bytes_per_token(layout_of(header), "f16", "f16")
    return Beside(header.name, per_token, header.get("attention.head_count_kv"))


def why_not(header: ModelHeader) -> str:
    """Return why the memory of a model cannot be computed."""
    try:
        layout_of(header)
    except UnknownLayoutError as error:
        return f"{header.where}: {error}"
    return f"{header.where}: neither a tensor table nor a file size says how large the weights are"


def _stack(header: ModelHeader, wanted: Wanted, machine: Machine, published: tuple[PublishedRates, ...]) -> Stack:
    where, basis = "the plan's options", Basis.SPECIFIED
    settings = ServerSettings(
        parallel=Known(wanted.slots, where, basis),
        unified_kv=Known(wanted.unified, where, basis),
        kv_type=Known(wanted.kv_type, where, basis),
        kv_type_v=Known(wanted.kv_type_v or wanted.kv_type, where, basis),
        flash_attention=Known(wanted.flash_attention, where, basis),
    )
    server = Server(ServerKind.LLAMA_SERVER, where, engine=Engine.LLAMA_SERVER, settings=settings)
    definition = Definition(header.name, where, header=header)
    return Stack(header.name, None, None, server, definition, header, machine, published=published)


def _decode(fit: DecodeFit | None, depth: int) -> Rate | None:
    return None if fit is None else _interval(decode_rate(fit, depth), fit.error, fit.basis)


def _prefill_rate(fit: PrefillFit | None) -> Rate | None:
    return None if fit is None else _interval(1 / fit.a, fit.error, fit.basis)


def _interval(value: float, error: float | None, basis: Basis) -> Rate:
    spread = error or 0.0
    return Rate(value, value * (1 - spread), value * (1 + spread), basis)


def _prefill_seconds(fit: PrefillFit | None, tokens: int) -> tuple[float, float, float, Basis] | None:
    if fit is None:
        return None
    value, spread = float(prefill_seconds(fit, tokens)), fit.error or 0.0
    return value, value * (1 - spread), value * (1 + spread), fit.basis


def _calculations(need: MemoryNeed, prefill: PrefillFit | None, wanted: Wanted) -> tuple[Calculation, ...]:
    found = [need.calculation] if need.calculation else []
    asked = Term("context", wanted.context, "tokens", "the plan's options", Basis.SPECIFIED)
    return (*found, prefill_calculation(prefill, asked)) if prefill else tuple(found)
