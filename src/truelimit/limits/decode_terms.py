"""The rate of writing in terms that anyone can redo: bytes read over bandwidth times efficiency, and what is beside it.

The seconds of a token are those of ``rates_at``, whatever they rest on; here they are only told apart. Where a rate was
measured or published, its efficiency is what the measurement leaves, with all that each layer starts in it. Where it is
estimated, the calibration says what of it is reading and what is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.estimates import Tier
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, worst
from truelimit.limits.rate_case import rate_case
from truelimit.limits.rates_at import written
from truelimit.limits.rates_estimated import _cases, _parts_of
from truelimit.perf.decode import window_fill
from truelimit.perf.rates.decode_parts import cache_bytes
from truelimit.perf.rates.device import bandwidth
from truelimit.perf.rates.split import reading_devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truelimit.domain.estimates import RateCase
    from truelimit.domain.facts import Estimator, Stack
    from truelimit.domain.rates import DecodeFit
    from truelimit.limits.paces import Writing
    from truelimit.perf.placement import Placement

_MEASURED = {Tier.THIS_STACK, Tier.PUBLISHED}


@dataclass(frozen=True, slots=True)
class _Seconds:
    """What one memory takes of the seconds of a token: reading weights, reading the cache, all else; and the source."""

    weights: float
    cache: float
    rest: float
    where: str


def decode_terms(stack: Stack, found: Writing, placed: Placement | None, depth: int) -> Calculation:
    """Return the rate of ``written`` at a depth, in tokens/s, as bytes over bandwidth for each memory that is read.

    ``placed`` is how the model lies over several memories. Where bandwidth or shape is not known, the calculation is
    that of the fit: c + d * depth.
    """
    told = written(found, depth).calculation
    cases = _of(stack, placed)
    seconds = _seconds(stack, found, cases, depth)
    if seconds is None:
        return told
    pieces, terms = [], []
    for index, (case, spent) in enumerate(zip(cases, seconds, strict=True)):
        more, named = _summands(case, spent, found, depth, f"_{index + 1}" if len(cases) > 1 else "")
        pieces += more
        terms += named
    formula = f"1 / ({' + '.join(pieces)})"
    made = calculate(formula, "tokens/s", *terms)
    limit = next((item for item in told.terms if item.name == "roofline"), None)
    return made if limit is None else calculate(f"min(roofline, {formula})", "tokens/s", *terms, limit)


def _of(stack: Stack, placed: Placement | None) -> Sequence[RateCase]:
    """The case of each memory that is read in turn; empty where the model's shape or a bandwidth is not known."""
    whole = rate_case(stack)
    if whole is None:
        return ()
    parts = _parts_of(stack, placed)
    cases = [whole] if parts is None else _cases(stack, whole, parts)
    return cases if all(case.device.bandwidth and case.shape.read_bytes > 0 for case in cases) else ()


def _seconds(stack: Stack, found: Writing, cases: Sequence[RateCase], depth: int) -> list[_Seconds] | None:
    """The seconds of each part; their sum is that of the fit at the depth. None where nothing tells them apart."""
    fit = found.fit
    cache = _cache_seconds(fit, depth)
    if not cases or (cache and not _cache_bytes(cases, depth)):
        return None
    if len(cases) == 1 and (found.tier in _MEASURED or stack.estimator is None):
        where = said("what is left of it, {where}; what each layer starts is in it", where=fit.where)
        return [_Seconds(fit.c, cache, 0.0, where)]
    if stack.estimator is None:
        return None
    told = [_estimated(stack.estimator, case, depth) for case in cases]
    base, grown = sum(item.weights + item.rest for item in told), sum(item.cache for item in told)
    first, then = fit.c / base, cache / grown if grown else 0.0
    own = [fit.where] if len(told) == 1 else [item.where for item in told]
    return [
        _divided(_Seconds(item.weights * first, item.cache * then, item.rest * first, where), case)
        for item, where, case in zip(told, own, cases, strict=True)
    ]


def _divided(spent: _Seconds, case: RateCase) -> _Seconds:
    """What a correction by a ratio leaves: reading takes no less than the memory needs for it, the rest is overhead."""
    least = case.shape.read_bytes / (bandwidth(case.device).value * reading_devices(case))
    weights = min(max(spent.weights, least), spent.weights + spent.rest)
    return replace(spent, weights=weights, rest=spent.rest - (weights - spent.weights))


def _estimated(estimator: Estimator, case: RateCase, depth: int) -> _Seconds:
    """How the estimate divides the seconds of a token."""
    fit, terms = estimator.decode_fit(case), estimator.decode(case, 0, 1).calculation.terms
    values = {item.name: float(item.value) for item in terms}
    reading = values["read_bytes"] / (values["bandwidth"] * values["efficiency"])
    return _Seconds(min(reading, fit.c), _cache_seconds(fit, depth), max(0.0, fit.c - reading), fit.where)


def _cache_seconds(fit: DecodeFit, depth: int) -> float:
    return fit.d * depth + (fit.window * window_fill(fit, depth) if fit.window else 0.0)


def _cache_bytes(cases: Sequence[RateCase], depth: int) -> float:
    return sum(cache_bytes(case.shape, depth) for case in cases)


def _summands(case: RateCase, spent: _Seconds, found: Writing, depth: int, suffix: str) -> tuple[list[str], list[Term]]:
    """The seconds of one memory as summands, and their terms."""
    known = case.device.bandwidth
    if known is None:
        raise ValueError(said("{device}: its memory bandwidth is not known", device=case.device.name))
    count, basis = reading_devices(case), worst((found.fit.basis, Basis.DERIVED))
    speed = known.value * count
    where = known.where if count == 1 else said("{count} devices at once, each {where}", count=count, where=known.where)
    terms, pieces = [Term(f"bandwidth{suffix}", speed, "bytes/s", where, known.basis)], []
    for name, size, seconds, source in (
        ("weights", case.shape.read_bytes, spent.weights, _weights_source(case)),
        ("cache", _cache_bytes((case,), depth), spent.cache, _cache_source(case, depth)),
    ):
        if size > 0 and seconds > 0:
            read, share = f"{name}_read{suffix}", f"{name}_efficiency{suffix}"
            terms.append(Term(read, size, "bytes/token", source, Basis.DERIVED))
            terms.append(Term(share, size / (speed * seconds), "share", spent.where, basis))
            pieces.append(f"{read} / (bandwidth{suffix} * {share})")
    if spent.rest > 0:
        terms.append(Term(f"overhead{suffix}", spent.rest, "s/token", _overhead(case), basis))
        pieces.append(f"overhead{suffix}")
    return pieces, terms


def _weights_source(case: RateCase) -> str:
    shape = case.shape
    return said("{model} {quantization}: what a token reads of it", model=shape.name, quantization=shape.quantization)


def _cache_source(case: RateCase, depth: int) -> str:
    return said("{kv_type} cache of {depth:,} tokens", kv_type=case.kv_type, depth=depth)


def _overhead(case: RateCase) -> str:
    if case.devices > 1:
        return said("what each of {layers} layers starts, and {devices} devices exchange",
                    layers=case.shape.layers or 0, devices=case.devices)  # fmt: skip
    return said("what each of {layers} layers starts", layers=case.shape.layers or 0)
