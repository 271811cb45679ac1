"""The estimate, corrected by a benchmark of another model on the same machine.

How far this machine lies from its family shows in any dense model that was measured on it: the ratio of measured to
estimated cost is carried over. Measurements of a mixture of experts are not: what they tell is mostly of the experts.
"""

from __future__ import annotations

from dataclasses import replace

from truelimit.domain.estimates import RateCase, Tier
from truelimit.domain.facts import Stack
from truelimit.domain.measurements import MeasuredModel, Measurement
from truelimit.limits.measured import matching
from truelimit.limits.paces import Reading, Widths, Writing
from truelimit.limits.published import parameter_count
from truelimit.limits.rate_case import rate_case
from truelimit.limits.rates_estimated import estimated
from truelimit.perf.placement import Placement
from truelimit.perf.rates import shape_from_numbers

_DENSE = {"llama", "qwen2", "qwen3", "gemma2", "gemma3", "mistral3", "phi3", "glm4", "granite", "olmo2"}
_MOST = 2.0  # a machine further from its family than this was measured under other conditions
_DECODE = Widths(0.15, 0.25)
_PREFILL = Widths(0.35, 0.60)


def of_tier(stack: Stack, tier: Tier) -> tuple[Measurement, ...]:
    """Return the kept measurements that stand so near to a stack, the best first."""
    if not stack.measurements:
        return ()
    found = matching(stack.measurements, stack.machine, _model(stack))
    return tuple(item for nearness, item in found if nearness is tier)


def corrected_reading(stack: Stack, placed: Placement | None) -> Reading | None:
    """Return the estimate of reading, corrected; None where no other model was measured here."""
    for item in of_tier(stack, Tier.THIS_MACHINE):
        case, found = _case(stack, item), estimated(stack, placed)[0]
        if case is None or found is None or item.prefill is None or stack.estimator is None:
            continue
        ratio = item.prefill.a / stack.estimator.prefill_fit(case).a
        if 1 / _MOST <= ratio <= _MOST:
            fit = replace(
                found.fit, a=found.fit.a * ratio, b=found.fit.b * ratio, where=_where(found.fit.where, ratio, item)
            )
            return Reading(fit, Tier.THIS_MACHINE, _PREFILL, found.notes)
    return None


def corrected_writing(stack: Stack, placed: Placement | None) -> Writing | None:
    """Return the estimate of writing, corrected; None where no other model was measured here."""
    for item in of_tier(stack, Tier.THIS_MACHINE):
        case, found = _case(stack, item), estimated(stack, placed)[1]
        if case is None or found is None or item.decode is None or stack.estimator is None:
            continue
        ratio = item.decode.c / stack.estimator.decode_fit(case).c
        if 1 / _MOST <= ratio <= _MOST:
            fit = replace(
                found.fit, c=found.fit.c * ratio, d=found.fit.d * ratio, where=_where(found.fit.where, ratio, item)
            )
            return Writing(fit, Tier.THIS_MACHINE, _DECODE, found.least, found.notes)
    return None


def _case(stack: Stack, item: Measurement) -> RateCase | None:
    """The case that was measured: the same devices with the other model's size."""
    own, model = rate_case(stack), item.model
    if own is None or model.architecture not in _DENSE or not model.parameters or not model.quantization:
        return None
    size = float(model.weights_bytes) if model.weights_bytes else None
    try:
        shape = shape_from_numbers(model.parameters, None, size, model.quantization, name=model.name)
    except ValueError:
        return None
    return replace(own, shape=shape, kv_type="f16")


def _where(where: str, ratio: float, item: Measurement) -> str:
    return f"{where}, times {ratio:.3g} as {item.model.name} was measured here ({item.tool}, {item.taken[:10]})"


def _model(stack: Stack) -> MeasuredModel:
    header, definition = stack.header, stack.definition
    return MeasuredModel(
        definition.name if definition else stack.model,
        header.architecture if header else None,
        parameter_count(header) if header else None,
        None,
        definition.quantization if definition else None,
    )
