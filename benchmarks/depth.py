"""The two-point rule: two measurements at different depths give the rates deeper down. How well, on published series?

A series is one device, backend, engine, build, model and settings at several depths. Its shallowest point and a second
one (4 to 9K, 16K, 32K) are fitted as ``perf.prefill.fit_prefill`` and ``perf.decode.fit_decode`` do, and every point at
1.8 times the second's depth or more is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.runs import Run
from truelimit.perf.decode import DecodePoint, decode_seconds, fit_decode
from truelimit.perf.prefill import PrefillPoint, fit_prefill, prefill_seconds
from truelimit.units import Seconds, Tokens

BEYOND = 1.8
SECOND = {"4-9K": (3500, 9000), "16K": (14000, 18500), "32K": (30000, 36000)}
_NEAR = 1100  # tokens: where the first point must begin


@dataclass(frozen=True, slots=True)
class Extended:
    """One deeper point, predicted from two: relative error, and that of ignoring depth."""

    run: Run
    second: str
    error: float
    ignoring: float


def series_of(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Yield runs that differ in position alone, by rising position: one size at many depths, or many sizes at depth 0.

    Sizes are not mixed across depths: a short prompt fills its batch less, and that is no effect of depth.
    """
    groups: dict[object, dict[float, Run]] = {}
    for run in runs:
        case = run.case
        key = (run.kind, run.device, case.backend, run.engine, run.build, run.model, case.shape.quantization)
        key = (*key, case.flash_attention, case.kv_type, run.source)  # type: ignore[assignment]
        groups.setdefault((key, "one size", run.tokens), {})[run.position] = run
        if run.depth == 0:
            groups.setdefault((key, "from empty"), {})[run.position] = run
    for points in groups.values():
        if len(points) > 2:
            yield [points[position] for position in sorted(points)]


def extended(runs: Sequence[Run]) -> list[Extended]:
    """Return every deeper point of every series, predicted from its two points."""
    return [item for series in series_of(runs) for item in _of(series)]


def _of(series: Sequence[Run]) -> Iterator[Extended]:
    first = series[0]
    if first.depth > _NEAR:
        return
    for name, (low, high) in SECOND.items():
        second = next((run for run in series if low <= run.depth + run.tokens <= high), None)
        if second is None or second is first:
            continue
        for run in series:
            if run.position >= BEYOND * second.position:
                rate = predicted_rate(first, second, run)
                if rate is not None:
                    yield Extended(run, name, rate / run.rate - 1, first.rate / run.rate - 1)


def predicted_rate(first: Run, second: Run, run: Run) -> float | None:
    """Return the rate that two runs give for a deeper one, or None where they cannot tell."""
    if run.kind == "pp":
        fit = fit_prefill([_prefill(first), _prefill(second)])
        return run.tokens / prefill_seconds(fit, run.tokens, run.depth) if fit else None
    line = fit_decode([_decode(first), _decode(second)])
    return run.tokens / decode_seconds(line, run.tokens, run.depth) if line else None


def _prefill(run: Run) -> PrefillPoint:
    return PrefillPoint(Tokens(run.depth), Tokens(run.tokens), Seconds(run.tokens / run.rate), run.source)


def _decode(run: Run) -> DecodePoint:
    return DecodePoint(Tokens(run.depth), Tokens(run.tokens), Seconds(run.tokens / run.rate), run.source)
