"""Speed where nothing was measured: physics and the calibration, over the devices that really hold the model.

Devices of one kind with blocks in turn, or cut across them, are one case of the calibration. Where a part lies in
main memory, or devices differ, the parts work one after the other and their times add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.estimates import Estimate, ModelShape, RateCase, Tier
from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Accelerator, DeviceKind, MemoryPool, PoolKind
from truelimit.domain.message import joined, said
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.host_link import copy_calculation, copy_rate, host_link
from truelimit.limits.need import memory_need
from truelimit.limits.paces import DEEP, Reading, Widths, Writing
from truelimit.limits.pools import budget
from truelimit.limits.rate_case import DEFAULT_BATCH, backend_of, rate_case
from truelimit.perf.placement import Held, Mode, Placement
from truelimit.perf.rates import Calibration, decode_estimate, decode_fit_of, prefill_estimate, prefill_fit_of
from truelimit.perf.rates.decode_parts import operations_a_byte
from truelimit.units import Bytes, BytesPerSecond, from_gb_per_s, to_gb_per_s

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.facts import Estimator, Stack

_SHORT = 4096  # tokens: a context that decides where blocks lie, where none is asked
_FARTHER = (16_384, 131_072)  # tokens: depths between which intervals are interpolated
_FAR = 32_768  # tokens: a depth at which windows are full
_AT_ONCE = 64  # tokens: a window of no more is a state, full from the start
_MAIN_MEMORY = Known(from_gb_per_s(60.0), said("assumed: two channels of DDR5, 60 GB/s"), Basis.ASSUMED)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The estimator of ``perf.rates`` with its calibration."""

    calibration: Calibration

    def decode(self, case: RateCase, depth: int, tokens: int) -> Estimate:
        """Return tokens/s while ``tokens`` are written after ``depth`` others. Raises ValueError."""
        return decode_estimate(case, depth, self.calibration, tokens)

    def prefill(self, case: RateCase, tokens: int, depth: int) -> Estimate:
        """Return tokens/s while a prompt of ``tokens`` is read after ``depth`` others. Raises ValueError."""
        return prefill_estimate(case, tokens, depth, self.calibration)

    def decode_fit(self, case: RateCase) -> DecodeFit:
        """Return the costs of a written token, windows apart. Raises ValueError."""
        fit, shape = decode_fit_of(case, self.calibration), case.shape
        if not shape.window_bytes or (shape.window_tokens or 0) <= _AT_ONCE:
            return fit
        plain = decode_fit_of(replace(case, shape=replace(shape, window_bytes=0.0)), self.calibration)
        full = (fit.c - plain.c) + (fit.d - plain.d) * _FAR
        return replace(plain, window=max(0.0, full), window_tokens=shape.window_tokens or 0)

    def prefill_fit(self, case: RateCase) -> PrefillFit:
        """Return the costs of a prompt, with what each batch costs whatever its size. Raises ValueError."""
        fit, size = prefill_fit_of(case, self.calibration), case.ubatch or DEFAULT_BATCH
        wider = prefill_fit_of(replace(case, ubatch=2 * size), self.calibration)
        return replace(fit, batch=size, batch_seconds=max(0.0, (fit.a - wider.a) * 2 * size))


def estimated(
    stack: Stack, placed: Placement | None = None, asked: RateCase | None = None
) -> tuple[Reading | None, Writing | None]:
    """Return how fast a stack would read and write, as it is placed (None: as a short context would be).

    ``asked`` stands for the case of the stack where it is told by numbers. (None, None) where the devices, their
    bandwidth or the model's shape are not known.
    """
    return estimated_reading(stack, placed, asked), estimated_writing(stack, placed, asked)


def estimated_reading(stack: Stack, placed: Placement | None = None, asked: RateCase | None = None) -> Reading | None:
    """Return how fast a stack would read, as ``estimated`` does."""
    estimator, whole = stack.estimator, asked or rate_case(stack)
    if estimator is None or whole is None:
        return None
    try:
        parts = _parts_of(stack, placed)
        return _reading(estimator, whole) if parts is None else _reading_in_parts(stack, estimator, whole, parts)
    except ValueError:
        return None


def estimated_writing(stack: Stack, placed: Placement | None = None, asked: RateCase | None = None) -> Writing | None:
    """Return how fast a stack would write, as ``estimated`` does."""
    estimator, whole = stack.estimator, asked or rate_case(stack)
    if estimator is None or whole is None:
        return None
    try:
        parts = _parts_of(stack, placed)
        return _writing(estimator, whole) if parts is None else _writing_in_parts(stack, estimator, whole, parts)
    except ValueError:
        return None


