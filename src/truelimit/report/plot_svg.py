"""A chart as SVG: plain text, sharp at any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from truelimit.domain.message import said
from truelimit.report.language import Language
from truelimit.report.plot import UNFIT, Chart, Line, label
from truelimit.report.plots.svg import coordinate, element, raw

WIDTH, HEIGHT = 900, 540
LEFT, RIGHT, TOP, BOTTOM = 80, 30, 50, 60
LEGEND = 18
# Colours that people with any colour vision tell apart (Okabe and Ito, 2008), then darker ones of the same hues.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#000000", "#004f7c", "#8f3f00", "#006b4e", "#8a5270", "#9c6c00",
)  # fmt: skip


def drawn(item: Chart, say: Language) -> str:
    """Return the chart as the text of an SVG file."""
    height = HEIGHT + LEGEND * (len(item.lines) + item.some_do_not_fit)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 28, say.told(item.head), size=16),
        *_axes(item, say),
        *_lines(item),
        *_unfit(item, say),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def place(item: Chart, x: float, y: float) -> tuple[float, float]:
    """Return where a point lies, in pixels from the upper left corner."""
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return LEFT + item.across(x) * across, TOP + (1 - item.up(y)) * down


def _axes(item: Chart, say: Language) -> Iterator[str]:
    for value in item.ticks_up():
        _, y = place(item, item.left, value)
        yield raw("line", "", x1=LEFT, y1=y, x2=WIDTH - RIGHT, y2=y, stroke="#dddddd")
        yield _text(LEFT - 8, y + 4, label(value), anchor="end")
    for value in item.ticks_across():
        x, _ = place(item, value, item.low)
        yield raw("line", "", x1=x, y1=HEIGHT - BOTTOM, x2=x, y2=HEIGHT - BOTTOM + 5, stroke="#333333")
        yield _text(x, HEIGHT - BOTTOM + 20, label(value), anchor="middle")
    yield raw("path", "", d=f"M{LEFT},{TOP} V{HEIGHT - BOTTOM} H{WIDTH - RIGHT}", fill="none", stroke="#333333")
    yield _text(WIDTH - RIGHT, HEIGHT - BOTTOM + 40, say.told(said("context in tokens")), anchor="end")


def _lines(item: Chart) -> Iterator[str]:
    for index, (colour, line) in enumerate(zip(COLOURS, item.lines, strict=False)):
        at = [place(item, x, y) for x, y in line.points]
        yield from (_piece(at[first : last + 1], colour, line.fits_to(first, last)) for first, last in runs(line))
        if len(at) <= 40:
            yield "".join(_dot(x, y, colour, line.fit(index)) for index, (x, y) in enumerate(at))
        y = HEIGHT - 4 + LEGEND * index
        yield raw("rect", "", x=LEFT, y=y - 9, width=18, height=4, fill=colour)
        yield _text(LEFT + 26, y - 3, line.name)


def _piece(at: Sequence[tuple[float, float]], colour: str, fits: bool) -> str:
    """A piece of a line: dashed where it does not fit."""
    points = [f"{coordinate(x)},{coordinate(y)}" for x, y in at]
    if fits:
        return raw("polyline", "", points=" ".join(points), fill="none", stroke=colour, stroke_width=2)
    way = "M" + " L".join(points)
    return raw("path", "", d=way, fill="none", stroke=colour, stroke_width=2, stroke_dasharray="5 4")


def runs(line: Line) -> Iterator[tuple[int, int]]:
    """Yield the pieces of a line that fit as a whole, or not: the first and last point of each."""
    first = 0
    for index in range(1, len(line.points)):
        if index == len(line.points) - 1 or line.fit_to(index) != line.fit_to(first):
            yield first, index
            first = index
    if len(line.points) == 1:
        yield 0, 0


def _dot(x: float, y: float, colour: str, fits: bool) -> str:
    fill = colour if fits else "#ffffff"
    return raw("circle", "", cx=x, cy=y, r=3, fill=fill, stroke=colour, stroke_width=1)


def _unfit(item: Chart, say: Language) -> Iterator[str]:
    """The line of the legend that tells hollow points, where there are any."""
    if item.some_do_not_fit:
        y = HEIGHT - 4 + LEGEND * len(item.lines)
        yield _dot(LEFT + 9, y - 7, "#333333", fits=False)
        yield _text(LEFT + 26, y - 3, say.told(UNFIT))


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    return element("text", text, x=x, y=y, text_anchor=anchor, font_size=size)
