"""USD against completed work: every option as a point, those that no other beats joined by a line, yours by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.report import within
from truelimit.report.language import Language
from truelimit.report.language_numbers import percent
from truelimit.report.plots.axes import Axis
from truelimit.report.plots.figure import WIDTH, Entry, Figure, legend, mark, numbered
from truelimit.report.plots.letters import cut
from truelimit.report.plots.options import Pick, price, title_of
from truelimit.report.plots.svg import SMALL, Box, Drawing, label_box
from truelimit.workload.options import Kind, Result

_LEFT, _RIGHT, _TOP, _FLOOR = 54.0, 22.0, 26.0, 316.0
_NAME = 210.0  # room for the name of a point
_APART = 84.0  # room for those whose price is not known
_STARTS = (0.98, 0.95, 0.9, 0.8, 0.5, 0.0)  # where the shares may begin
_PARTS = 5
_MARK = 5.0  # from the middle of a mark to its edge


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where options lie: USD across, shares up; ``apart`` is the place of those without a price, None without any."""

    across: Axis
    up: Axis
    apart: float | None

    def place(self, item: Result) -> tuple[float, float]:
        """Return where an option lies by its cost and the share of the work that it completes."""
        x = self.across.at(item.cost) if item.cost is not None else self.apart
        return x or self.across.end, self.up.at(item.share.value)


def usd_against_work(
    say: Language, results: Sequence[Result], pick: Pick, name: str, years: float = 3.0
) -> Figure | None:
    """Return the figure of all options whose work is known, with their cost or named; None for fewer than two."""
    replayed = [item for item in results if item.known and item.option.legs]
    shown = [item for item in replayed if item.cost is not None or item.option.named]
    if len(shown) < 2:
        return None
    plane, drawing = _plane(shown), Drawing(WIDTH, 0)
    _grid(say, drawing, plane, years)
    best = [item for item in pick.on_front if item in shown]
    _front(drawing, best, plane)
    named = [item for item in shown if item.option.named]
    held = {id(item) for item in (*best, *named)}
    for item in sorted(shown, key=lambda item: id(item) in held):
        _point(say, drawing, item, best, plane)
    today = [item for item in shown if item.option.kind is Kind.NOTHING and id(item) not in held]
    wanted = list({id(item): item for item in (*named, *best, *today)}.values())
    left = _names(say, drawing, wanted, _Taken(plane, shown))
    entries = _entries(say, [item for item in named if id(item) in left], bool(named))
    drawing.height = legend(drawing, entries, 4, _FLOOR + 46, WIDTH)
    title = say.gettext("What each option costs, and how much of the work completes")
    return Figure(name, title, _told(say, [*best, *(item for item in named if item not in best)]), drawing)


def _plane(shown: Sequence[Result]) -> _Plane:
    apart = WIDTH - _RIGHT - _APART / 2 if any(item.cost is None for item in shown) else None
    end = WIDTH - _RIGHT - (_APART if apart else 0)
    across = Axis(0, max(1.0, *(item.cost or 0.0 for item in shown)) * 1.06, _LEFT, end)
    low = _start(min(item.share.low for item in shown))
    return _Plane(across, Axis(low, 1 + 0.04 * (1 - low), _FLOOR, _TOP), apart)


def _start(least: float) -> float:
    """Where the shares begin: near the least of them, for options that all complete most of the work."""
    return next(low for low in _STARTS if low == 0 or least >= low + 0.1 * (1 - low))


def _grid(say: Language, drawing: Drawing, plane: _Plane, years: float) -> None:
    across, low = plane.across, plane.up.low
    end = WIDTH - _RIGHT
    digits = 0 if low < _STARTS[0] else 1
    for part in range(_PARTS + 1):
        share = low + (1 - low) * part / _PARTS
        y = plane.up.at(share)
        drawing.line(_LEFT, y, end, y, "grid")
        drawing.text(_LEFT - 7, y + 4, percent(say, share, digits), part="faint", anchor="end", size=SMALL)
    free = _strip(say, drawing, plane)
    ticks = across.ticks(5)
    for value in ticks:
        drawing.line(across.at(value), _FLOOR, across.at(value), _FLOOR + 5, "axis")
    told = [(across.at(value), say.decimal(value)) for value in ticks]
    fits = [(x, text) for x, text in told if label_box(x, 0, text, "middle", SMALL).right < free]
    numbered(drawing, fits, _FLOOR + 18)
    drawing.line(_LEFT, _TOP, _LEFT, _FLOOR, "axis")
    drawing.line(_LEFT, _FLOOR, across.end, _FLOOR, "axis")
    bottom = say.ngettext(
        "USD at once and for {count} year of power and tokens",
        "USD at once and for {count} years of power and tokens",
        round(years),
    )
    drawing.text(end, _FLOOR + 35, bottom, part="faint", anchor="end", size=SMALL)
    up = say.gettext("requests that complete")
    if low:
        up = say.gettext("requests that complete; the axis begins at {share}", share=percent(say, low))
    drawing.text(4, 13, up, part="faint", size=SMALL)


