"""Speed where nothing was measured: physics and the calibration, over the devices that really hold the model.

Devices of one kind with blocks in turn, or cut across them, are one case of the calibration. Where a part lies in
main memory, or devices differ, the parts work one after the other and their times add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from truelimit.domain.estimates import Estimate, ModelShape, RateCase, Tier
from truelimit.domain.facts import Estimator, Stack
from truelimit.domain.machine import Accelerator, DeviceKind, MemoryPool, PoolKind
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.need import memory_need
from truelimit.limits.paces import DEEP, Reading, Widths, Writing
from truelimit.limits.pools import budget
from truelimit.limits.rate_case import DEFAULT_BATCH, backend_of, rate_case
from truelimit.perf.placement import Held, Mode, Placement
from truelimit.perf.rates import Calibration, decode_estimate, decode_fit_of, prefill_estimate, prefill_fit_of
from truelimit.units import BytesPerSecond, from_gb_per_s

_SHORT = 4096  # tokens: a context that decides where blocks lie, where none is asked
_MAIN_MEMORY = Known(from_gb_per_s(60.0), "assumed: two channels of DDR5, 60 GB/s", Basis.ASSUMED)
# llama.cpp copies weights of main memory to the accelerator for each batch of a prompt (GGML_OP_OFFLOAD_MIN_BATCH).
_PCIE = Known(from_gb_per_s(25.0), "assumed: PCIe 4.0 with 16 lanes, 25 GB/s", Basis.ASSUMED)


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
        """Return the two costs of a written token. Raises ValueError."""
        return decode_fit_of(case, self.calibration)

    def prefill_fit(self, case: RateCase) -> PrefillFit:
        """Return the two costs of a prompt. Raises ValueError."""
        return prefill_fit_of(case, self.calibration)


def estimated(stack: Stack, placed: Placement | None = None) -> tuple[Reading | None, Writing | None]:
    """Return how fast a stack would read and write, as it is placed (None: as a short context would be).

    (None, None) where the devices, their bandwidth or the model's shape are not known.
    """
    estimator, whole = stack.estimator, rate_case(stack)
    if estimator is None or whole is None:
        return None, None
    try:
        where = placed or _placement(stack)
        if where is None or not _adds_up(stack, where):
            return _reading(estimator, whole), _writing(estimator, whole)
        return _in_parts(stack, estimator, whole, where)
    except ValueError:
        return None, None


def _placement(stack: Stack) -> Placement | None:
    need, pool = memory_need(stack, _SHORT), budget(stack, stack.split)
    return pool.placement(need) if pool is not None and need is not None else None


def _adds_up(stack: Stack, placed: Placement) -> bool:
    """Whether parts work one after the other: some in main memory, or on devices of different kinds."""
    kinds = {device.id for device in stack.machine.accelerators}
    return placed.mode in {Mode.PARTIAL, Mode.EXPERTS} or (placed.mode is Mode.LAYER and len(kinds) > 1)


def _reading(estimator: Estimator, case: RateCase) -> Reading:
    short, deep = (estimator.prefill(case, DEFAULT_BATCH, depth) for depth in (0, DEEP))
    fit = estimator.prefill_fit(case)
    return Reading(replace(fit, basis=short.basis), short.tier, _widths(short, deep), short.notes)


def _writing(estimator: Estimator, case: RateCase) -> Writing:
    short, deep = (estimator.decode(case, depth, 1) for depth in (0, DEEP))
    fit = estimator.decode_fit(case)
    least = _least(case)
    return Writing(replace(fit, basis=short.basis), short.tier, _widths(short, deep), least, short.notes)


def _widths(short: Estimate, deep: Estimate) -> Widths:
    return Widths(*(estimate.value / estimate.low - 1 if estimate.low > 0 else 9.0 for estimate in (short, deep)))


def _least(case: RateCase) -> tuple[float, float] | None:
    """The one-pass roofline: nothing but reading weights and cache at the whole bandwidth of what reads at once."""
    known = case.device.bandwidth
    if known is None:
        return None
    speed = known.value * (case.devices if case.split == "tensor" else 1)
    return case.shape.read_bytes / speed, (case.shape.kv_bytes_per_token or 0.0) / speed


def _in_parts(
    stack: Stack, estimator: Estimator, whole: RateCase, placed: Placement
) -> tuple[Reading | None, Writing | None]:
    """The parts of a placement one after the other: their costs add up, and the widest interval holds."""
    cases = list(_cases(stack, whole, placed))
    writes = [_writing(estimator, case) for case in cases]
    if placed.host is None:
        return _sum_of_reading([_reading(estimator, case) for case in cases], 0.0, stack), _sum_of_writing(
            writes, stack
        )
    # The accelerators compute the whole prompt: what lies in main memory is copied to them for each batch.
    copied = placed.host.weights / _PCIE.value / (whole.ubatch or DEFAULT_BATCH)
    return _sum_of_reading([_reading(estimator, whole)], copied, stack), _sum_of_writing(writes, stack)


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
    return Accelerator("main-memory", "main memory", "cpu", "cpu-ddr5", DeviceKind.CPU, bandwidth, backends=("cpu",))


def _sum_of_reading(parts: Sequence[Reading], copied: float, stack: Stack) -> Reading | None:
    if not parts:
        return None
    fit = PrefillFit(
        sum(part.fit.a for part in parts) + copied,
        sum(part.fit.b for part in parts),
        None,
        parts[0].fit.deepest,
        0,
        f"{parts[0].fit.where}, in parts: {_PCIE.where if copied else 'each device in turn'}",
        worst([*(part.fit.basis for part in parts), Basis.ASSUMED if copied else Basis.DERIVED]),
    )
    return Reading(fit, _tier(parts), _widest(parts), _notes(stack, parts))


def _sum_of_writing(parts: Sequence[Writing], stack: Stack) -> Writing | None:
    if not parts:
        return None
    fit = DecodeFit(
        sum(part.fit.c for part in parts),
        sum(part.fit.d for part in parts),
        None,
        parts[0].fit.deepest,
        0,
        "; then ".join(part.fit.where for part in parts),
        worst(part.fit.basis for part in parts),
    )
    known = [part.least for part in parts if part.least is not None]
    least = (sum(c for c, _ in known), sum(d for _, d in known)) if len(known) == len(parts) else None
    return Writing(fit, _tier(parts), _widest(parts), least, _notes(stack, parts))


def _tier(parts: Sequence[Reading | Writing]) -> Tier:
    return Tier.PHYSICS if any(part.tier is Tier.PHYSICS for part in parts) else Tier.FAMILY


def _widest(parts: Sequence[Reading | Writing]) -> Widths:
    known = [part.widths for part in parts if part.widths is not None]
    return Widths(max(width.short for width in known), max(width.deep for width in known))


def _notes(stack: Stack, parts: Sequence[Reading | Writing]) -> tuple[str, ...]:
    ram = stack.machine.pool(PoolKind.RAM)
    cpu = any("main memory" in part.fit.where for part in parts)
    assumed = (_MAIN_MEMORY.where,) if cpu and (ram is None or ram.bandwidth is None) else ()
    return tuple(dict.fromkeys((*(note for part in parts for note in part.notes), *assumed)))
