"""A benchmark as JSON of schema truelimit.bench/1: tokens, seconds, tokens/s."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from truelimit.report.as_json import dump

if TYPE_CHECKING:
    from truelimit.bench.behaviour import CacheBehaviour, CancelBehaviour
    from truelimit.bench.result import BenchResult
    from truelimit.domain.measurements import CostRanges, Measurement
    from truelimit.domain.provenance import Known
    from truelimit.domain.rates import DecodeFit, PrefillFit

BENCH = "truelimit.bench/1"
IMPORT = "truelimit.bench-import/1"


def bench(item: BenchResult) -> str:
    """Return a run as JSON text."""
    return dump(
        {
            "schema": BENCH,
            "dry_run": item.dry,
            "partial": item.partial,
            "failed": item.failed,
            "model": asdict(item.target.model),
            "server": asdict(item.target.server),
            "native_context": item.target.native_context,
            "plan": {
                "depths": list(item.plan.depths),
                "tokens": item.plan.tokens,
                "expected_seconds": item.expected,
                "requests": [
                    {"purpose": s.purpose.value, "prompt_tokens": s.depth, "answer_tokens": s.answer, "repeat": s.run}
                    for s in item.plan.steps
                ],
            },
            "depths": [asdict(row) for row in item.rows],
            **fits(item.fits.prefill, item.fits.decode, item.fits.prefill_ranges, item.fits.decode_ranges),
            "points": [asdict(point) for point in item.fits.points],
            "full_context": _full(item),
            "load": None if item.load is None else asdict(item.load),
            "cache": _cache(item.cache),
            "cancel": _cancel(item.cancel),
            "client_timed": item.client_timed,
            "seconds": item.seconds,
            "tokens": item.tokens,
            "measurement": item.measurement.id if item.measurement else None,
            "notes": list(item.notes),
        }
    )


def fits(
    read: PrefillFit | None, write: DecodeFit | None, read_ranges: CostRanges | None, write_ranges: CostRanges | None
) -> dict[str, object]:
    """Return the two fits with their intervals, in seconds per token and per token of depth."""
    return {
        "prefill": None if read is None else {**asdict(read), "intervals": _ranges(read_ranges, "a", "b")},
        "decode": None if write is None else {**asdict(write), "intervals": _ranges(write_ranges, "c", "d")},
    }


def imported(items: tuple[Measurement, ...], new: int, notes: tuple[str, ...]) -> str:
    """Return an import as JSON text."""
    runs = [
        {
            "id": item.id,
            "tool": item.tool,
            "taken": item.taken,
            "where": item.where,
            "model": asdict(item.model),
            "machine": asdict(item.machine),
            "server": asdict(item.server),
            "settings": list(item.settings),
            "points": [asdict(point) for point in item.points],
            **fits(item.prefill, item.decode, item.prefill_ranges, item.decode_ranges),
            "notes": list(item.notes),
        }
        for item in items
    ]
    return dump({"schema": IMPORT, "runs": runs, "new": new, "notes": list(notes)})


def _ranges(item: CostRanges | None, base: str, growth: str) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        base: asdict(item.base),
        growth: None if item.growth is None else asdict(item.growth),
        "confidence": item.confidence,
        "degrees_of_freedom": item.degrees,
    }


def _full(item: BenchResult) -> dict[str, object] | None:
    if item.full_context is None:
        return None
    tokens, seconds, span = item.full_context
    return {
        "tokens": tokens,
        "seconds": seconds,
        "low": span.low if span else None,
        "high": span.high if span else None,
    }


def _cache(item: CacheBehaviour | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "prompt_tokens": item.prompt,
        "reused_tokens": _known(item.reused),
        "changed_head_tokens": item.changed_head,
        "works": item.works,
    }


def _cancel(item: CancelBehaviour | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "prompt_tokens": item.prompt,
        "left_after_seconds": item.after,
        "stopped": item.stopped,
        "idle_within_seconds": item.idle_within,
        "kept_tokens": _known(item.kept),
    }


def _known(item: Known[int] | None) -> dict[str, object] | None:
    return None if item is None else {"value": item.value, "basis": item.basis.value}