def _parts_of(stack: Stack, placed: Placement | None) -> Placement | None:
    """How the model lies over memories that work one after the other; None where they are one case."""
    where = placed or _placement(stack)
    return where if where is not None and _adds_up(stack, where) else None


def _placement(stack: Stack) -> Placement | None:
    need, pool = memory_need(stack, _SHORT), budget(stack, stack.split)
    return pool.placement(need) if pool is not None and need is not None else None


def _adds_up(stack: Stack, placed: Placement) -> bool:
    """Whether parts work one after the other: some in main memory, or on devices of different kinds."""
    kinds = {device.id for device in stack.machine.accelerators}
    return placed.mode in {Mode.PARTIAL, Mode.EXPERTS} or (placed.mode is Mode.LAYER and len(kinds) > 1)


def _reading(estimator: Estimator, case: RateCase) -> Reading:
    found = [estimator.prefill(case, DEFAULT_BATCH, depth) for depth in (0, DEEP, *_FARTHER)]
    fit, short = estimator.prefill_fit(case), found[0]
    return Reading(replace(fit, basis=short.basis), short.tier, _widths(found), short.notes)


def _writing(estimator: Estimator, case: RateCase) -> Writing:
    found = [estimator.decode(case, depth, 1) for depth in (0, DEEP, *_FARTHER)]
    fit, short = estimator.decode_fit(case), found[0]
    least, window = _least(case)
    fit = replace(fit, basis=short.basis)
    return Writing(fit, short.tier, _widths(found), least, short.notes, window if fit.window else 0.0)


def _widths(found: Sequence[Estimate]) -> Widths:
    short, deep, *farther = (item.value / item.low - 1 if item.low > 0 else 9.0 for item in found)
    return Widths(short, deep, tuple(zip(_FARTHER, farther, strict=True)))


def _least(case: RateCase) -> tuple[tuple[float, float] | None, float]:
    """The one-pass roofline: nothing but reading weights and cache at the whole bandwidth of what reads at once.

    Windows come second, for they are full from some depth on.
    """
    known = case.device.bandwidth
    if known is None:
        return None, 0.0
    speed, shape = known.value * (case.devices if case.split == "tensor" else 1), case.shape
    return (shape.read_bytes / speed, (shape.kv_bytes_per_token or 0.0) / speed), shape.window_bytes / speed


def _reading_in_parts(stack: Stack, estimator: Estimator, whole: RateCase, placed: Placement) -> Reading | None:
    """The parts of a placement one after the other: their costs add up, and the widest interval holds."""
    if placed.host is None:
        return _sum_of_reading([_reading(estimator, case) for case in _cases(stack, whole, placed)], None, stack)
    # The accelerators compute the whole prompt: llama.cpp copies what lies in main memory to them for each batch
    # (GGML_OP_OFFLOAD_MIN_BATCH).
    stored = Known(Bytes(placed.host.weights), said("weights in main memory, copied for each batch"), Basis.DERIVED)
    return _sum_of_reading([_reading(estimator, whole)], copy_calculation(stack.machine, "copied", stored), stack)


def _writing_in_parts(stack: Stack, estimator: Estimator, whole: RateCase, placed: Placement) -> Writing | None:
    return _sum_of_writing([_writing(estimator, case) for case in _cases(stack, whole, placed)], stack)


def _cases(stack: Stack, whole: RateCase, placed: Placement) -> Sequence[RateCase]:
    found = []
    devices = stack.machine.accelerators
    for index, held in enumerate(placed.devices):
        if held.total:
            device = devices[min(index, len(devices) - 1)]
            backend = backend_of(device, stack.backend if device.id == whole.device.id else None)
            found.append(
                replace(whole, shape=_share(whole.shape, held, placed), device=device, backend=backend, devices=1)
            )
    if placed.host is not None and placed.host.weights:
        host = _host(stack)
        found.append(
            replace(whole, shape=_share(whole.shape, placed.host, placed), device=host, backend="cpu", devices=1)
        )
    return found


def _share(shape: ModelShape, held: Held, placed: Placement) -> ModelShape:
    """What one memory holds of a model, as a model of its own; experts that moved are read as far as they are used."""
    blocks = (held.last - held.first) / max(1, placed.blocks)
    read = _read_share(shape, held, placed)
    kept = _cache_share(held, placed)
    return replace(
        shape,
        weights_bytes=shape.weights_bytes * read,
        read_bytes=shape.read_bytes * read,
        layers=round((shape.layers or placed.blocks) * (blocks or held.experts_of / max(1, placed.blocks))),
        attention_width=(shape.attention_width or 0.0) * blocks,
        kv_bytes_per_token=(shape.kv_bytes_per_token or 0.0) * kept,
        window_bytes=shape.window_bytes * kept,
        operations_a_byte=operations_a_byte(shape),
        active_parameters=shape.active_parameters * read,
        layer_parameters=(shape.layer_parameters or shape.active_parameters) * read,
    )


