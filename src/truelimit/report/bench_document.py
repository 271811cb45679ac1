"""A benchmark as blocks: what reading and writing cost, by depth; cache, cancel, load; what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.provenance import Basis
from truelimit.perf.decode import decode_rate
from truelimit.perf.prefill import prefill_seconds
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.numbers import duration, number

if TYPE_CHECKING:
    from truelimit.bench.behaviour import CacheBehaviour, CancelBehaviour
    from truelimit.bench.result import BenchResult, DepthRow
    from truelimit.domain.measurements import CostRanges, Measurement, Range
    from truelimit.domain.rates import DecodeFit, PrefillFit


def bench(item: BenchResult, kept: str | None = None) -> list[Block]:
    """Return the blocks of a run, or of a look ahead; ``kept`` says where the measurement was put."""
    blocks: list[Block] = [Paragraph(_sentence(item), "verdict"), Paragraph(_target(item))]
    if item.dry:
        return blocks + _plan(item)
    if item.rows:
        blocks.append(_rows(item.rows))
    blocks += costs(item.fits.prefill, item.fits.decode, item.fits.prefill_ranges, item.fits.decode_ranges)
    blocks.append(Items(tuple(_behaviour(item))))
    if item.notes:
        blocks += [Heading("Notes", 2), Items(item.notes)]
    spent = f"{number(item.tokens)} tokens in {duration(item.seconds)}"
    blocks.append(Paragraph(f"Took {spent}." + (f" Kept in {kept}." if kept else ""), "dim"))
    return blocks


def _sentence(item: BenchResult) -> str:
    name = item.target.model.name
    if item.dry:
        expected = f", about {duration(item.expected)}" if item.expected is not None else ""
        return f"{name}: {len(item.plan.steps)} requests, at most {number(item.plan.tokens)} tokens{expected}."
    read, write = item.fits.prefill, item.fits.decode
    if read is None and write is None:
        return f"{name}: nothing could be measured."
    parts = []
    if read is not None:
        parts.append(_reads(read))
    if write is not None:
        parts.append(_writes(write))
    left = " (stopped before the end)" if item.partial else ""
    return f"{name} {', '.join(parts)}{left}."


def _reads(fit: PrefillFit) -> str:
    """The mean rate over the deepest prompt measured, and where it grows slower that of its first tokens."""
    mean = fit.deepest / prefill_seconds(fit, fit.deepest)
    if fit.b <= 0 or fit.a <= 0:
        return f"reads {_rate(mean)} tokens/s"
    return f"reads {number(fit.deepest)} tokens at {_rate(mean)} tokens/s ({_rate(1 / fit.a)} at the start)"


def _writes(fit: DecodeFit) -> str:
    deep = decode_rate(fit, fit.deepest)
    if fit.d <= 0 or fit.c <= 0:
        return f"writes {_rate(deep)} tokens/s"
    return f"writes {_rate(1 / fit.c)} tokens/s at depth 0, {_rate(deep)} at {number(fit.deepest)}"


def _target(item: BenchResult) -> str:
    server, model = item.target.server, item.target.model
    version = f" {server.version}" if server.version else ""
    kinds = ", ".join(text for text in (model.architecture, model.quantization) if text)
    native = f" of {number(item.target.native_context)} trained" if item.target.native_context else ""
    context = f", {number(server.context)} tokens served{native}" if server.context else ", context not told"
    return f"{server.kind}{version} at {server.url}{f' ({kinds})' if kinds else ''}{context}."


def _plan(item: BenchResult) -> list[Block]:
    rows = tuple(
        (step.purpose.value, number(step.depth), number(step.answer), f"repeat {step.run}" if step.run else "")
        for step in item.plan.steps
    )
    blocks: list[Block] = [Rows(("request", "prompt tokens", "answer", ""), rows)]
    return blocks + ([Items(item.notes)] if item.notes else [])


def _rows(rows: tuple[DepthRow, ...]) -> Rows:
    head = ("depth", "requests", "to headers", "to first token", "server read", "read tokens/s", "written tokens/s")
    return Rows(head, tuple(_row(row) for row in rows), titled=True)


def _row(row: DepthRow) -> tuple[str, ...]:
    return (
        number(row.prompt_tokens),
        str(row.requests),
        _time(row.headers),
        _time(row.first_token),
        _time(row.prefill),
        _rate(row.read_rate) if row.read_rate else "-",
        _rate(row.decode_rate) if row.decode_rate else "-",
    )


def costs(
    read: PrefillFit | None, write: DecodeFit | None, read_ranges: CostRanges | None, write_ranges: CostRanges | None
) -> list[Block]:
    """Return the fits with their intervals."""
    lines = []
    if read is not None:
        lines += [
            f"reading n tokens takes A*n + B*n**2/2: A = {_cost(read.a, 's/token', read_ranges)}, "
            f"B = {_growth(read.b, 's/token^2', read_ranges)}; {_known(read)}",
        ]
    if write is not None:
        lines += [
            f"writing a token takes C + D*depth: C = {_cost(write.c, 's/token', write_ranges)}, "
            f"D = {_growth(write.d, 's/token per token', write_ranges)}; {_known(write)}",
        ]
    return [Heading("Costs, with intervals of 90 %", 2), Items(tuple(lines))] if lines else []


def _cost(value: float, unit: str, ranges: CostRanges | None) -> str:
    return f"{value:.4g} {unit}{_interval(ranges.base if ranges else None)}"


def _growth(value: float, unit: str, ranges: CostRanges | None) -> str:
    if ranges is not None and ranges.growth is None:
        return "not known (one depth only)"
    return f"{value:.4g} {unit}{_interval(ranges.growth if ranges else None)}"


def _interval(span: Range | None) -> str:
    return f" ({span.low:.4g} to {span.high:.4g})" if span else " (too few points for an interval)"


def _known(fit: PrefillFit | DecodeFit) -> str:
    error = "" if fit.error is None or fit.points <= 2 else f", worst error {fit.error:.1%}"
    return f"{fit.points} points up to {number(fit.deepest)} tokens{error}; beyond that extrapolated"


def _behaviour(item: BenchResult) -> list[str]:
    lines = []
    if item.client_timed:
        latency = duration(item.target.latency)
        lines.append(
            f"reading was timed at the client (time to first token less a latency of {latency}): an upper bound"
        )
    if item.full_context is not None:
        tokens, seconds, span = item.full_context
        beyond = item.fits.prefill is not None and tokens > item.fits.prefill.deepest
        within = f" ({span.low:,.0f} to {span.high:,.0f} s)" if span else ""
        extra = "; extrapolated" if beyond else ""
        lines.append(
            f"the whole served context of {number(tokens)} tokens is read in {duration(seconds)}{within}{extra}"
        )
    if item.load is not None:
        lines.append(f"loading took {duration(item.load.seconds)} ({item.load.where})")
    if item.cache is not None:
        lines.append(cache_words(item.cache))
    if item.cancel is not None:
        lines.append(cancel_words(item.cancel))
    return lines


def cache_words(item: CacheBehaviour) -> str:
    """Return in words what the prompt cache did."""
    changed = "" if item.changed_head is None else f"; with a new head at most {number(item.changed_head)}"
    if item.reused is None:
        return f"cache: the server does not tell what it took from it{changed}"
    about = "about " if item.reused.basis is Basis.DERIVED else ""
    derived = " (from the time)" if about else ""
    got = f"{about}{number(item.reused.value)} of {number(item.prompt)} tokens from the cache{derived}"
    return f"cache: the same prompt again took {got}{changed}"


def cancel_words(item: CancelBehaviour) -> str:
    """Return in words what became of a prompt whose client left."""
    text = f"cancel: left after {duration(item.after)} of a prompt of {number(item.prompt)} tokens; "
    if item.stopped is None:
        text += "whether the server stopped cannot be told"
    elif item.stopped:
        within = f" (seen idle within {duration(item.idle_within)})" if item.idle_within is not None else ""
        text += f"the server stopped{within}"
    else:
        small = " (it is shorter than a usual batch of 2,048, within which no server stops)"
        text += f"the server read on to the end{small if item.prompt <= 2048 else ''}"
    if item.kept is None:
        return text
    about = "about " if item.kept.basis is Basis.DERIVED else ""
    return f"{text}; {about}{number(item.kept.value)} tokens stayed in the cache for the next attempt"


def imported(items: tuple[Measurement, ...], new: int, notes: tuple[str, ...], kept: str) -> list[Block]:
    """Return the blocks of an import: each run with its fits, and what was left out."""
    blocks: list[Block] = [
        Paragraph(
            f"{len(items)} {'run' if len(items) == 1 else 'runs'} read, {new} of them new, kept in {kept}.", "verdict"
        )
    ]
    for item in items:
        chip = f" on {item.machine.chip}" if item.machine.chip else ""
        blocks.append(Heading(f"{item.model.name}{chip} ({item.tool})", 2))
        if item.settings:
            blocks.append(Paragraph(", ".join(item.settings), "dim"))
        blocks += costs(item.prefill, item.decode, item.prefill_ranges, item.decode_ranges)[1:]
        blocks += [Items(item.notes)] if item.notes else []
    return blocks + ([Heading("Notes", 2), Items(notes)] if notes else [])


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def _time(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} s" if value < 10 else duration(value)
