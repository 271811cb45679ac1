"""USD against completed work: every option as a point, and those that no other beats joined by a line."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.report.language import Language
from truelimit.report.language_numbers import percent, usd
from truelimit.report.plots.axes import Axis
from truelimit.report.plots.figure import WIDTH, Entry, Figure, legend, mark, numbered
from truelimit.report.plots.letters import cut
from truelimit.report.plots.options import Pick, price, title_of
from truelimit.report.plots.svg import SMALL, Box, Drawing, label_box
from truelimit.workload.options import Kind, Result

_LEFT, _RIGHT, _TOP, _FLOOR = 54.0, 22.0, 26.0, 316.0
_NAME = 210.0  # room for the name of a point


def usd_against_work(say: Language, results: Sequence[Result], pick: Pick, name: str) -> Figure | None:
    """Return the figure of all options whose cost and work are known; None where there are fewer than two."""
    known = [item for item in results if item.cost is not None and item.known and item.option.legs]
    if len(known) < 2:
        return None
    across = Axis(0, max(1.0, *(item.cost or 0.0 for item in known)) * 1.06, _LEFT, WIDTH - _RIGHT)
    up = Axis(0, 1.04, _FLOOR, _TOP)
    drawing = Drawing(WIDTH, 0)
    _grid(say, drawing, across, up)
    best = [item for item in pick.on_front if item in known]
    _front(drawing, best, across, up)
    held = {id(item) for item in best}
    for item in sorted(known, key=lambda item: id(item) in held):
        _point(say, drawing, item, id(item) in held, across, up)
    today = [item for item in known if item.option.kind is Kind.NOTHING and id(item) not in held]
    _names(say, drawing, [*best, *today], across, up)
    entries: list[Entry] = [
        ("line-c3", say.gettext("nothing completes more for less"), "line"),
        ("fill-c3", say.gettext("on this line"), "dot"),
        ("fill-c7", say.gettext("another does as well for less"), "diamond"),
    ]
    drawing.height = legend(drawing, entries, 4, _FLOOR + 46, WIDTH)
    title = say.gettext("What each option costs, and how much of the work completes")
    return Figure(name, title, _told(say, best), drawing)


def _grid(say: Language, drawing: Drawing, across: Axis, up: Axis) -> None:
    for fifth in range(6):
        y = up.at(fifth / 5)
        drawing.line(_LEFT, y, across.end, y, "grid")
        drawing.text(_LEFT - 7, y + 4, percent(say, fifth / 5), part="faint", anchor="end", size=SMALL)
    ticks = across.ticks(5)
    for value in ticks:
        drawing.line(across.at(value), _FLOOR, across.at(value), _FLOOR + 5, "axis")
    numbered(drawing, [(across.at(value), say.decimal(value)) for value in ticks], _FLOOR + 18)
    drawing.line(_LEFT, _TOP, _LEFT, _FLOOR, "axis")
    drawing.line(_LEFT, _FLOOR, across.end, _FLOOR, "axis")
    bottom = say.gettext("USD, now and over the years together")
    drawing.text(across.end, _FLOOR + 35, bottom, part="faint", anchor="end", size=SMALL)
    drawing.text(4, 13, say.gettext("requests that complete"), part="faint", size=SMALL)


def _front(drawing: Drawing, best: Sequence[Result], across: Axis, up: Axis) -> None:
    """The line of what is to be had for a sum: level until the next option can be paid."""
    ordered = sorted(best, key=lambda item: item.cost or 0.0)
    steps: list[tuple[float, float]] = []
    for item in ordered:
        x, y = across.at(item.cost or 0.0), up.at(item.share.value)
        steps += ([(x, steps[-1][1])] if steps else []) + [(x, y)]
    if steps:
        drawing.path([*steps, (across.end, steps[-1][1])], "line-c3")


def _point(say: Language, drawing: Drawing, item: Result, best: bool, across: Axis, up: Axis) -> None:
    x, share = across.at(item.cost or 0.0), item.share
    if share.low != share.high:
        drawing.line(x, up.at(share.low), x, up.at(share.high), "axis")
    told = f"{title_of(say, item)}: {price(say, item.cost)}, {percent(say, share.value)}"
    mark(drawing, x, up.at(share.value), f"fill-{'c3' if best else 'c7'} gap", "dot" if best else "diamond", told)


def _names(say: Language, drawing: Drawing, best: Sequence[Result], across: Axis, up: Axis) -> None:
    """Name the points of the line where there is room: below to the right, above, or to the left."""
    for item in best:
        text = cut(title_of(say, item), SMALL, _NAME)
        x, y = across.at(item.cost or 0.0), up.at(item.share.value)
        places = [(x + 8, y + 16, "start"), (x + 8, y - 8, "start"), (x - 8, y + 16, "end"), (x - 8, y - 8, "end"),
                  (x + 8, y + 32, "start")]  # fmt: skip
        for at, baseline, anchor in places:
            if _is_free(drawing, label_box(at, baseline, text, anchor, SMALL)):
                drawing.text(at, baseline, text, part="ink halo", anchor=anchor, size=SMALL)
                break


def _is_free(drawing: Drawing, box: Box) -> bool:
    inside = box.left >= _LEFT and box.right <= drawing.width - 2 and box.top >= 16 and box.bottom <= _FLOOR
    return inside and not any(box.meets(other) for other in drawing.boxes)


def _told(say: Language, best: Sequence[Result]) -> str:
    rows = [
        say.gettext("{option}: {share} complete for {usd}", option=title_of(say, item),
                    share=percent(say, item.share.value), usd=usd(say, item.cost or 0.0))
        for item in sorted(best, key=lambda item: item.cost or 0.0)
    ]  # fmt: skip
    return "; ".join(rows)
