"""How fast answers are written: tokens/s at a depth, and the costs c and d of c + d*depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit
from truelimit.perf.rates.costs import Calibration, CostModel, Costs, Part, factor, held_factor, part_factor, seconds
from truelimit.perf.rates.decode_parts import cache_bytes, decode_costs, layer_count
from truelimit.perf.rates.device import bandwidth
from truelimit.perf.rates.interval import estimate, estimated_for, fitted, noise_kinds, out_of_range
from truelimit.perf.rates.split import reading_devices
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.domain.estimates import Estimate, RateCase

_SHORT = 64  # tokens: where the fit of c begins
_FAR = 32768  # tokens: where the slope d is read, with windows full


def decode_estimate(case: RateCase, depth: int, calibration: Calibration, tokens: int = 128) -> Estimate:
    """Return tokens/s while ``tokens`` are written after ``depth`` others, with an interval of 90 %.

    Never above the one-pass roofline (bandwidth over the bytes that a token reads): nothing is read faster
    (``decode_costs``), and all else comes on top. Raises NoBandwidthError, and ValueError for tokens below 1 or a depth
    below 0.
    """
    if tokens < 1 or depth < 0:
        raise out_of_range(tokens, depth)
    model, position = calibration.decode, depth + tokens / 2
    costs = decode_costs(case, position)
    parts = {part.name: part for part in costs.parts}
    terms, pieces = [], []
    for name, build in _BUILDERS.items():
        if name in parts:
            piece, more = build(case, calibration, costs, parts[name], position)
            pieces.append(piece)
            terms += more
    if costs.overall:
        whole = factor(model, costs.overall)
        terms.append(Term("overall", whole, "x", fitted(model, costs.overall), Basis.DERIVED))
    result = calculate(f"1 / ({' + '.join(pieces)})", "tokens/s", *terms)
    kinds = noise_kinds(model, case, depth)
    return estimate(model, case, costs, result, kinds, ceiling=_ceiling(case, position))


def _lent(model: CostModel, costs: Costs) -> float:
    """Return the seconds that the effects would save in reading weights faster than the memory delivers.

    Those are seconds that the layers do not take: what is fitted, and stays, is the sum of both.
    """
    parts = {part.name: part for part in costs.parts}
    weights, layers = parts.get("weights"), parts.get("layers")
    if weights is None or layers is None:
        return 0.0
    beyond = weights.seconds * max(0.0, 1.0 - held_factor(model, costs, weights))
    return min(beyond, layers.seconds * held_factor(model, costs, layers))


def _efficiency(name: str, model: CostModel, costs: Costs, part: Part, lent: float = 0.0) -> Term:
    """Return the share of the bandwidth that a part is read at, with the effects on the whole in it."""
    share = part.seconds / (part.seconds * held_factor(model, costs, part) + lent)
    return Term(name, share, "share", fitted(model, (*part.effects, *costs.overall)), Basis.DERIVED)


def _weights(
    case: RateCase, calibration: Calibration, costs: Costs, part: Part, _position: float
) -> tuple[str, list[Term]]:
    speed, shape = bandwidth(case.device), case.shape
    terms = [
        Term("read_bytes", shape.read_bytes, "bytes/token", f"{shape.name} {shape.quantization}", Basis.DERIVED),
        Term("bandwidth", speed.value * reading_devices(case), "bytes/s", speed.where, speed.basis),
        _efficiency("efficiency", calibration.decode, costs, part, _lent(calibration.decode, costs)),
    ]
    return "read_bytes / (bandwidth * efficiency)", terms


def _cache(
    case: RateCase, calibration: Calibration, costs: Costs, part: Part, position: float
) -> tuple[str, list[Term]]:
    where = said(
        "{kv_type} cache of {position:g} tokens before the answer's middle", kv_type=case.kv_type, position=position
    )
    terms = [
        Term("cache_bytes", cache_bytes(case.shape, position), "bytes/token", where, Basis.DERIVED),
        _efficiency("cache_efficiency", calibration.decode, costs, part),
    ]
    return "cache_bytes / (bandwidth * cache_efficiency)", terms


def _layers(
    case: RateCase, calibration: Calibration, costs: Costs, part: Part, _position: float
) -> tuple[str, list[Term]]:
    model = calibration.decode
    left = part.seconds * part_factor(model, part) - _lent(model, costs) / factor(model, costs.overall)
    cost = left / layer_count(case.shape)
    known = Basis.DERIVED if case.shape.layers else Basis.ASSUMED
    terms = [
        Term("layers", layer_count(case.shape), "layers", case.shape.name, known),
        Term("overhead", cost, "s/layer", fitted(calibration.decode, part.effects), Basis.DERIVED),
    ]
    return _as_a_whole("layers * overhead", costs), terms


def _link(
    case: RateCase, _calibration: Calibration, costs: Costs, part: Part, _position: float
) -> tuple[str, list[Term]]:
    where = said(
        "{link} between {devices} devices, {split} split",
        link=case.link.name if case.link else said("link"),
        devices=case.devices,
        split=case.split,
    )
    return _as_a_whole("link", costs), [Term("link", part.seconds, "s/token", where, Basis.ASSUMED)]


def _as_a_whole(piece: str, costs: Costs) -> str:
    """Return a summand with the factor of the whole, where there is one."""
    return f"overall * {piece}" if costs.overall else piece


_BUILDERS = {"weights": _weights, "cache": _cache, "layers": _layers, "link": _link}


def _ceiling(case: RateCase, position: float) -> float:
    """Return the one-pass roofline in tokens/s: nothing but reading, at the full bandwidth."""
    speed = bandwidth(case.device).value * reading_devices(case)
    return speed / (case.shape.read_bytes + cache_bytes(case.shape, position))


def decode_fit_of(case: RateCase, calibration: Calibration) -> DecodeFit:
    """Return c and d of c + d*depth seconds a token, from the same costs. Raises NoBandwidthError.

    Windows and states make the start a little cheaper than the line.
    """
    near, far = (_seconds(calibration, decode_costs(case, position)) for position in (_SHORT, _FAR))
    slope = max(0.0, (far - near) / (_FAR - _SHORT))
    return DecodeFit(near - slope * _SHORT, slope, None, Tokens(_FAR), 0, estimated_for(case), Basis.DERIVED)


def _seconds(calibration: Calibration, costs: Costs) -> float:
    return seconds(calibration.decode, costs)
