"""The result of a run, and the measurement that is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from truelimit.bench.nouns import Load, Observation, Purpose, Reply, Target
from truelimit.bench.points import decode_points_of, is_fresh
from truelimit.domain.frozen import dataclass
from truelimit.domain.measurements import MeasuredMachine, Measurement, Range
from truelimit.domain.message import said
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.bench.behaviour import CacheBehaviour, CancelBehaviour
    from truelimit.bench.fits import Fits
    from truelimit.bench.plan import BenchPlan

_UNSTEADY = 1.3  # fastest over slowest repeat


@dataclass(frozen=True, slots=True)
class DepthRow:
    """Medians over the repeats at one depth; times in seconds, rates in tokens/s.

    ``prefill`` and ``read_rate`` leave out prompts that a cache knew; the rate is the client's where only it timed.
    """

    depth: Tokens
    requests: int
    prompt_tokens: Tokens
    headers: Seconds | None
    first_token: Seconds | None
    prefill: Seconds | None
    read_rate: float | None
    decode_rate: float | None


@dataclass(frozen=True, slots=True)
class BenchResult:
    """All of one run. ``full_context`` is the time to read the whole served context, with its interval.

    ``interrupted``: the user stopped it; ``failed``: the words of the error that ended it. Either makes it partial.
    ``seconds`` and ``tokens`` are what the run took.
    """

    target: Target
    plan: BenchPlan
    rows: tuple[DepthRow, ...]
    fits: Fits
    load: Load | None
    cache: CacheBehaviour | None
    cancel: CancelBehaviour | None
    notes: tuple[str, ...]
    seconds: Seconds
    tokens: Tokens
    full_context: tuple[Tokens, Seconds, Range | None] | None = None
    client_timed: bool = False
    interrupted: bool = False
    failed: str | None = None
    dry: bool = False
    expected: Seconds | None = None
    measurement: Measurement | None = None

    @property
    def partial(self) -> bool:
        """Whether the run ended before its plan."""
        return self.interrupted or self.failed is not None


def rows_of(seen: Sequence[Observation]) -> tuple[DepthRow, ...]:
    """Return the medians by depth, shallow first."""
    measuring = [item for item in seen if item.purpose is Purpose.MEASURE and not item.reply.cancelled]
    depths = sorted({item.depth for item in measuring if item.reply.overflow is None})
    return tuple(_row(depth, [item for item in measuring if item.depth == depth]) for depth in depths)


def unsteady(seen: Sequence[Observation]) -> tuple[str, ...]:
    """Return in words how far repeats at one depth lie apart, where that is more than a calm machine shows."""
    worst = 1.0
    for depth in {item.depth for item in seen}:
        rates = [
            rate
            for item in seen
            if item.depth == depth and item.purpose is Purpose.MEASURE and is_fresh(item.reply)
            if (rate := _read_rate(item.reply)) is not None
        ]
        worst = max(worst, max(rates) / min(rates)) if rates else worst
    if worst < _UNSTEADY:
        return ()
    return (
        said(
            "repeats at one depth differ by a factor of {worst:.1f}: other work ran beside this; "
            "run it again when idle",
            worst=worst,
        ),
    )


def _row(depth: Tokens, items: Sequence[Observation]) -> DepthRow:
    replies = [item.reply for item in items if item.reply.overflow is None]
    rates = [point.tokens / point.seconds for reply in replies for point in decode_points_of(reply)]
    prompt = _median(r.prompt_tokens for r in replies)
    return DepthRow(
        depth,
        len(replies),
        Tokens(round(prompt or 0)),
        _seconds(r.headers_seconds for r in replies),
        _seconds(r.first_token_seconds for r in replies),
        _seconds(r.prefill_seconds for r in replies if is_fresh(r)),
        _median(_read_rate(r) for r in replies if is_fresh(r)),
        median(rates) if rates else None,
    )


def _read_rate(reply: Reply) -> float | None:
    seconds = reply.prefill_seconds or reply.first_token_seconds
    tokens = (reply.prompt_tokens or 0) - (reply.cached_tokens or 0)
    return tokens / seconds if seconds and tokens > 0 else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return median(known) if known else None


def _seconds(values: Iterable[float | None]) -> Seconds | None:
    middle = _median(values)
    return None if middle is None else Seconds(middle)


def measurement_of(result: BenchResult, fits: Fits, machine: MeasuredMachine, taken: str, identity: str) -> Measurement:
    """Return what is kept of a run; ``fits`` are those of the points that passed the screening."""
    target = result.target
    return Measurement(
        id=identity,
        taken=taken,
        where=target.server.url or target.server.kind,
        tool="truelimit bench",
        model=target.model,
        machine=machine,
        server=target.server,
        points=fits.points,
        prefill=fits.prefill,
        decode=fits.decode,
        prefill_ranges=fits.prefill_ranges,
        decode_ranges=fits.decode_ranges,
        partial=result.partial,
        notes=result.notes,
    )
