"""Plan: what a model needs at a context, against a machine. The same numbers as the doctor's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Machine
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known, Missing, worst
from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
from truelimit.domain.server import Definition, Engine, Server, ServerKind, ServerSettings
from truelimit.limits.need import memory_settings, need_or_reason
from truelimit.limits.pools import Budget, budget
from truelimit.limits.rates import decode_fit, prefill_fit
from truelimit.limits.served import native_context
from truelimit.limits.target import target_context
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.decode import decode_rate
from truelimit.perf.kv_cache import kv_bytes_per_token
from truelimit.perf.memory import MemoryNeed
from truelimit.perf.prefill import prefill_calculation, prefill_seconds
from truelimit.units import Bytes, Tokens


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to plan for: the context of one request, and settings; None leaves what the model's server says.

    Where no server is known: f16, one slot, one pool for all slots, flash attention, no prompt cache (bytes).
    """

    context: Tokens
    kv_type: str | None = None
    kv_type_v: str | None = None
    slots: int | None = None
    unified: bool | None = None
    flash_attention: bool | None = None
    prompt_cache: Bytes | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in tokens/s at a depth, with interval and basis. None: not known."""

    value: float
    low: float
    high: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that the plan was made with: types of the cache, slots, context over all of them."""

    kv_type: str
    kv_type_v: str
    slots: int
    unified: bool
    flash_attention: bool
    whole_context: int


@dataclass(frozen=True, slots=True)
class Room:
    """The memory that must hold the model, in bytes: ``pool`` less the model's ``total`` is ``headroom``.

    ``pool`` is what is left for the model itself: the accelerator's share, or all memory less what the system
    (``os_share``) and the server's prompt cache take, whichever is tighter. ``where`` says which.
    """

    pool: int
    headroom: int
    os_share: int
    where: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Memory, fit and speed of one model at one context on one machine.

    ``total`` is weights, KV cache, state and compute buffer, in bytes. ``room`` is None where no memory is known.
    """

    model: str
    native_context: Tokens | None
    wanted: Wanted
    settings: Settings
    need: MemoryNeed
    total: int
    room: Room | None
    largest_context: Tokens | None
    decode: tuple[tuple[int, Rate | None], ...]
    prefill_rate: Rate | None
    prefill_seconds: tuple[float, float, float, Basis] | None
    calculations: tuple[Calculation, ...]

    @property
    def fits(self) -> bool | None:
        """Whether memory holds it, None where that is not known."""
        return None if self.room is None else self.room.headroom >= 0


def plan(stack: Stack, wanted: Wanted) -> ModelPlan:
    """Return the plan of a stack (its model, server and machine) with the wanted context and settings.

    Raises ValueError with the reason when the memory of this model cannot be computed.
    """
    planned = _with_wanted(stack, wanted)
    need = need_or_reason(planned, wanted.context)
    if isinstance(need, Missing):
        raise ValueError(need.why)
    pool, target = budget(planned), target_context(planned)
    prefill, decode = prefill_fit(planned), decode_fit(planned)
    room = _room(pool, need) if pool else None
    native = native_context(planned)
    return ModelPlan(
        _name(stack),
        native.value if native else None,
        wanted,
        _settings(planned, wanted),
        need,
        _total(need),
        room,
        target.context if target and target.fits is not None else None,
        tuple((depth, _decode(decode, depth)) for depth in (0, wanted.context // 2, wanted.context)),
        _prefill_rate(prefill),
        _prefill_seconds(prefill, wanted.context),
        _calculations(need, room, prefill, wanted),
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


def bare_stack(header: ModelHeader, machine: Machine, published: tuple[PublishedRates, ...]) -> Stack:
    """Return a stack of a model alone on a machine, as llama-server of today would run it."""
    where, basis = "the plan's defaults", Basis.SPECIFIED
    settings = ServerSettings(parallel=Known(1, where, basis), prompt_cache=Known(Bytes(0), where, basis))
    server = Server(ServerKind.LLAMA_SERVER, where, engine=Engine.LLAMA_SERVER, settings=settings)
    definition = Definition(header.name, where, header=header)
    return Stack(header.name, None, None, server, definition, header, machine, published=published)


def _name(stack: Stack) -> str:
    return stack.definition.name if stack.definition else stack.model


def _with_wanted(stack: Stack, wanted: Wanted) -> Stack:
    """The stack with the settings that are given in place of its server's."""
    where, basis = "the plan's options", Basis.SPECIFIED
    types = (wanted.kv_type, wanted.kv_type_v or wanted.kv_type)
    given = {
        "parallel": wanted.slots,
        "unified_kv": wanted.unified,
        "kv_type": types[0],
        "kv_type_v": types[1],
        "flash_attention": wanted.flash_attention,
        "prompt_cache": wanted.prompt_cache,
    }
    server = stack.server or Server(ServerKind.LLAMA_SERVER, where)
    changes: dict[str, Any] = {key: Known(value, where, basis) for key, value in given.items() if value is not None}
    server = replace(server, settings=replace(server.settings, **changes))
    if wanted.unified:  # Ollama gives each slot its own cache; who asks for one pool plans for llama-server
        server = replace(server, kind=ServerKind.LLAMA_SERVER)
    definition = stack.definition
    if definition is not None and wanted.flash_attention is not None:
        definition = replace(definition, flash_attention=None)
    return replace(stack, server=server, definition=definition)


def _settings(stack: Stack, wanted: Wanted) -> Settings:
    used = memory_settings(stack, wanted.context)
    cache = used.cache
    return Settings(cache.kv_type_k, cache.kv_type_v, cache.slots, cache.unified, used.flash_attention, cache.context)


def _total(need: MemoryNeed) -> int:
    return need.weights + need.kv_cache + need.state + need.compute


def _room(pool: Budget, need: MemoryNeed) -> Room:
    total, held, left = pool.tightest(need)
    beside = total != _total(need)
    where = f"{held.where}, less what the system and the prompt cache take" if beside else held.where
    basis = worst((held.basis, Basis.ASSUMED)) if beside else held.basis
    return Room(_total(need) + left, left, pool.os_share, where, basis)


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


def _calculations(
    need: MemoryNeed, room: Room | None, prefill: PrefillFit | None, wanted: Wanted
) -> tuple[Calculation, ...]:
    basis = need.calculation.basis
    parts = [item for item in need.calculation.terms if item.name in {"weights", "kv_cache", "state", "compute"}]
    found = [calculate(" + ".join(item.name for item in parts), "bytes", *parts)]
    if room is not None:
        pool = Term("pool", room.pool, "bytes", room.where, room.basis)
        total = Term("total", _total(need), "bytes", "the sum above", basis)
        found.append(calculate("pool - total", "bytes", pool, total))
    found.append(need.cache_calculation)
    if prefill is not None:
        asked = Term("context", wanted.context, "tokens", "the plan's options", Basis.SPECIFIED)
        found.append(prefill_calculation(prefill, asked))
    return tuple(found)
