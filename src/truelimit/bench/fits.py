"""The two fits of a run with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.bench.intervals import cost_ranges, range_at
from truelimit.domain.frozen import dataclass
from truelimit.domain.measurements import CostRanges, MeasuredPoint, PointKind, Range
from truelimit.perf.decode import DecodePoint, fit_decode
from truelimit.perf.least_squares import Row, spread
from truelimit.perf.prefill import PrefillPoint, fit_prefill, tells_depth

if TYPE_CHECKING:
    from truelimit.domain.rates import DecodeFit, PrefillFit

_TELLS_DEPTH = 2.0  # as in perf.decode: depths must differ by this factor


@dataclass(frozen=True, slots=True)
class Fits:
    """A, B (prefill) and C, D (decode), each with its intervals where the points can tell them."""

    prefill: PrefillFit | None
    decode: DecodeFit | None
    prefill_ranges: CostRanges | None
    decode_ranges: CostRanges | None
    points: tuple[MeasuredPoint, ...] = ()


def fits_of(prefill: Sequence[PrefillPoint], decode: Sequence[DecodePoint]) -> Fits:
    """Return the fits over the points of a run; None where there are no points."""
    read, write = fit_prefill(prefill), fit_decode(decode)
    return Fits(
        read,
        write,
        cost_ranges(_prefill_rows(prefill), read.a, read.b) if read else None,
        cost_ranges(_decode_rows(decode), write.c, write.d) if write else None,
        measured(prefill, decode),
    )


def measured(prefill: Sequence[PrefillPoint], decode: Sequence[DecodePoint]) -> tuple[MeasuredPoint, ...]:
    """Return the points as they are kept."""
    read = [MeasuredPoint(PointKind.PREFILL, p.from_depth, p.tokens, p.seconds, i) for i, p in enumerate(prefill)]
    write = [MeasuredPoint(PointKind.DECODE, p.depth, p.tokens, p.seconds, i) for i, p in enumerate(decode)]
    return (*read, *write)


def split(points: Sequence[MeasuredPoint], where: str) -> tuple[list[PrefillPoint], list[DecodePoint]]:
    """Return kept points as points for the fits."""
    read = [PrefillPoint(p.depth, p.tokens, p.seconds, where) for p in points if p.kind is PointKind.PREFILL]
    write = [DecodePoint(p.depth, p.tokens, p.seconds, where) for p in points if p.kind is PointKind.DECODE]
    return read, write


def prefill_range(points: Sequence[PrefillPoint], fit: PrefillFit, tokens: int) -> Range | None:
    """Return the interval of the time to read so many tokens from an empty cache, or None with too few points."""
    n = float(tokens)
    return range_at(_prefill_rows(points), fit.a, fit.b, n, n * n / 2)


def _prefill_rows(points: Sequence[PrefillPoint]) -> list[Row]:
    """Rows as the fit saw them: points at one depth tell nothing of growth."""
    one_depth = not tells_depth(points)
    return [
        (float(p.tokens), 0.0 if one_depth else float(p.tokens) * (p.from_depth + p.tokens / 2), float(p.seconds))
        for p in points
    ]


def _decode_rows(points: Sequence[DecodePoint]) -> list[Row]:
    one_depth = spread([p.depth + p.tokens / 2 for p in points]) < _TELLS_DEPTH
    return [(1.0, 0.0 if one_depth else p.depth + p.tokens / 2, p.seconds / p.tokens) for p in points]
