"""Plan: what a model needs at a context, against a machine. The same numbers as the doctor's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from truelimit.app.plan_arithmetic import arithmetic, decode_arithmetic
from truelimit.app.plan_changes import changes
from truelimit.app.plan_checks import check
from truelimit.app.plan_commands import commands
from truelimit.app.plan_extras import drafts, energy, load, of_boxes, residents, restore
from truelimit.app.plan_notes import notes
from truelimit.app.plan_parts import (
    Beside,
    Bound,
    Change,
    Kind,
    ModelPlan,
    Outcome,
    Rate,
    Room,
    Settings,
    Wanted,
)
from truelimit.app.plan_rates import decode_at, decode_by, prefill_at_start, read_in, seconds_to_read
from truelimit.domain.estimates import Tier
from truelimit.domain.facts import Stack
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing, worst
from truelimit.domain.server import Definition, Engine, Server, ServerKind, ServerSettings
from truelimit.limits.need import largest_fit, memory_need, memory_settings, need_or_reason
from truelimit.limits.pools import Budget, budget, partial_budget
from truelimit.limits.rates import paces
from truelimit.limits.served import native_context, served_context
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import kv_bytes_per_token
from truelimit.perf.load_time import DISK
from truelimit.units import Bytes, BytesPerSecond, Tokens

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.rates import PublishedRates
    from truelimit.limits.paces import Writing
    from truelimit.perf.memory import MemoryNeed

__all__ = [
    "Around", "Beside", "Bound", "Change", "ModelPlan", "Outcome", "Rate", "Room", "Settings", "Wanted",
    "bare_stack", "beside", "plan", "with_changes",
]  # fmt: skip

_SHORT = Tokens(4096)  # the context of llama-server and Ollama where nobody says one


@dataclass(frozen=True, slots=True)
class Around:
    """What a plan is made beside: models that stay loaded, other files and machines to try, the drive's rate.

    ``others`` come with the context they are loaded with; None: as their server has it, else 4,096 tokens.

    ``quants`` are stacks of the same model in other quantisations, ``machines`` stacks on other machines, each with
    its name and what it costs. ``answer`` is the length of the answer that energy is reckoned for, in tokens.
    """

    others: tuple[tuple[Stack, Tokens | None], ...] = ()
    quants: tuple[tuple[str, Stack], ...] = ()
    machines: tuple[tuple[str, str, Stack], ...] = ()
    disk: Known[BytesPerSecond] = DISK
    answer: Tokens = Tokens(500)


def plan(stack: Stack, wanted: Wanted, around: Around | None = None) -> ModelPlan:
    """Return the plan of a stack (its model, server and machine) with the wanted context and settings.

    Raises ValueError with the reason when the memory of this model cannot be computed, or the split is refused.
    """
    planned, need = needed(stack, wanted)
    made, writes = _plan(planned, wanted, need)
    return _with_extras(made, planned, writes, around) if around is not None else made


def needed(stack: Stack, wanted: Wanted) -> tuple[Stack, MemoryNeed]:
    """Return the stack with the wanted settings, and the memory that it takes. Raises ValueError as ``plan`` does."""
    planned = with_wanted(stack, wanted)
    check(planned, wanted)
    need = need_or_reason(planned, wanted.context)
    if isinstance(need, Missing):
        raise ValueError(need.why)
    return planned, need


def room_for(planned: Stack, wanted: Wanted, need: MemoryNeed) -> tuple[Room | None, Budget | None]:
    """Return the memory that must hold ``need``, with what is left of it; None where no memory is known."""
    pool = pool_for(planned, wanted)
    return (_room(pool, need) if pool else None), pool


def pool_for(planned: Stack, wanted: Wanted) -> Budget | None:
    """Return the memory that must hold a model; None where no memory is known.

    Where there are no cards beside a main memory, there is nothing to offload: the plan is that without it.
    """
    shared = partial_budget(planned) if wanted.offload else None
    return shared or budget(planned, planned.split)


def with_changes(stack: Stack, made: ModelPlan, around: Around) -> ModelPlan:
    """Return a plan with what one change would do, what helps most first."""

    def outcome(other: Stack, wanted: Wanted) -> Outcome | None:
        try:
            return plan(other, wanted).outcome
        except ValueError:
            return None

    return replace(made, changes=changes(stack, made, around.quants, around.machines, outcome, _estimated))


def _estimated(stack: Stack, wanted: Wanted, tier: Tier | None, kind: Kind) -> float | None:
    """The rate of writing at full depth by the estimate of a tier, in tokens/s: corrected as a change is, or plain."""
    planned, need = needed(stack, wanted)
    pool = pool_for(planned, wanted)
    return decode_by(planned, pool.placement(need) if pool else None, wanted.context, tier, kind)


def _plan(planned: Stack, wanted: Wanted, need: MemoryNeed) -> tuple[ModelPlan, Writing | None]:
    room, pool = room_for(planned, wanted, need)
    placed = pool.placement(need) if pool else None
    reads, writes = paces(planned, placed)
    native = native_context(planned)
    largest = _largest(planned, pool)
    in_time = read_in(reads, wanted.deadline)
    made = ModelPlan(
        _name(planned),
        native.value if native else None,
        wanted,
        settings_of(planned, wanted),
        need,
        total_of(need),
        room,
        largest,
        tuple((depth, decode_at(writes, depth)) for depth in (0, wanted.context // 2, wanted.context)),
        prefill_at_start(reads),
        seconds_to_read(reads, wanted.context),
        arithmetic(need, room, pool, reads, wanted),
        fits=None if room is None else room.headroom >= 0,
        placement=placed,
        deadline_prompt=in_time,
        prefill_tier=reads.tier if reads else None,
        bound=_bound(native.value if native else None, largest, in_time),
        machine=planned.machine.name,
        notes=notes(planned.machine, native, wanted, reads, writes),
        machine_notes=of_boxes(planned.machine),
    )
    return made, writes


def _with_extras(made: ModelPlan, planned: Stack, writes: Writing | None, around: Around) -> ModelPlan:
    settings = memory_settings(planned, made.wanted.context)
    return replace(
        made,
        decode_calculations=decode_arithmetic(made, planned, writes),
        drafts=drafts(made, planned),
        load=load(made, around.disk),
        restore=restore(made, planned.machine),
        energy=energy(made, planned.machine, around.answer),
        residents=residents(made, tuple((name, _other_total(*other)) for name, other in _named(around))),
        commands=commands(planned, made, settings),
    )


def _named(around: Around) -> list[tuple[str, tuple[Stack, Tokens | None]]]:
    return [(_name(other[0]), other) for other in around.others]


def _other_total(stack: Stack, context: Tokens | None) -> int | None:
    """What another model takes at the context it is loaded with, in bytes."""
    served = context or (known.value if (known := served_context(stack)) else _SHORT)
    need = memory_need(stack, served)
    return total_of(need) if need is not None else None


def beside(header: ModelHeader) -> Beside:
    """Return what a side-by-side shows of a model. Raises UnknownLayoutError for a layout that is not known."""
    per_token = kv_bytes_per_token(layout_of(header), "f16", "f16")
    return Beside(header.name, per_token, header.get("attention.head_count_kv"))


def bare_stack(header: ModelHeader, machine: Machine, published: tuple[PublishedRates, ...]) -> Stack:
    """Return a stack of a model alone on a machine, as llama-server of today would run it."""
    where, basis = said("the plan's defaults"), Basis.SPECIFIED
    settings = ServerSettings(parallel=Known(1, where, basis), prompt_cache=Known(Bytes(0), where, basis))
    server = Server(ServerKind.LLAMA_SERVER, where, engine=Engine.LLAMA_SERVER, settings=settings)
    definition = Definition(header.name, where, header=header)
    return Stack(header.name, None, None, server, definition, header, machine, published=published)


def _name(stack: Stack) -> str:
    return stack.definition.name if stack.definition else stack.model


def with_wanted(stack: Stack, wanted: Wanted) -> Stack:
    """Return the stack with the settings that are given in place of its server's."""
    where, basis = said("the plan's options"), Basis.SPECIFIED
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
    backend = wanted.backend or stack.backend
    return replace(stack, server=server, definition=definition, split=wanted.split, backend=backend)


