"""How fast prompts are read: tokens/s on average, and the costs a and b of a*n + b*n**2/2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import PrefillFit
from truelimit.perf.rates.costs import Calibration, Costs, Part, factor, part_factor, seconds
from truelimit.perf.rates.decode_parts import layer_count
from truelimit.perf.rates.device import bandwidth, matrix_rate
from truelimit.perf.rates.interval import estimate, estimated_for, fitted, noise_kinds, out_of_range
from truelimit.perf.rates.prefill_parts import batch_of, prefill_costs_of
from truelimit.perf.rates.split import reading_devices
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.domain.estimates import Estimate, RateCase

_FAR = 32768


def prefill_estimate(case: RateCase, tokens: int, depth: int, calibration: Calibration) -> Estimate:
    """Return the mean tokens/s while a prompt of ``tokens`` is read after ``depth`` others, with an interval of 90 %.

    Raises NoBandwidthError, and ValueError for tokens below 1 or a depth below 0.
    """
    if tokens < 1 or depth < 0:
        raise out_of_range(tokens, depth)
    model, batch, position = calibration.prefill, batch_of(case, tokens), depth + tokens / 2
    costs = prefill_costs_of(case, batch, position)
    terms, pieces = [_rate(case)], []
    for part in costs.parts:
        piece, more = _piece(case, calibration, part, batch, position)
        pieces.append(piece)
        terms += more
    formula = f"1 / ({' + '.join(pieces)})"
    if costs.overall:
        terms.append(Term("overall", factor(model, costs.overall), "x", fitted(model, costs.overall), Basis.DERIVED))
        formula = f"1 / (overall * ({' + '.join(pieces)}))"
    kinds = noise_kinds(model, case, depth)
    return estimate(model, case, costs, calculate(formula, "tokens/s", *terms), kinds)


def _rate(case: RateCase) -> Term:
    known = matrix_rate(case.device)
    return Term("matrix_rate", known.value * reading_devices(case), "operations/s", known.where, known.basis)


def _piece(
    case: RateCase, calibration: Calibration, part: Part, batch: float, position: float
) -> tuple[str, list[Term]]:
    """Return a summand of seconds a token, and its terms."""
    value, shape = part_factor(calibration.prefill, part), case.shape
    told = fitted(calibration.prefill, part.effects)
    share = Term(f"{part.name}_efficiency", 1 / value, "share", told, Basis.DERIVED)
    if part.name == "products":
        used = shape.layer_parameters or shape.active_parameters
        where = said("{model}: those of the layers", model=shape.name)
        count = Term("used_parameters", used, "parameters", where, Basis.DERIVED)
        return "2 * used_parameters / (matrix_rate * products_efficiency)", [count, share]
    if part.name == "attention":
        width = Term("attention_width", shape.attention_width or 0.0, "products", shape.name, Basis.DERIVED)
        where = said("mean number of tokens before one of the prompt")
        before = Term("position", position, "tokens", where, Basis.DERIVED)
        return "2 * attention_width * position / (matrix_rate * attention_efficiency)", [width, before, share]
    if part.name == "weights":
        speed = bandwidth(case.device)
        terms = [
            Term("weights_bytes", shape.weights_bytes, "bytes", f"{shape.name} {shape.quantization}", Basis.DERIVED),
            Term("bandwidth", speed.value, "bytes/s", speed.where, speed.basis),
            Term("batch", batch, "tokens", said("tokens that go through the layers together"), Basis.SPECIFIED),
        ]
        return "weights_bytes / (bandwidth * weights_efficiency * batch)", [*terms, share]
    if part.name == "layers":
        cost = part.seconds * batch * value / layer_count(shape)
        count = Term("layers", layer_count(shape), "layers", shape.name, Basis.DERIVED)
        return "layers * overhead / batch", [count, Term("overhead", cost, "s/layer", told, Basis.DERIVED)]
    return part.name, [Term(part.name, part.seconds, "s/token", said("exchange between devices"), Basis.ASSUMED)]


def prefill_fit_of(case: RateCase, calibration: Calibration) -> PrefillFit:
    """Return a and b of T(n) = a*n + b*n**2/2 seconds, from the same costs. Raises NoBandwidthError."""
    batch = batch_of(case, 2**20)
    near, far = (_seconds(calibration, prefill_costs_of(case, batch, position)) for position in (0.0, float(_FAR)))
    return PrefillFit(near, (far - near) / _FAR, None, Tokens(_FAR), 0, estimated_for(case), Basis.DERIVED)


def _seconds(calibration: Calibration, costs: Costs) -> float:
    return seconds(calibration.prefill, costs)
