"""Sweep: many plans of one model at once, in closed form, with the numbers of the plan.

Memory is linear in the context between the places where a window is full, so it is asked of the plan's engine only
where it bends; rates are two costs each. A million points take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from truelimit.app.plan import needed, pool_for, room_for, settings_of, total_of
from truelimit.app.plan_quant import with_quantization
from truelimit.app.plan_rates import decode_at, seconds_to_read
from truelimit.app.sweep_along import along, keys_of
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.limits.need import memory_settings
from truelimit.limits.paces import Reading, Writing
from truelimit.limits.rates import paces
from truelimit.limits.rates_at import half_widths, reading_half_widths
from truelimit.limits.rates_many import decode_rates, seconds
from truelimit.limits.served import native_context
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Wanted
    from truelimit.app.sweep_placed import Placed
    from truelimit.domain.facts import Stack
    from truelimit.domain.machine import Machine
    from truelimit.limits.pools import Budget
    from truelimit.perf.memory import MemoryNeed
    from truelimit.perf.placement import Placement

MOST_POINTS = 20_000_000
_IN_PARTS = 4096


@dataclass(frozen=True, slots=True)
class Axes:
    """The values of each axis; None stands for what the stack or the options say."""

    contexts: tuple[int, ...]
    machines: tuple[Machine | None, ...] = (None,)
    quants: tuple[str | None, ...] = (None,)
    kv_types: tuple[str | None, ...] = (None,)
    slots: tuple[int | None, ...] = (None,)

    @property
    def points(self) -> int:
        """How many plans there are."""
        return len(self.contexts) * len(self.machines) * len(self.quants) * len(self.kv_types) * len(self.slots)


@dataclass(frozen=True, slots=True)
class Series:
    """Plans of one combination over all contexts; each list has one value for each context, in their order.

    ``total`` and ``headroom`` in bytes, ``decode`` in tokens/s at full depth, ``seconds`` to read the whole context,
    each with its relative half-width (``decode_high`` is no more than physics allows); None where it is not known.
    ``error`` says why there are none. ``native`` is what the model was trained for, in tokens.
    """

    model: str
    machine: str
    quant: str
    kv_type: str
    slots: int
    contexts: Sequence[int]
    total: Sequence[int] = ()
    headroom: Sequence[int] | None = None
    decode: Sequence[float] | None = None
    decode_width: Sequence[float] | None = None
    decode_high: Sequence[float] | None = None
    seconds: Sequence[float] | None = None
    seconds_width: Sequence[float] | None = None
    decode_basis: str = ""
    seconds_basis: str = ""
    error: str = ""
    native: int | None = None


@dataclass(slots=True)
class _Shared:
    """What combinations have in common: stacks by quantisation, cache and buffer over the contexts, widths."""

    contexts: tuple[int, ...]
    files: Mapping[str, Bytes]
    stacks: dict[str | None, Stack] = field(default_factory=dict)
    curves: dict[object, Sequence[int]] = field(default_factory=dict)
    widths: dict[object, Sequence[float]] = field(default_factory=dict)
    rates: dict[object, dict[str, Any]] = field(default_factory=dict)
    placed: dict[object, Placed] = field(default_factory=dict)


def sweep(stack: Stack, wanted: Wanted, axes: Axes, files: Mapping[str, Bytes] | None = None) -> Iterator[Series]:
    """Yield one series for each combination of machine, quantisation, cache type and slots.

    ``files`` are lengths of published files by quantisation. Raises ValueError for too many points, or an axis
    without a value. What cannot be planned says why in its series.
    """
    if not 0 < axes.points <= MOST_POINTS:
        raise ValueError(
            said(
                "the sweep has {points:,} points; expected 1 to {most_points:,}",
                points=axes.points,
                most_points=MOST_POINTS,
            )
        )
    shared = _Shared(axes.contexts, files or {})
    for machine, quant, kv_type, slots in product(axes.machines, axes.quants, axes.kv_types, axes.slots):
        asked = replace(
            wanted,
            context=Tokens(axes.contexts[0]),
            kv_type=kv_type or wanted.kv_type,
            kv_type_v=None if kv_type else wanted.kv_type_v,
            slots=slots or wanted.slots,
        )
        here = replace(stack, machine=machine) if machine is not None else stack
        yield _series(here, asked, quant, shared)


def _series(stack: Stack, wanted: Wanted, quant: str | None, shared: _Shared) -> Series:
    named = _named(stack, wanted, quant, shared.contexts)
    try:
        there = _in_quant(stack, quant, shared)
        planned, need = needed(there, wanted)
        settings, pool = settings_of(planned, wanted), pool_for(planned, wanted)
        native = native_context(planned)
        named = replace(
            named, kv_type=settings.kv_type, slots=settings.slots, native=native.value if native is not None else None
        )
        if pool is not None and pool.devices:
            return _over_memories(named, planned, wanted, need, pool, shared)
        total, headroom = _memory(planned, wanted, need, shared)
    except ValueError as error:
        return replace(named, error=str(error))
    found = replace(named, total=total, headroom=headroom)
    return replace(found, **_shared_rates(planned, None, shared))


def _shared_rates(planned: Stack, placed: Placement | None, shared: _Shared) -> dict[str, Any]:
    """The fields that tell rates. Slots share them, since they tell of one request alone."""
    key = _kind(planned)
    if key not in shared.rates:
        shared.rates[key] = _rates(*paces(planned, placed), shared)
    return shared.rates[key]


def _kind(planned: Stack) -> tuple[object, ...]:
    """What rates depend on beside the context."""
    used = memory_settings(planned, 1)
    return id(planned.machine), id(planned.header), used.cache.kv_type_k, used.cache.kv_type_v, used.flash_attention


def _in_quant(stack: Stack, quant: str | None, shared: _Shared) -> Stack:
    if quant is None:
        return stack
    if quant not in shared.stacks:
        shared.stacks[quant] = with_quantization(stack, quant, shared.files)
    made = shared.stacks[quant]
    return replace(stack, header=made.header, definition=made.definition)


def _named(stack: Stack, wanted: Wanted, quant: str | None, contexts: tuple[int, ...]) -> Series:
    definition, machine = stack.definition, stack.machine
    own = definition.quantization if definition else None
    return Series(
        definition.name if definition else stack.model,
        machine.id or machine.name or said("this machine"),
        quant or own or said("as it is"),
        wanted.kv_type or "f16",
        wanted.slots or 1,
        contexts,
    )


def _rates(reads: Reading | None, writes: Writing | None, shared: _Shared) -> dict[str, Any]:
    """The fields of a series that tell rates, in closed form: 1 / (c + d * n), and a * n + b * n**2 / 2."""
    found: dict[str, Any] = {}
    if writes is not None and writes.fit.c > 0:
        widths = _widths(writes, shared)
        found["decode"], found["decode_high"] = decode_rates(writes, shared.contexts, widths)
        found["decode_width"] = widths
        found["decode_basis"] = writes.fit.basis.value
    if reads is not None:
        found["seconds"] = seconds(reads, shared.contexts)
        found["seconds_width"] = _widths(reads, shared)
        found["seconds_basis"] = reads.fit.basis.value
    return found


def _over_memories(
    named: Series, planned: Stack, wanted: Wanted, need: MemoryNeed, pool: Budget, shared: _Shared
) -> Series:
    """A series over several memories: all points together, or each of its own where no closed form tells them."""
    from truelimit.app.sweep_placed import NotTogetherError, alike, placed_along, rates_along

    joint, batch = _steps(planned, wanted)
    keys = keys_of(shared.contexts, joint, batch)
    ask_along = partial(along, joint=joint, batch=batch)
    placed = placed_along(planned, pool, shared.contexts, keys, ask_along, shared.placed)
    if placed is None:
        total, headroom = _memory(planned, wanted, need, shared)
    else:
        total, headroom = placed.total.tolist(), placed.headroom.tolist()
    found = replace(named, total=total, headroom=headroom)
    if pool.host is None and alike(planned):
        return replace(found, **_shared_rates(planned, pool.placement(need), shared))
    try:
        if placed is not None:
            key = id(placed), *_kind(planned)
            if key not in shared.rates:
                shared.rates[key] = rates_along(planned, pool, placed)
            return replace(found, **shared.rates[key])
    except NotTogetherError:
        pass
    return _in_parts(found, planned, wanted, pool, shared)


def _steps(planned: Stack, wanted: Wanted) -> tuple[bool, int]:
    """Whether slots share one cache, and the physical batch: what ``along`` wants to know."""
    settings = settings_of(planned, wanted)
    return settings.unified or settings.slots == 1, memory_settings(planned, wanted.context).cache.ubatch


def _in_parts(series: Series, planned: Stack, wanted: Wanted, pool: Budget, shared: _Shared) -> Series:
    """The rates where blocks lie in main memory: how many moves with the context, so each point is its own."""
    if len(shared.contexts) > _IN_PARTS:
        return replace(
            series,
            error=said("a part lies in main memory: at most {in_parts:,} contexts can be swept so", in_parts=_IN_PARTS),
        )
    writes, reads = [], []
    for context in shared.contexts:
        _, need = needed(planned, replace(wanted, context=Tokens(context)))
        placed = pool.placement(need)
        read, written = paces(planned, placed)
        writes.append(decode_at(written, context))
        reads.append(seconds_to_read(read, context))
    rates, waits = [rate for rate in writes if rate], [wait for wait in reads if wait]
    if len(rates) < len(writes) or len(waits) < len(reads):
        return series
    return replace(
        series,
        decode=[rate.value for rate in rates],
        decode_width=[rate.value / rate.low - 1 for rate in rates],
        decode_high=[rate.high for rate in rates],
        decode_basis=rates[0].basis.value,
        seconds=[value for value, _, _, _ in waits],
        seconds_width=[value / low - 1 for value, low, _, _ in waits],
        seconds_basis=waits[0][3].value,
    )


def _widths(found: Reading | Writing, shared: _Shared) -> Sequence[float]:
    key = (type(found), found.tier, found.fit.error, found.fit.deepest, found.widths)
    if key not in shared.widths:
        if isinstance(found, Reading):
            shared.widths[key] = reading_half_widths(found, shared.contexts)
        else:
            shared.widths[key] = half_widths(found, shared.contexts)
    return shared.widths[key]


def _memory(
    planned: Stack, wanted: Wanted, need: MemoryNeed, shared: _Shared
) -> tuple[Sequence[int], Sequence[int] | None]:
    """Total and headroom at each context. On one memory only the weights and the pool differ between machines."""
    settings = settings_of(planned, wanted)
    room, pool = room_for(planned, wanted, need)
    joint, batch = _steps(planned, wanted)

    def ask(context: int) -> tuple[int, int]:
        _, taken = needed(planned, replace(wanted, context=Tokens(context)))
        if pool is None or pool.placement(need) is None:
            return total_of(taken) - taken.weights, 0
        left = room_for(planned, wanted, taken)[0]
        return total_of(taken), left.headroom if left else 0

    if pool is not None and pool.placement(need) is not None:
        return along(shared.contexts, ask, joint, batch)
    header = planned.header
    key = (settings.kv_type, settings.kv_type_v, settings.slots, settings.unified, settings.flash_attention,
           bool(header and header.tensors), header and header.architecture)  # fmt: skip
    if key not in shared.curves:
        shared.curves[key] = along(shared.contexts, ask, joint, batch)[0]
    rest, weights = shared.curves[key], need.weights
    total = [weights + size for size in rest]
    if room is None:
        return total, None
    left = room.pool - weights
    return total, [left - size for size in rest]