def _read_share(shape: ModelShape, held: Held, placed: Placement) -> float:
    """The share of what a token reads that lies in one memory: of its weights, unused embedding rows left out."""
    if placed.mode is not Mode.EXPERTS or placed.host is None:
        return held.weights / max(1, sum(item.weights for item in _all(placed)))
    used = (shape.experts_used or 1) / (shape.experts or 1)
    moved = placed.host.weights * used / max(1.0, shape.read_bytes)
    if held is placed.host:
        return min(1.0, moved)
    return max(0.0, 1 - moved) * held.weights / max(1, sum(item.weights for item in placed.devices))


def _cache_share(held: Held, placed: Placement) -> float:
    whole = sum(item.kv_cache for item in _all(placed))
    return held.kv_cache / whole if whole else 0.0


def _all(placed: Placement) -> tuple[Held, ...]:
    return (*placed.devices, *((placed.host,) if placed.host else ()))


def _host(stack: Stack) -> Accelerator:
    """The processor as a device: it reads at the rate of main memory."""
    ram: MemoryPool | None = stack.machine.pool(PoolKind.RAM)
    bandwidth: Known[BytesPerSecond] = ram.bandwidth if ram is not None and ram.bandwidth else _MAIN_MEMORY
    return Accelerator(
        "main-memory", said("main memory"), "cpu", "cpu-ddr5", DeviceKind.CPU, bandwidth, backends=("cpu",)
    )


def _sum_of_reading(parts: Sequence[Reading], copies: Calculation | None, stack: Stack) -> Reading | None:
    """The sum of parts; ``copies`` are the seconds of what is copied for each batch."""
    if not parts:
        return None
    batch, copied = parts[0].fit.batch or DEFAULT_BATCH, float(copies.result) if copies is not None else 0.0
    fit = PrefillFit(
        sum(part.fit.a for part in parts) + copied / batch,
        sum(part.fit.b for part in parts),
        None,
        parts[0].fit.deepest,
        0,
        said(
            "{where}, in parts: {where2}",
            where=parts[0].fit.where,
            where2=_link_of(stack) if copied else said("each device in turn"),
        ),
        worst([*(part.fit.basis for part in parts), Basis.ASSUMED if copied else Basis.DERIVED]),
        batch,
        sum(part.fit.batch_seconds for part in parts) + copied,
    )
    return Reading(fit, _tier(parts), _widest(parts), _notes(stack, parts), copies if copied else None)


def _link_of(stack: Stack) -> str:
    """Which link carries what lies in main memory, and how much of it copies reach."""
    reached = to_gb_per_s(BytesPerSecond(copy_rate(stack.machine)))
    return said("{link}, of which copies reach {rate:,.3g} GB/s", link=host_link(stack.machine).where, rate=reached)


def _sum_of_writing(parts: Sequence[Writing], stack: Stack) -> Writing | None:
    if not parts:
        return None
    fit = DecodeFit(
        sum(part.fit.c for part in parts),
        sum(part.fit.d for part in parts),
        None,
        parts[0].fit.deepest,
        0,
        joined(said("; then "), (part.fit.where for part in parts)),
        worst(part.fit.basis for part in parts),
        sum(part.fit.window for part in parts),
        max(part.fit.window_tokens for part in parts),
    )
    known = [part.least for part in parts if part.least is not None]
    least = (sum(c for c, _ in known), sum(d for _, d in known)) if len(known) == len(parts) else None
    window = sum(part.least_window for part in parts)
    return Writing(fit, _tier(parts), _widest(parts), least, _notes(stack, parts), window)


def _tier(parts: Sequence[Reading | Writing]) -> Tier:
    return Tier.PHYSICS if any(part.tier is Tier.PHYSICS for part in parts) else Tier.FAMILY


def _widest(parts: Sequence[Reading | Writing]) -> Widths:
    known = [part.widths for part in parts if part.widths is not None]
    farther = zip(*(width.farther for width in known), strict=False)
    wide = tuple((group[0][0], max(half for _, half in group)) for group in farther)
    return Widths(max(width.short for width in known), max(width.deep for width in known), wide)


def _notes(stack: Stack, parts: Sequence[Reading | Writing]) -> tuple[str, ...]:
    ram = stack.machine.pool(PoolKind.RAM)
    cpu = any("main memory" in part.fit.where for part in parts)
    assumed = (_MAIN_MEMORY.where,) if cpu and (ram is None or ram.bandwidth is None) else ()
    return tuple(dict.fromkeys((*(note for part in parts for note in part.notes), *assumed)))
