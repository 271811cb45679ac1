"""Memory as a stack: what weights, caches and buffers take, against the memory that must hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.limits.words import rung_words
from truelimit.report.language import Language
from truelimit.report.language_numbers import size
from truelimit.report.plots.axes import Axis
from truelimit.report.plots.figure import WIDTH, Figure, legend, numbered
from truelimit.report.plots.letters import cut, width_of
from truelimit.report.plots.svg import SMALL, Drawing
from truelimit.units import GIB, to_gib

_LEFT, _RIGHT = 14.0, 14.0
_ROW, _BAR = 74.0, 30.0
_TOP = 4.0
# Names of parts as the ladder of memory has them; the parts of a calculation are named after these.
_COLOURS = {
    "weights": "c1", "kv-cache": "c2", "state": "c4", "compute-buffer": "c5", "prompt-cache": "c6", "os-share": "c7",
}  # fmt: skip
_REST = "c8"


@dataclass(frozen=True, slots=True)
class Stacked:
    """One bar: what it is, its parts by name with their bytes, the memory that must hold them (None: not known)."""

    label: str
    parts: tuple[tuple[str, int], ...]
    pool: int | None

    @property
    def total(self) -> int:
        """The bytes of all parts."""
        return sum(size for _, size in self.parts)


def memory_stack(say: Language, bars: Sequence[Stacked], model: str, name: str) -> Figure | None:
    """Return the figure of stacked memory against the memory there is; None without a bar."""
    known = [bar for bar in bars if bar.total > 0]
    if not known:
        return None
    most = max(max(bar.total, bar.pool or 0) for bar in known)
    axis = Axis(0, to_gib(round(most * 1.04)), _LEFT, WIDTH - _RIGHT)
    drawing = Drawing(WIDTH, 0)
    floor = _TOP + _ROW * len(known)
    _grid(say, drawing, axis, floor)
    for row, bar in enumerate(known):
        _bar(say, drawing, axis, bar, _TOP + _ROW * row)
    names = dict.fromkeys(part for bar in known for part, _ in bar.parts)
    entries = [(f"fill-{_COLOURS.get(part, _REST)}", say.word(rung_words(part))) for part in names]
    drawing.height = legend(drawing, entries, 4, floor + 46, WIDTH)
    title = say.gettext("Memory of {model}: what takes it, and what there is", model=model)
    return Figure(name, title, "; ".join(_told(say, bar) for bar in known), drawing)


def _grid(say: Language, drawing: Drawing, axis: Axis, floor: float) -> None:
    ticks, digits = axis.ticks(6), 1 if 0 < axis.high < 4 else 0
    for value in ticks:
        drawing.line(axis.at(value), _TOP, axis.at(value), floor, "grid")
    numbered(drawing, [(axis.at(value), say.decimal(value, digits)) for value in ticks], floor + 16)
    drawing.text(axis.end, floor + 33, say.gettext("memory in GiB"), part="faint", anchor="end", size=SMALL)


def _bar(say: Language, drawing: Drawing, axis: Axis, bar: Stacked, top: float) -> None:
    head = f"{bar.label}: {_sum(say, bar)}"
    drawing.text(_LEFT, top + 18, cut(head, 13, axis.end - _LEFT), part="ink")
    x, under = axis.start, 0
    for part, held in bar.parts:
        under += held
        end = axis.at(under / GIB)
        colour, told = _COLOURS.get(part, _REST), f"{say.word(rung_words(part))}: {size(say, held)}"
        drawing.rect(x, top + 27, end - x, _BAR, f"fill-{colour} gap", told)
        inside = say.decimal(to_gib(held), 1)
        if end - x > width_of(inside, 13) + 8:
            drawing.text((x + end) / 2, top + 47, inside, part="on-fill", anchor="middle")
        x = end
    if bar.pool:
        right = axis.at(bar.pool / GIB)
        drawing.rect(axis.start, top + 27, right - axis.start, _BAR, "pool")
        drawing.line(right, top + 23, right, top + 31 + _BAR, "wall-c2")


def _sum(say: Language, bar: Stacked) -> str:
    total = size(say, bar.total)
    if bar.pool is None:
        return say.gettext("{size} in all; how much there is is not known", size=total)
    left, pool = bar.pool - bar.total, size(say, bar.pool)
    if left >= 0:
        return say.gettext("{size} of {pool}, {left} to spare", size=total, pool=pool, left=size(say, left))
    return say.gettext("{size} of {pool}, {over} too much", size=total, pool=pool, over=size(say, -left))


def _told(say: Language, bar: Stacked) -> str:
    parts = ", ".join(f"{say.word(rung_words(part))} {size(say, held)}" for part, held in bar.parts)
    return f"{bar.label}: {_sum(say, bar)} ({parts})"
