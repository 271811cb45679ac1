"""The parts of what one decoded token costs: weights read, cache read, work that every layer starts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truelimit.perf.rates.classes import (
    LLAMA_CPP,
    backend_class,
    engine_class,
    family_class,
    flash_class,
    has_stacked_memory,
    is_mobile,
    is_of_two_dies,
    quantization_class,
)
from truelimit.perf.rates.costs import Costs, Part, Weighted
from truelimit.perf.rates.device import bandwidth
from truelimit.perf.rates.split import link_seconds, reading_devices
from truelimit.units import GB

if TYPE_CHECKING:
    from truelimit.domain.estimates import ModelShape, RateCase

_MICRO = 1e-6
MOST_OF_CACHE = 0.95  # of the bandwidth, assumed: chips with runs at depth read it at 0.63 to 0.78 by flash attention
_DEFAULT_LAYERS = 36
_USUAL_BANDWIDTH = 500 * GB


def decode_costs(case: RateCase, position: float) -> Costs:
    """Return the cost of one token written after ``position`` tokens.

    Weights and cache are read at the memory's bandwidth (of one device at a time when layers are split), and each
    layer starts kernels. The cache is never read faster than the memory delivers, at any depth; of the weights the sum
    with what layers start is fitted, and the memory bounds that. Raises NoBandwidthError.
    """
    shape, speed = case.shape, bandwidth(case.device).value * reading_devices(case)
    parts = (
        Part("weights", shape.read_bytes / speed, reading_effects(case), floor=True),
        Part("cache", cache_bytes(shape, position) / speed, cache_effects(case), least=1 / MOST_OF_CACHE),
        Part("layers", layer_count(shape) * _MICRO, layer_effects(case)),
        Part("link", link_seconds(case), ()),
    )
    return Costs(tuple(part for part in parts if part.seconds > 0), overall_effects(case))


def layer_count(shape: ModelShape) -> int:
    """Return the layers, or a usual number of them where they are not known."""
    return shape.layers or _DEFAULT_LAYERS


def cache_bytes(shape: ModelShape, position: float) -> float:
    """Return the bytes of cache that a token after ``position`` others reads: windows fill up, then stay."""
    full = (shape.kv_bytes_per_token or 0.0) * position
    if not shape.window_bytes:
        return full
    return full + shape.window_bytes * min(1.0, position / (shape.window_tokens or 1))


def reading_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on reading weights: backend, family, quantisation, experts, kind of memory."""
    backend, family, kind = backend_class(case), family_class(case), quantization_class(case.shape.quantization)
    names = [
        "weights/all/",
        f"weights/backend/{backend}",
        f"weights/chips/{case.device.family}",
        f"weights/family/{family}",
        f"weights/quantization/{kind}",
        f"weights/quantization by backend/{kind} {backend}",
        f"weights/quantization by family/{kind} {family}",
    ]
    if has_stacked_memory(case.device):
        names.append("weights/memory/stacked")
    if is_of_two_dies(case.device):
        names.append("weights/memory/two dies")
    if case.shape.is_sparse:
        names += ["weights/experts/all", f"weights/experts by backend/{backend}"]
    return tuple((name, 1.0) for name in names)


def cache_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on reading the cache: backend, family, flash attention, its type."""
    names = ["cache/all/", f"cache/backend/{backend_class(case)}", f"cache/family/{family_class(case)}"]
    if case.flash_attention is not None and case.backend != "cpu":
        names.append(f"cache/flash attention/{flash_class(case)}")
    if case.kv_type not in {"f16", "bf16"}:
        names.append(f"cache/type/{case.kv_type}")
    return (*((name, 1.0) for name in names), *_on_cores(case))


def _on_cores(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects of attention on a processor: its cores compute each query head anew, whatever heads share.

    So it costs operations, not bytes: the first effect, near one, is a power of the operations for each byte. What each
    takes is another thing with flash attention, which no published run of a processor has told.
    """
    each = operations_a_byte(case.shape) if case.backend == "cpu" else None
    how = "flash on a processor" if flash_class(case) == "on" else "processor"
    return (("cache/operations/processor", math.log(each)), (f"cache/{how}/all", 1.0)) if each else ()


def operations_a_byte(shape: ModelShape) -> float | None:
    """Return what attention computes for each byte of cache: query heads over KV heads in f16. None: not known."""
    if shape.operations_a_byte is not None or not shape.attention_width or not shape.kv_bytes_per_token:
        return shape.operations_a_byte
    return 2 * shape.attention_width / shape.kv_bytes_per_token


def layer_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on the work that each layer starts: backend, family, experts, layers with a state."""
    backend = backend_class(case)
    effects = [("layers/all/", 1.0), (f"layers/backend/{backend}", 1.0), (f"layers/family/{family_class(case)}", 1.0)]
    effects.append(("layers/speed/all", -math.log(bandwidth(case.device).value / _USUAL_BANDWIDTH)))
    if case.shape.is_sparse:
        effects += [("layers/experts/all", 1.0), (f"layers/experts by backend/{backend}", 1.0)]
    if case.shape.state_layers:
        share = case.shape.state_layers / layer_count(case.shape)
        effects.append(("layers/states/all", share))
    if engine_class(case.engine) != LLAMA_CPP:
        effects.append((f"layers/engine/{engine_class(case.engine)}", 1.0))
    return tuple(effects)


def overall_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on the whole: engine (by backend), architecture, devices, laptops."""
    engine, backend, effects = engine_class(case.engine), backend_class(case), []
    if engine != LLAMA_CPP:
        effects += [f"overall/engine/{engine}", f"overall/engine by backend/{engine} {backend}"]
        effects.append(f"overall/engine by family/{engine} {family_class(case)}")
        if is_mobile(case.device):
            effects.append(f"overall/mobile/{engine}")
    elif is_mobile(case.device):
        effects.append(f"overall/mobile/{LLAMA_CPP}")
    if case.shape.architecture:
        effects.append(f"overall/architecture/{case.shape.architecture}")
        effects.append(f"overall/architecture by backend/{case.shape.architecture} {backend}")
    if case.devices > 1:
        effects += [f"overall/split/{case.split}", f"overall/split by backend/{case.split} {backend}"]
    return tuple((name, 1.0) for name in effects)