def settings_of(stack: Stack, wanted: Wanted) -> Settings:
    """Return the settings that a plan is made with."""
    used = memory_settings(stack, wanted.context)
    cache = used.cache
    return Settings(cache.kv_type_k, cache.kv_type_v, cache.slots, cache.unified, used.flash_attention, cache.context)


def total_of(need: MemoryNeed) -> int:
    """Return what the model itself takes: weights, cache, state and buffer, in bytes."""
    return need.weights + need.kv_cache + need.state + need.compute


def _room(pool: Budget, need: MemoryNeed) -> Room:
    total, held, left = pool.tightest(need)
    beside = total != total_of(need)
    where = said("{where}, less what the system and the prompt cache take", where=held.where) if beside else held.where
    basis = worst((held.basis, Basis.ASSUMED)) if beside else held.basis
    return Room(total_of(need) + left, left, pool.os_share, where, basis)


def _largest(stack: Stack, pool: Budget | None) -> Tokens | None:
    """The largest context that memory holds, at most the native one; 0 where none is held, None where not known."""
    native = native_context(stack)
    need = memory_need(stack, native.value) if native else None
    if native is None or need is None or pool is None:
        return None
    return native.value if pool.holds(need) else largest_fit(stack, pool.holds) or Tokens(0)


def _bound(native: Tokens | None, largest: Tokens | None, in_time: Tokens | None) -> Bound:
    """Which limit is the lowest; where memory holds all that the model was trained for, it is none."""
    held = largest if largest is not None and (native is None or largest < native) else None
    limits = (("native", native), ("memory", held), ("time", in_time))
    known = [(value, name) for name, value in limits if value is not None]
    if not known or (largest is None and in_time is None):
        return Bound("unknown", None, limits)
    usable, name = min(known, key=lambda item: item[0])
    return Bound("unknown" if largest is None and name == "native" else name, usable, limits)
