"""A figure: a drawing with a title, and a description for those who do not see it; as part of a page, or as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.report.plots.letters import cut
from truelimit.report.plots.style import LIGHT, file_style, rules
from truelimit.report.plots.svg import SMALL, Drawing, coordinate, label_box, raw, safe

WIDTH = 540.0
_FONT = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"

_SHAPES = {
    "square": [(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)],
    "diamond": [(0.0, -6.0), (6.0, 0.0), (0.0, 6.0), (-6.0, 0.0)],
    "triangle": [(0.0, -6.0), (5.5, 4.5), (-5.5, 4.5)],
    "cross": [
        (-5.5, -3.5), (-3.5, -5.5), (0.0, -2.0), (3.5, -5.5), (5.5, -3.5), (2.0, 0.0),
        (5.5, 3.5), (3.5, 5.5), (0.0, 2.0), (-3.5, 5.5), (-5.5, 3.5), (-2.0, 0.0),
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing by its name (of a file, of an anchor), what it shows in a line, and in sentences with the numbers."""

    name: str
    title: str
    description: str
    drawing: Drawing

    def inline(self) -> str:
        """Return the SVG for a page, which brings the colours."""
        return self._written("")

    def file(self) -> str:
        """Return the SVG as a file of its own: light, or dark where its reader prefers that."""
        return self._written(file_style()) + "\n"

    def picture(self) -> str:
        """Return the SVG as a program without variables and media queries draws it: light."""
        return self._written(rules(LIGHT))

    def _written(self, style: str) -> str:
        width, height = self.drawing.width, self.drawing.height
        name = safe(self.name)
        heads = [
            raw("title", safe(self.title), id=f"{name}-title"),
            raw("desc", safe(self.description), id=f"{name}-desc"),
        ]
        ground = []
        if style:
            heads.append(f"<style>{style}</style>")
            ground = [raw("rect", "", width=width, height=height, part="paper")]
        size = f"{coordinate(width)} {coordinate(height)}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" '
            f'aria-labelledby="{name}-title {name}-desc" font-family="{_FONT}">'
        )
        return head + "\n".join([*heads, *ground, *self.drawing.parts]) + "</svg>"


Entry = tuple[str, str] | tuple[str, str, str]


def legend(drawing: Drawing, entries: Sequence[Entry], left: float, top: float, right: float) -> float:
    """Write entries (part, text and perhaps a shape) beside one another, in as many lines as they need.

    Returns where they end.
    """
    x, y = left, top
    for part, whole, *shape in entries:
        text = cut(whole, 12, right - left - 20)
        if x > left and label_box(x + 18, y, text, size=12).right > right:
            x, y = left, y + 20
        mark(drawing, x + 6, y + 7, part, shape[0] if shape else "bar")
        x = drawing.text(x + 18, y + 11, text, size=12).right + 16
    return y + 20


def numbered(drawing: Drawing, places: Sequence[tuple[float, str]], baseline: float) -> None:
    """Write the numbers of an axis below it, from the left; one that has no room beside the last is left out."""
    free = 0.0
    for x, text in places:
        box = label_box(x, baseline, text, "middle", SMALL)
        if box.left >= free and box.right <= drawing.width:
            drawing.text(x, baseline, text, part="faint", anchor="middle", size=SMALL)
            free = box.right + 4


def mark(drawing: Drawing, x: float, y: float, part: str, shape: str, told: str = "") -> None:
    """Draw the sign of a point, or the sample of a bar or a line."""
    if shape == "bar":
        drawing.rect(x - 6, y - 6, 12, 12, part, told)
    elif shape == "line":
        drawing.path([(x - 7, y), (x + 7, y)], part)
    elif shape == "dot":
        drawing.circle(x, y, 4.5, part, told)
    else:
        drawing.shape(x, y, _SHAPES[shape], part, told)
