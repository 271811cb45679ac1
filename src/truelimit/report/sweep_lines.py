"""A sweep as CSV, JSON or a table: written series by series, so that a million points need no memory of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import repeat
from typing import TYPE_CHECKING

from truelimit.domain.message import rate, said
from truelimit.report.blocks import Block, Items, Paragraph, Rows
from truelimit.report.numbers import duration, number, size

if TYPE_CHECKING:
    from truelimit.app.sweep import Series

SWEEP = "truelimit.sweep/1"
MOST_ROWS = 200
_KEPT = 4  # lists of cells
_BEYOND = "*"
_NUMBERS = (
    "context", "total_bytes", "headroom_bytes", "fits", "decode_tokens_per_s", "decode_low", "decode_high",
    "prefill_seconds", "prefill_low", "prefill_high",
)  # fmt: skip
_NAMES = (
    "model",
    "machine",
    "quant",
    "kv_type",
    "slots",
    "decode_basis",
    "prefill_basis",
    "error",
    "beyond_native_context",
)
COLUMNS = (*_NAMES[:5], *_NUMBERS, *_NAMES[5:])


def as_csv(found: Iterable[Series]) -> Iterator[str]:
    """Yield CSV text: the head, then the rows of each series. Rates are at full depth, their ends at 90 %."""
    yield ",".join(COLUMNS) + "\r\n"
    kept: list[tuple[object, list[str]]] = []
    for series in found:
        before = _cells(series.model, series.machine, series.quant, series.kv_type, str(series.slots))
        after = _cells(series.decode_basis, series.seconds_basis, series.error)
        if series.error:
            empty = "," * (len(_NUMBERS) + 1)
            yield "".join(f"{before},{context}{empty[1:]}{after},\r\n" for context in series.contexts)
        else:
            rows = zip(_numbers(series, kept), _beyond(series), strict=False)
            yield "".join([f"{before},{row},{after},{beyond}\r\n" for row, beyond in rows])


def _cells(*texts: str) -> str:
    """Texts as CSV cells; one that a spreadsheet would run as a formula is kept a text."""
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(
        [f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text for text in texts]
    )
    return out.getvalue()


def _numbers(series: Series, kept: list[tuple[object, list[str]]]) -> Iterator[str]:
    """The numbers of each row, in the order of their columns; empty where nothing is known."""
    fits = map(_fit, series.headroom) if series.headroom is not None else repeat("")
    left = series.headroom if series.headroom is not None else repeat("")
    decode = _intervals(series.decode, series.decode_width, kept, series.decode_high)
    seconds = _intervals(series.seconds, series.seconds_width, kept)
    rows = zip(series.contexts, series.total, left, fits, decode, seconds, strict=False)
    return (f"{n},{total},{room},{fit},{rate},{wait}" for n, total, room, fit, rate, wait in rows)


def _beyond(series: Series) -> Iterator[str]:
    """Whether each context is more than the model was trained for; empty where that is not known."""
    native = series.native
    if native is None:
        return repeat("")
    return ("true" if context > native else "false" for context in series.contexts)


def _fit(left: int) -> str:
    return "true" if left >= 0 else "false"


def _intervals(
    values: Sequence[float] | None,
    widths: Sequence[float] | None,
    kept: list[tuple[object, list[str]]],
    highs: Sequence[float] | None = None,
) -> Iterable[str]:
    """Value and ends as three cells. Series that differ in slots alone share their rates: written once (``kept``)."""
    if values is None or widths is None:
        return repeat(",,")
    same = next((cells for of, cells in kept if of is values), None)
    if same is not None:
        return same
    ends = highs if highs is not None else [x * (1 + h) for x, h in zip(values, widths, strict=True)]
    cells = [f"{x:.6g},{x / (1 + h):.6g},{y:.6g}" for x, h, y in zip(values, widths, ends, strict=True)]
    kept.append((values, cells))
    del kept[:-_KEPT]
    return cells


def as_json(found: Iterable[Series]) -> Iterator[str]:
    """Yield one JSON document, row by row; a number that is not known is null."""
    yield f'{{"schema": "{SWEEP}", "rows": [\n'
    comma = ""
    for series in found:
        for row in _rows(series):
            yield comma + json.dumps(row, allow_nan=False)
            comma = ",\n"
    yield "\n]}\n"


def _rows(series: Series) -> Iterator[dict[str, object]]:
    for index, context in enumerate(series.contexts):
        yield {
            "model": series.model,
            "machine": series.machine,
            "quant": series.quant,
            "kv_type": series.kv_type,
            "slots": series.slots,
            "context": context,
            "total_bytes": series.total[index] if series.total else None,
            "headroom_bytes": series.headroom[index] if series.headroom is not None else None,
            "fits": series.headroom[index] >= 0 if series.headroom is not None else None,
            "decode": _value(series.decode, series.decode_width, index, series.decode_basis, series.decode_high),
            "prefill_seconds": _value(series.seconds, series.seconds_width, index, series.seconds_basis),
            "error": series.error or None,
            "beyond_native_context": None if series.native is None else context > series.native,
        }


def _value(
    values: Sequence[float] | None,
    widths: Sequence[float] | None,
    index: int,
    basis: str,
    highs: Sequence[float] | None = None,
) -> dict[str, object] | None:
    if values is None or widths is None:
        return None
    value, width = values[index], 1 + widths[index]
    high = value * width if highs is None else highs[index]
    return {"value": value, "low": value / width, "high": high, "basis": basis}


def as_blocks(found: Iterable[Series], points: int) -> list[Block]:
    """Return a table of all points where they are few, else one row a combination: its ends, and what fits."""
    every = list(found)
    errors = [said("{plan}: {error}", plan=_label(item, slots=False), error=item.error) for item in every if item.error]
    good = [item for item in every if not item.error]
    ends = (said("in all"), said("writes at full depth"), said("reads it in"))
    head: tuple[str, ...]
    if points <= MOST_ROWS:
        rows = tuple(row for item in good for row in _table(item))
        head = (said("plan"), said("context"), ends[0], said("left"), said("fits"), *ends[1:])
    else:
        rows = tuple(_summary(item) for item in good)
        head = (said("plan"), said("largest that fits"), said("contexts"), *ends)
    blocks: list[Block] = [Rows(head, rows, titled=True)] if rows else []
    if points > MOST_ROWS:
        blocks.insert(
            0, Paragraph(said("{points:,} plans, one row a combination; --csv or --json has them all.", points=points))
        )
    notes = [*_trained(good, marked=points <= MOST_ROWS), *errors]
    return [*blocks, *([Items(tuple(notes))] if notes else [])]


def _trained(found: Sequence[Series], *, marked: bool) -> Iterator[str]:
    """What the model was trained for, where some contexts are beyond it; those of a table are ``marked``."""
    native = next((item.native for item in found if item.native and max(item.contexts) > item.native), None)
    if native is None:
        return
    if marked:
        yield said("{mark} beyond what it was trained for: {native:,} tokens; it needs rope scaling", mark=_BEYOND,
                   native=native)  # fmt: skip
    else:
        yield said("contexts above {native:,} tokens are beyond what it was trained for: it needs rope scaling there",
                   native=native)  # fmt: skip


def _label(item: Series, *, slots: bool = True) -> str:
    name = f"{item.machine}, {item.quant}, {item.kv_type}"
    return said("{name}, {slots} slots", name=name, slots=item.slots) if slots and item.slots > 1 else name


def _table(item: Series) -> Iterator[tuple[str, ...]]:
    for index, context in enumerate(item.contexts):
        yield (
            _label(item),
            number(context) + (f" {_BEYOND}" if item.native is not None and context > item.native else ""),
            size(item.total[index]),
            size(item.headroom[index]) if item.headroom is not None else said("not known"),
            _fits(item, index),
            said("{rate} tokens/s", rate=rate(item.decode[index])) if item.decode is not None else said("not known"),
            duration(item.seconds[index]) if item.seconds is not None else said("not known"),
        )


def _fits(item: Series, index: int) -> str:
    if item.headroom is None:
        return said("not known")
    return said("yes") if item.headroom[index] >= 0 else said("no")


def _span(ends: Iterable[str]) -> str:
    first, last = ends
    return said("{first} to {last}", first=first, last=last)


def _summary(item: Series) -> tuple[str, ...]:
    pairs = zip(item.contexts, item.headroom or (), strict=False)
    fitting = max((context for context, left in pairs if left >= 0), default=None)
    ends = (0, -1)
    return (
        _label(item),
        said("not known") if item.headroom is None else number(fitting) if fitting else said("none"),
        said("{contexts} to {contexts2}", contexts=number(item.contexts[0]), contexts2=number(item.contexts[-1])),
        _span(size(item.total[index]) for index in ends),
        said("{rates} tokens/s", rates=_span(rate(item.decode[index]) for index in ends))
        if item.decode
        else said("not known"),
        _span(duration(item.seconds[index]) for index in ends) if item.seconds else said("not known"),
    )
