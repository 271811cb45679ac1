"""The ladder of contexts: a bar for each limit, coloured by its kind, and the lowest one as a line through all."""

from __future__ import annotations

from truelimit.domain.limits import Ladder, LimitKind, Rung
from truelimit.limits.words import rung_words
from truelimit.report.language import Language
from truelimit.report.language_numbers import tokens
from truelimit.report.plots.axes import Axis
from truelimit.report.plots.figure import WIDTH, Figure, legend, numbered
from truelimit.report.plots.letters import cut, width_of
from truelimit.report.plots.svg import SIZE, SMALL, Drawing

_NAMES = 182.0  # room for names
_ROW = 30.0
_BAR = 18.0
_TOP = 8.0
_KINDS = {LimitKind.PHYSICAL: "c3", LimitKind.CONFIGURED: "c1", LimitKind.LABEL: "c2"}


def context_ladder(say: Language, ladder: Ladder, model: str, name: str) -> Figure | None:
    """Return the figure of a ladder of contexts, or None where it has no limit."""
    rungs = [rung for rung in (*ladder.rungs, *ladder.overridden) if rung.value >= 0]
    if not rungs or max(rung.value for rung in rungs) <= 0:
        return None
    room = max(width_of(_value(say, ladder, rung), SIZE) for rung in rungs) + 14
    axis = Axis(0, max(float(rung.value) for rung in rungs), _NAMES, WIDTH - room)
    floor = _TOP + _ROW * len(rungs)
    drawing = Drawing(WIDTH, 0)
    _grid(say, drawing, axis, floor)
    if ladder.binding is not None:
        drawing.line(*_upright(axis.at(float(ladder.binding.value)), floor), "wall-c2")
    for row, rung in enumerate(rungs):
        _bar(say, drawing, axis, ladder, rung, _TOP + _ROW * row)
    drawing.height = legend(drawing, _entries(say, ladder), 4, floor + 46, WIDTH)
    return Figure(name, _title(say, model), _told(say, ladder), drawing)


def _title(say: Language, model: str) -> str:
    return say.gettext("Context of {model}: who allows how much", model=model)


def _upright(x: float, floor: float) -> tuple[float, float, float, float]:
    return x, _TOP - 6, x, floor


def _grid(say: Language, drawing: Drawing, axis: Axis, floor: float) -> None:
    ticks = axis.ticks(4)
    for value in ticks:
        drawing.line(axis.at(value), _TOP, axis.at(value), floor, "grid")
    numbered(drawing, [(axis.at(value), say.decimal(value)) for value in ticks], floor + 16)
    drawing.line(_NAMES, _TOP, _NAMES, floor, "axis")
    drawing.text(axis.end, floor + 33, say.gettext("context in tokens"), part="faint", anchor="end", size=SMALL)


def _bar(say: Language, drawing: Drawing, axis: Axis, ladder: Ladder, rung: Rung, top: float) -> None:
    binds = rung is ladder.binding or rung in ladder.tied
    label = cut(say.word(rung_words(rung.name)), 13, _NAMES - 16)
    middle = top + _ROW / 2
    drawing.text(_NAMES - 10, middle + 4, label, part="strong" if binds else "ink", anchor="end")
    end = axis.at(float(rung.value))
    colour, edge = _KINDS[rung.kind], rung in ladder.overridden
    told = f"{label}: {tokens(say, rung.value)}"
    drawing.rect(_NAMES, middle - _BAR / 2, end - _NAMES, _BAR, f"{'edge' if edge else 'fill'}-{colour}", told)
    value, part = _value(say, ladder, rung), "strong halo" if binds else "ink halo"
    drawing.text(_beside_the_line(axis, ladder, value, end + 6), middle + 4, value, part=part)


def _beside_the_line(axis: Axis, ladder: Ladder, value: str, x: float) -> float:
    """Where a value begins: right of its bar, and right of the line that binds where that would go through it."""
    if ladder.binding is None:
        return x
    line = axis.at(float(ladder.binding.value))
    return line + 6 if x - 4 < line < x + width_of(value, SIZE) + 4 else x


def _value(say: Language, ladder: Ladder, rung: Rung) -> str:
    value = say.decimal(rung.value)
    binds = rung is ladder.binding or rung in ladder.tied
    return say.gettext("{value} binds", value=value) if binds else value


def _entries(say: Language, ladder: Ladder) -> list[tuple[str, str]]:
    kinds = dict.fromkeys(rung.kind for rung in ladder.rungs)
    found = [(f"fill-{_KINDS[kind]}", say.word(kind.value)) for kind in kinds]
    edges = [(f"edge-{_KINDS[rung.kind]}", say.gettext("overridden by a stronger one")) for rung in ladder.overridden]
    return found + edges[:1]


def _told(say: Language, ladder: Ladder) -> str:
    rows = [f"{say.word(rung_words(rung.name))}: {tokens(say, rung.value)}" for rung in ladder.rungs]
    if ladder.binding is None:
        return "; ".join(rows)
    binding = say.word(rung_words(ladder.binding.name))
    low = say.gettext("{limit} binds at {tokens}.", limit=binding, tokens=tokens(say, ladder.binding.value))
    return f"{low} {'; '.join(rows)}"