def _strip(say: Language, drawing: Drawing, plane: _Plane) -> float:
    """The place of those without a price; returns where the numbers of the axis must end."""
    if plane.apart is None:
        return WIDTH
    text = cut(say.gettext("no price known"), SMALL, _APART + _RIGHT - 6)
    drawing.line(plane.across.end + 6, _TOP, plane.across.end + 6, _FLOOR, "grid")
    x = WIDTH - 2
    return drawing.text(x, _FLOOR + 18, text, part="faint", anchor="end", size=SMALL).left - 6


def _front(drawing: Drawing, best: Sequence[Result], plane: _Plane) -> None:
    """The line of what is to be had for a sum: level until the next option can be paid."""
    steps: list[tuple[float, float]] = []
    for item in sorted(best, key=lambda item: item.cost or 0.0):
        x, y = plane.place(item)
        steps += ([(x, steps[-1][1])] if steps else []) + [(x, y)]
    if steps:
        drawing.path([*steps, (plane.across.end, steps[-1][1])], "line-c3")


def _point(say: Language, drawing: Drawing, item: Result, best: Sequence[Result], plane: _Plane) -> None:
    (x, y), share = plane.place(item), item.share
    if share.low != share.high:
        drawing.line(x, plane.up.at(share.low), x, plane.up.at(share.high), "axis")
    told = f"{title_of(say, item)}: {price(say, item.cost)}, {say.told(within.percent(share.value))}"
    if item.option.named:
        mark(drawing, x, y, "fill-c1 gap", "square", told)
    elif item in best:
        mark(drawing, x, y, "fill-c3 gap", "dot", told)
    else:
        mark(drawing, x, y, "fill-c7 gap", "diamond", told)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The plane with the options on it: no name may lie on a mark."""

    plane: _Plane
    shown: Sequence[Result]

    def free(self, drawing: Drawing, box: Box) -> bool:
        """Return whether a name has room here."""
        return _is_free(drawing, box) and not any(
            box.left < x + _MARK and x - _MARK < box.right and box.top < y + _MARK and y - _MARK < box.bottom
            for x, y in map(self.plane.place, self.shown)
        )


def _names(say: Language, drawing: Drawing, items: Sequence[Result], taken: _Taken) -> set[int]:
    """Name points where there is room: below to the right, above, to the left, further off. Returns those left out."""
    left = set()
    for item in items:
        text = cut(title_of(say, item), SMALL, _NAME)
        x, y = taken.plane.place(item)
        places = [
            (x + side * 8, y + off, "start" if side > 0 else "end") for off in (16, -8, 32, -24, 48) for side in (1, -1)
        ]
        free = next((at for at in places if taken.free(drawing, label_box(at[0], at[1], text, at[2], SMALL))), None)
        if free is None:
            left.add(id(item))
        else:
            drawing.text(free[0], free[1], text, part="ink halo", anchor=free[2], size=SMALL)
    return left


def _is_free(drawing: Drawing, box: Box, floor: float = _FLOOR) -> bool:
    inside = box.left >= _LEFT and box.right <= drawing.width - 2 and box.top >= 16 and box.bottom <= floor
    return inside and not any(box.meets(other) for other in drawing.boxes)


def _entries(say: Language, nameless: Sequence[Result], any_named: bool) -> list[Entry]:
    found: list[Entry] = [
        ("line-c3", say.gettext("nothing completes more for less"), "line"),
        ("fill-c3", say.gettext("on this line"), "dot"),
        ("fill-c7", say.gettext("another does as well for less"), "diamond"),
    ]
    found += [("fill-c1", say.gettext("named by you"), "square")] if any_named else []
    for item in nameless:
        text = say.gettext("{option}: {usd}", option=title_of(say, item), usd=price(say, item.cost))
        found.append(("fill-c1", text, "square"))
    return found


def _told(say: Language, items: Sequence[Result]) -> str:
    rows = [
        say.gettext("{option}: {share} complete for {usd}", option=title_of(say, item),
                    share=say.told(within.percent(item.share.value)), usd=price(say, item.cost))
        for item in sorted(items, key=lambda item: item.cost or 0.0)
    ]  # fmt: skip
    return "; ".join(rows)
