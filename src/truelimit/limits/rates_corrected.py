"""The estimate, corrected by a benchmark of another model on the same machine.

How far this machine lies from its family shows in any dense model that was measured on it: the ratio of measured to
estimated cost is carried over. Measurements of a mixture of experts are not: what they tell is mostly of the experts.
Nor is a ratio beyond two: a note says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.estimates import RateCase, Tier
from truelimit.domain.message import said
from truelimit.limits.paces import Widths
from truelimit.limits.published import parameter_count
from truelimit.limits.rate_case import rate_case
from truelimit.perf.rates import shape_from_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truelimit.domain.facts import Estimator, Stack
    from truelimit.domain.measurements import MeasuredModel, Measurement
    from truelimit.limits.paces import Reading, Writing

    RatioOf = Callable[[Estimator, RateCase, Measurement], float | None]

_DENSE = {"llama", "qwen2", "qwen3", "gemma2", "gemma3", "mistral3", "phi3", "glm4", "granite", "olmo2"}
_MOST = 2.0  # a machine further from its family than this was measured under other conditions
_DECODE = Widths(0.15, 0.25)
_PREFILL = Widths(0.35, 0.60)


def of_tier(stack: Stack, tier: Tier) -> tuple[Measurement, ...]:
    """Return the kept measurements that stand so near to a stack, the best first."""
    if not stack.measurements:
        return ()
    from truelimit.limits.measured import matching

    found = matching(stack.measurements, stack.machine, _model(stack))
    return tuple(item for nearness, item in found if nearness is tier)


def corrected_reading(stack: Stack, found: Reading | None, asked: RateCase | None = None) -> Reading | None:
    """Return the estimate of reading (``found``), corrected; None where no other model was measured here."""
    for item, ratio in _ratios(stack, asked, _of_reading):
        if found is not None and _is_near(ratio):
            where = _where(found.fit.where, ratio, item)
            a, b, paid = (cost * ratio for cost in (found.fit.a, found.fit.b, found.fit.batch_seconds))
            fit = replace(found.fit, a=a, b=b, batch_seconds=paid, where=where)
            return replace(found, fit=fit, tier=Tier.THIS_MACHINE, widths=_PREFILL)
    return None


def corrected_writing(stack: Stack, found: Writing | None, asked: RateCase | None = None) -> Writing | None:
    """Return the estimate of writing (``found``), corrected; None where no other model was measured here."""
    for item, ratio in _ratios(stack, asked, _of_writing):
        if found is not None and _is_near(ratio):
            where = _where(found.fit.where, ratio, item)
            c, d, window = (cost * ratio for cost in (found.fit.c, found.fit.d, found.fit.window))
            fit = replace(found.fit, c=c, d=d, window=window, where=where)
            return replace(found, fit=fit, tier=Tier.THIS_MACHINE, widths=_DECODE)
    return None


def with_reading_left_out(stack: Stack, found: Reading | None, asked: RateCase | None = None) -> Reading | None:
    """Return a pace of reading that no other model corrects, with a note of the best one that lies too far off."""
    told = _too_far(stack, asked, _of_reading)
    if found is None or told is None:
        return found
    note = said(
        "reading with {model} was measured here ({tool}, {taken}) at {ratio:.3g} times its estimated cost: beyond "
        "{most:g} times either way that tells of that model or of a busy machine, so it corrects nothing here",
        **told,
    )
    return replace(found, notes=(*found.notes, note))


def with_writing_left_out(stack: Stack, found: Writing | None, asked: RateCase | None = None) -> Writing | None:
    """Return a pace of writing that no other model corrects, with a note of the best one that lies too far off."""
    told = _too_far(stack, asked, _of_writing)
    if found is None or told is None:
        return found
    note = said(
        "writing with {model} was measured here ({tool}, {taken}) at {ratio:.3g} times its estimated cost: beyond "
        "{most:g} times either way that tells of that model or of a busy machine, so it corrects nothing here",
        **told,
    )
    return replace(found, notes=(*found.notes, note))


def _too_far(stack: Stack, asked: RateCase | None, ratio_of: RatioOf) -> dict[str, str | float] | None:
    """The best measurement of another model, where its ratio is too far off to be carried over: what is said of it."""
    item, ratio = next(_ratios(stack, asked, ratio_of), (None, 1.0))
    if item is None or _is_near(ratio):
        return None
    return {"model": item.model.name, "tool": item.tool, "taken": item.taken[:10], "ratio": ratio, "most": _MOST}


def _ratios(stack: Stack, asked: RateCase | None, ratio_of: RatioOf) -> Iterator[tuple[Measurement, float]]:
    """Yield each measurement of another dense model here, the best first, with its ratio of cost to the estimate."""
    estimator = stack.estimator
    if estimator is None:
        return
    for item in of_tier(stack, Tier.THIS_MACHINE):
        case = _case(stack, item, asked)
        ratio = ratio_of(estimator, case, item) if case is not None else None
        if ratio is not None:
            yield item, ratio


def _of_reading(estimator: Estimator, case: RateCase, item: Measurement) -> float | None:
    return item.prefill.a / estimator.prefill_fit(case).a if item.prefill is not None else None


def _of_writing(estimator: Estimator, case: RateCase, item: Measurement) -> float | None:
    if item.decode is None:
        return None
    told = estimator.decode_fit(case)
    return item.decode.c / (told.c + told.window)


def _is_near(ratio: float) -> bool:
    return 1 / _MOST <= ratio <= _MOST


def _case(stack: Stack, item: Measurement, asked: RateCase | None) -> RateCase | None:
    """The case that was measured: the same devices with the other model's size."""
    own, model = asked or rate_case(stack), item.model
    if own is None or model.architecture not in _DENSE or not model.parameters or not model.quantization:
        return None
    size = float(model.weights_bytes) if model.weights_bytes else None
    try:
        shape = shape_from_numbers(model.parameters, None, size, model.quantization, name=model.name)
    except ValueError:
        return None
    return replace(own, shape=shape, kv_type="f16")


def _where(where: str, ratio: float, item: Measurement) -> str:
    return said(
        "{where}, times {ratio:.3g} as {model} was measured here ({tool}, {taken})",
        where=where,
        ratio=ratio,
        model=item.model.name,
        tool=item.tool,
        taken=item.taken[:10],
    )


def _model(stack: Stack) -> MeasuredModel:
    from truelimit.domain.measurements import MeasuredModel

    header, definition = stack.header, stack.definition
    return MeasuredModel(
        definition.name if definition else stack.model,
        header.architecture if header else None,
        parameter_count(header) if header else None,
        None,
        definition.quantization if definition else None,
    )
