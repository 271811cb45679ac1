"""The parts of what a prompt costs: products of the layers, attention to what came before, weights read a batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truelimit.perf.rates.classes import (
    LLAMA_CPP,
    backend_class,
    engine_class,
    family_class,
    flash_class,
    quantization_class,
)
from truelimit.perf.rates.costs import Costs, Part, Weighted
from truelimit.perf.rates.decode_parts import layer_count, overall_effects
from truelimit.perf.rates.device import bandwidth, matrix_rate, power_density
from truelimit.perf.rates.split import link_seconds, reading_devices

if TYPE_CHECKING:
    from truelimit.domain.estimates import RateCase

DEFAULT_UBATCH = 512
_MICRO = 1e-6
_OPERATIONS = 2.0  # a product and a sum


def prefill_costs_of(case: RateCase, batch: float, position: float) -> Costs:
    """Return the seconds of one prompt token in a batch of ``batch``, after ``position`` tokens on average.

    Raises NoBandwidthError.
    """
    shape, rate = case.shape, matrix_rate(case.device).value * reading_devices(case)
    used = shape.layer_parameters or shape.active_parameters
    attention = _OPERATIONS * (shape.attention_width or 0.0) * position
    parts = (
        Part("products", _OPERATIONS * used / rate, product_effects(case)),
        Part("attention", attention / rate, attention_effects(case)),
        Part("weights", shape.weights_bytes / bandwidth(case.device).value / batch, weight_effects(case)),
        Part("layers", layer_count(shape) * _MICRO / batch, layer_effects(case)),
        Part("link", link_seconds(case, round(batch)) / batch, ()),
    )
    return Costs(tuple(part for part in parts if part.seconds > 0), overall_effects(case))


def batch_of(case: RateCase, tokens: int) -> float:
    """Return the tokens that go through the layers together: the physical batch, or fewer of a short prompt.

    A prompt that is no whole number of batches ends with a smaller one: the mean over its batches is taken.
    """
    size = case.ubatch or DEFAULT_UBATCH
    return tokens / math.ceil(tokens / size) if tokens > 0 else 1.0


def product_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on the layers' products: backend, family, quantisation, experts, power behind the rate."""
    backend, family, kind = backend_class(case), family_class(case), quantization_class(case.shape.quantization)
    power = -math.log(min(1.0, power_density(case.device)))
    effects = [
        ("products/all/", 1.0),
        (f"products/backend/{backend}", 1.0),
        (f"products/chips/{case.device.family}", 1.0),
        (f"products/family/{family}", 1.0),
        (f"products/quantization/{kind}", 1.0),
        (f"products/quantization by backend/{kind} {backend}", 1.0),
        (f"products/quantization by family/{kind} {family}", 1.0),
        ("products/power/all", power),
        (f"products/power by vendor/{case.device.vendor}", power),
    ]
    if case.shape.is_sparse:
        effects.append(("products/power of experts/all", power))
        effects += [("products/experts/all", 1.0), (f"products/experts by backend/{backend}", 1.0)]
        effects.append((f"products/experts by family/{family}", 1.0))
    return tuple(effects)


def attention_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on attention: backend, family, flash attention."""
    names = ["attention/all/", f"attention/backend/{backend_class(case)}", f"attention/family/{family_class(case)}"]
    if case.backend == "cpu":
        how = "flash on a processor" if flash_class(case) == "on" else "processor"
        names.append(f"attention/{how}/all")
    else:
        names.append(f"attention/flash attention/{flash_class(case)}")
    if case.kv_type not in {"f16", "bf16"}:
        names.append(f"attention/type/{case.kv_type}")
    return tuple((name, 1.0) for name in names)


def weight_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on reading all weights once a batch."""
    return (("weights/all/", 1.0), (f"weights/backend/{backend_class(case)}", 1.0))


def layer_effects(case: RateCase) -> tuple[Weighted, ...]:
    """Return the effects on the work that each layer starts for a batch."""
    backend = backend_class(case)
    effects = [("layers/all/", 1.0), (f"layers/backend/{backend}", 1.0)]
    if case.shape.is_sparse:
        effects += [("layers/experts/all", 1.0)]
    if case.shape.state_layers:
        effects.append(("layers/states/all", case.shape.state_layers / layer_count(case.shape)))
    if engine_class(case.engine) != LLAMA_CPP:
        effects.append((f"layers/engine/{engine_class(case.engine)}", 1.0))
    return tuple(effects)
