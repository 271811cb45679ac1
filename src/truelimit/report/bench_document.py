"""A benchmark as blocks: what reading and writing cost, by depth; cache, cancel, load; what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import figure, joined, rate, said
from truelimit.perf.decode import decode_rate
from truelimit.perf.prefill import prefill_seconds
from truelimit.report.bench_words import cache_words, cancel_words
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.numbers import duration, number

if TYPE_CHECKING:
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
        blocks += [Heading(said("Notes"), 2), Items(item.notes)]
    spent = said("{tokens} tokens in {seconds}", tokens=number(item.tokens), seconds=duration(item.seconds))
    took = said("Took {spent}.", spent=spent)
    blocks.append(Paragraph(took + said(" Kept in {kept}.", kept=kept) if kept else took, "dim"))
    return blocks


def _sentence(item: BenchResult) -> str:
    name = item.target.model.name
    if item.dry:
        expected = said(", about {expected}", expected=duration(item.expected)) if item.expected is not None else ""
        return said(
            "{name}: {steps} requests, at most {tokens} tokens{expected}.",
            name=name,
            steps=len(item.plan.steps),
            tokens=number(item.plan.tokens),
            expected=expected,
        )
    read, write = item.fits.prefill, item.fits.decode
    if read is None and write is None:
        return said("{name}: nothing could be measured.", name=name)
    parts = []
    if read is not None:
        parts.append(_reads(read))
    if write is not None:
        parts.append(_writes(write))
    left = said(" (stopped before the end)") if item.partial else ""
    return said("{name} {parts}{left}.", name=name, parts=joined(", ", parts), left=left)


def _reads(fit: PrefillFit) -> str:
    """The mean rate over the deepest prompt measured, and where it grows slower that of its first tokens."""
    mean = fit.deepest / prefill_seconds(fit, fit.deepest)
    if fit.b <= 0 or fit.a <= 0:
        return said("reads {mean} tokens/s", mean=_rate(mean))
    return said(
        "reads {deepest} tokens at {mean} tokens/s ({rate} at the start)",
        deepest=number(fit.deepest),
        mean=_rate(mean),
        rate=_rate(1 / fit.a),
    )


def _writes(fit: DecodeFit) -> str:
    deep = decode_rate(fit, fit.deepest)
    if fit.d <= 0 or fit.c <= 0:
        return said("writes {deep} tokens/s", deep=_rate(deep))
    return said(
        "writes {rate} tokens/s at depth 0, {deep} at {deepest}",
        rate=_rate(1 / fit.c),
        deep=_rate(deep),
        deepest=number(fit.deepest),
    )


def _target(item: BenchResult) -> str:
    server, model = item.target.server, item.target.model
    version = f" {server.version}" if server.version else ""
    kinds = ", ".join(text for text in (model.architecture, model.quantization) if text)
    native = (
        said(" of {native_context} trained", native_context=number(item.target.native_context))
        if item.target.native_context
        else ""
    )
    context = (
        said(", {context} tokens served{native}", context=number(server.context), native=native)
        if server.context
        else said(", context not told")
    )
    return said(
        "{kind}{version} at {url}{text}{context}.",
        kind=server.kind,
        version=version,
        url=server.url,
        text=said(" ({kinds})", kinds=kinds) if kinds else "",
        context=context,
    )


def _plan(item: BenchResult) -> list[Block]:
    rows = tuple(
        (
            step.purpose.value,
            number(step.depth),
            number(step.answer),
            said("repeat {run}", run=step.run) if step.run else "",
        )
        for step in item.plan.steps
    )
    blocks: list[Block] = [Rows(("request", said("prompt tokens"), "answer", ""), rows)]
    return blocks + ([Items(item.notes)] if item.notes else [])


def _rows(rows: tuple[DepthRow, ...]) -> Rows:
    head = (
        "depth",
        "requests",
        said("to headers"),
        said("to first token"),
        said("server read"),
        said("read tokens/s"),
        said("written tokens/s"),
    )
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
    lines: list[str] = []
    if read is not None:
        lines += [
            said(
                "reading n tokens takes A*n + B*n**2/2: A = {a}, B = {b}; {read}",
                a=_cost(read.a, "s/token", read_ranges),
                b=_growth(read.b, "s/token^2", read_ranges),
                read=_known(read),
            ),
        ]
    if write is not None:
        lines += [
            said(
                "writing a token takes C + D*depth: C = {c}, D = {d}; {write}",
                c=_cost(write.c, "s/token", write_ranges),
                d=_growth(write.d, "s/token per token", write_ranges),
                write=_known(write),
            ),
        ]
    return [Heading(said("Costs, with intervals of 90 %"), 2), Items(tuple(lines))] if lines else []


def _cost(value: float, unit: str, ranges: CostRanges | None) -> str:
    return said("{value:.4g} {unit}{base}", value=value, unit=unit, base=_interval(ranges.base if ranges else None))


def _growth(value: float, unit: str, ranges: CostRanges | None) -> str:
    if ranges is not None and ranges.growth is None:
        return said("not known (one depth only)")
    return said(
        "{value:.4g} {unit}{growth}", value=value, unit=unit, growth=_interval(ranges.growth if ranges else None)
    )


def _interval(span: Range | None) -> str:
    return (
        said(" ({low:.4g} to {high:.4g})", low=span.low, high=span.high)
        if span
        else said(" (too few points for an interval)")
    )


def _known(fit: PrefillFit | DecodeFit) -> str:
    error = "" if fit.error is None or fit.points <= 2 else said(", worst error {error:.1%}", error=fit.error)
    return said(
        "{points} points up to {deepest} tokens{error}; beyond that extrapolated",
        points=fit.points,
        deepest=number(fit.deepest),
        error=error,
    )


def _behaviour(item: BenchResult) -> list[str]:
    lines: list[str] = []
    if item.client_timed:
        latency = duration(item.target.latency)
        lines.append(
            said(
                "reading was timed at the client (time to first token less a latency of {latency}): an upper bound",
                latency=latency,
            )
        )
    if item.full_context is not None:
        tokens, seconds, span = item.full_context
        beyond = item.fits.prefill is not None and tokens > item.fits.prefill.deepest
        within = said(" ({low:,.0f} to {high:,.0f} s)", low=span.low, high=span.high) if span else ""
        extra = said("; extrapolated") if beyond else ""
        lines.append(
            said(
                "the whole served context of {tokens} tokens is read in {seconds}{within}{extra}",
                tokens=number(tokens),
                seconds=duration(seconds),
                within=within,
                extra=extra,
            )
        )
    if item.load is not None:
        lines.append(
            said("loading took {seconds} ({where})", seconds=duration(item.load.seconds), where=item.load.where)
        )
    if item.cache is not None:
        lines.append(cache_words(item.cache))
    if item.cancel is not None:
        lines.append(cancel_words(item.cancel))
    return lines


def imported(items: tuple[Measurement, ...], new: int, notes: tuple[str, ...], kept: str) -> list[Block]:
    """Return the blocks of an import: each run with its fits, and what was left out."""
    blocks: list[Block] = [
        Paragraph(
            said(
                "{items} {text} read, {new} of them new, kept in {kept}.",
                items=len(items),
                text="run" if len(items) == 1 else "runs",
                new=new,
                kept=kept,
            ),
            "verdict",
        )
    ]
    for item in items:
        chip = said(" on {chip}", chip=item.machine.chip) if item.machine.chip else ""
        blocks.append(Heading(f"{item.model.name}{chip} ({item.tool})", 2))
        if item.settings:
            blocks.append(Paragraph(", ".join(item.settings), "dim"))
        blocks += costs(item.prefill, item.decode, item.prefill_ranges, item.decode_ranges)[1:]
        blocks += [Items(item.notes)] if item.notes else []
    return blocks + ([Heading("Notes", 2), Items(notes)] if notes else [])


def _rate(value: float) -> str:
    return figure(value, ",.0f") if value >= 100 else rate(value)


def _time(value: float | None) -> str:
    if value is None:
        return "-"
    return said("{value:.2f} s", value=value) if value < 10 else duration(value)
