"""Sweep: many plans of one model at once, in closed form, with the numbers of the plan.

Memory is linear in the context between the places where a window is full, so it is asked of the plan's engine only
where it bends; rates are two costs each. A million points take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from truelimit.app.plan import needed, room_for, settings_of, total_of
from truelimit.app.plan_quant import with_quantization
from truelimit.app.plan_rates import decode_at, seconds_to_read
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.limits.need import memory_settings
from truelimit.limits.paces import Reading, Writing
from truelimit.limits.rates import paces
from truelimit.limits.rates_at import half_widths, reading_half_widths
from truelimit.limits.rates_many import decode_rates, seconds
from truelimit.perf.kv_cache import PADDING
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Wanted
    from truelimit.domain.facts import Stack
    from truelimit.domain.machine import Machine
    from truelimit.limits.pools import Budget
    from truelimit.perf.memory import MemoryNeed

MOST_POINTS = 20_000_000
_IN_PARTS = 4096
_FEW = 24  # so few contexts are each asked of the engine


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
    ``error`` says why there are none.
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


@dataclass(slots=True)
class _Shared:
    """What combinations have in common: stacks by quantisation, cache and buffer over the contexts, widths."""

    contexts: tuple[int, ...]
    files: Mapping[str, Bytes]
    stacks: dict[str | None, Stack] = field(default_factory=dict)
    curves: dict[object, Sequence[int]] = field(default_factory=dict)
    widths: dict[object, Sequence[float]] = field(default_factory=dict)
    rates: dict[object, dict[str, Any]] = field(default_factory=dict)


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
        total, headroom = _memory(planned, wanted, need, shared)
    except ValueError as error:
        return replace(named, error=str(error))
    settings, pool = settings_of(planned, wanted), room_for(planned, wanted, need)[1]
    placed = pool.placement(need) if pool else None
    found = replace(named, kv_type=settings.kv_type, slots=settings.slots, total=total, headroom=headroom)
    if pool is not None and placed is not None and placed.host is not None:
        return _in_parts(found, planned, wanted, pool, shared)
    # Slots share the rates, since those tell of one request alone.
    key = (id(planned.machine), quant, settings.kv_type, settings.kv_type_v, settings.flash_attention, placed is None)
    if key not in shared.rates:
        shared.rates[key] = _rates(*paces(planned, placed), shared)
    return replace(found, **shared.rates[key])


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
    joint = settings.unified or settings.slots == 1
    batch = memory_settings(planned, wanted.context).cache.ubatch

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


def along(
    contexts: Sequence[int], ask: Callable[[int], tuple[int, int]], joint: bool = True, batch: int = 512
) -> tuple[list[int], list[int]]:
    """Return two whole numbers for each context, asking only where they bend.

    Contexts above the physical batch (``batch``) count by whole cells (256 tokens) where the slots share one cache
    (``joint``); smaller ones are asked one by one.
    """
    keys = [n if n < batch else -(-n // PADDING) * PADDING for n in contexts] if joint else contexts
    distinct = sorted(set(keys))
    large = [key for key in distinct if key >= batch]
    known: dict[int, tuple[int, int]] = {}
    few = len(large) <= _FEW
    for key in distinct if few else distinct[: len(distinct) - len(large)]:
        known[key] = ask(key)
    if not few:
        _fill(large, 0, len(large) - 1, ask, known)
    first, second = ({key: pair[side] for key, pair in known.items()} for side in (0, 1))
    return [first[key] for key in keys], [second[key] for key in keys]


def _fill(
    keys: Sequence[int], low: int, high: int, ask: Callable[[int], tuple[int, int]], known: dict[int, tuple[int, int]]
) -> None:
    """Fill keys[low] to keys[high]: along a line where four points lie on it exactly, else by halves."""
    picked = sorted({low, low + (high - low) // 3, low + 2 * (high - low) // 3, high})
    for index in picked:
        if keys[index] not in known:
            known[keys[index]] = ask(keys[index])
    if high - low <= 3:
        return
    points = [(keys[index], *known[keys[index]]) for index in picked]
    if _on_a_line(points):
        (x0, y0, z0), (x1, y1, z1) = points[0], points[-1]
        for key in keys[low : high + 1]:
            part = key - x0
            known[key] = (y0 + (y1 - y0) * part // (x1 - x0), z0 + (z1 - z0) * part // (x1 - x0))
        return
    middle = (low + high) // 2
    _fill(keys, low, middle, ask, known)
    _fill(keys, middle, high, ask, known)


def _on_a_line(points: Sequence[tuple[int, int, int]]) -> bool:
    (x0, y0, z0), (x1, y1, z1) = points[0], points[-1]
    return all(
        (y - y0) * (x1 - x0) == (y1 - y0) * (x - x0) and (z - z0) * (x1 - x0) == (z1 - z0) * (x - x0)
        for x, y, z in points[1:-1]
    )
