"""A sweep as a chart: one line a combination, the context along the bottom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truelimit.domain.message import joined, said
from truelimit.units import to_gib

if TYPE_CHECKING:
    from truelimit.app.sweep import Series
    from truelimit.report.language import Language

MOST_LINES = 12
_MOST_POINTS = 400
_LOGARITHMIC = 8.0  # contexts that span more than this factor are set on a logarithmic axis
UNFIT = said("hollow, dashed: it does not fit")
_WHAT = {
    "decode": said("tokens/s written at full depth"),
    "seconds": said("seconds to read the whole context"),
    "prefill": said("tokens/s read, averaged over the context"),
    "total": said("GiB in all"),
    "headroom": said("GiB left"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A named line of points (context in tokens, value). ``fits`` tells of each whether memory holds it, or is empty.

    What does not fit is drawn hollow and dashed: such a rate is that which it would have.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    fits: tuple[bool, ...] = ()

    def fit(self, index: int) -> bool:
        """Return whether a point fits, as far as that is known."""
        return self.fits[index] if self.fits else True

    def fit_to(self, index: int) -> bool:
        """Return whether both ends of the piece from a point to the next fit."""
        return self.fits_to(index, index + 1)

    def fits_to(self, first: int, last: int) -> bool:
        """Return whether all points from one to another fit."""
        return all(self.fits[first : last + 1])


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines, what they show, and the ends of both axes; ``logarithmic`` is the bottom axis."""

    title: str
    shows: str
    lines: tuple[Line, ...]
    left: float
    right: float
    low: float
    high: float
    logarithmic: bool

    @property
    def head(self) -> str:
        """The line above the chart: of which model, and what is shown."""
        return said("{title}: {shows}", title=self.title, shows=self.shows)

    @property
    def some_do_not_fit(self) -> bool:
        """Whether the legend has to tell what hollow points are."""
        return any(not all(line.fits) for line in self.lines)

    def across(self, x: float) -> float:
        """Return where a context lies between the sides, 0 to 1."""
        if self.right == self.left:
            return 0.5
        if self.logarithmic:
            return math.log(x / self.left) / math.log(self.right / self.left)
        return (x - self.left) / (self.right - self.left)

    def up(self, y: float) -> float:
        """Return where a value lies between bottom and top, 0 to 1."""
        return (y - self.low) / (self.high - self.low)

    def ticks_up(self) -> list[float]:
        """Return round values along the side."""
        step = _round_step((self.high - self.low) / 4)
        first = math.ceil(self.low / step - 1e-9)
        return [step * number for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def ticks_across(self) -> list[float]:
        """Return contexts along the bottom: powers of two on a logarithmic axis."""
        if self.logarithmic:
            powers = range(math.ceil(math.log2(self.left)), math.floor(math.log2(self.right)) + 1)
            found = [2.0**power for power in powers]
            return found[:: max(1, math.ceil(len(found) / 8))] or [self.left, self.right]
        step = _round_step((self.right - self.left) / 5 or 1.0)
        first, last = math.ceil(self.left / step), math.floor(self.right / step)
        return [step * number for number in range(first, last + 1)] or [self.left]


def chart(found: Sequence[Series], what: str) -> Chart:
    """Return the chart of a sweep. Raises ValueError for an unknown value, too many lines, or nothing to draw."""
    if what not in _WHAT:
        raise ValueError(
            said("--plot-y {what!r} is unknown; there are: {what2}", what=what[:40], what2=", ".join(_WHAT))
        )
    lines = [line for series in found if (line := _line(series, what)).points]
    if not lines:
        reasons = joined("; ", dict.fromkeys(series.error for series in found if series.error))
        unknown = said("{what} is not known for any of them", what=what)
        raise ValueError(said("there is nothing to draw: {reasons}", reasons=reasons or unknown))
    if len(lines) > MOST_LINES:
        raise ValueError(
            said(
                "{lines} lines are too many for a chart; expected at most {most_lines} combinations",
                lines=len(lines),
                most_lines=MOST_LINES,
            )
        )
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    low, high = min(0.0, *ys), max(ys)
    high = high if high > low else low + 1.0
    return Chart(found[0].model, _WHAT[what], tuple(lines), min(xs), max(xs), low, high * 1.05 if high > 0 else high,
                 max(xs) / min(xs) > _LOGARITHMIC)  # fmt: skip


def _line(series: Series, what: str) -> Line:
    name = f"{series.machine} {series.quant} {series.kv_type}" + (f" x{series.slots}" if series.slots > 1 else "")
    values = _values(series, what)
    fits = [left >= 0 for left in series.headroom] if series.headroom is not None else [True] * len(values)
    rows = sorted(zip(series.contexts, values, fits, strict=False))
    step = max(1, len(rows) // _MOST_POINTS)
    picked = [*rows[::step], *(rows[-1:] if step > 1 else [])]
    return Line(name, tuple((float(x), float(y)) for x, y, _ in picked), tuple(fit for _, _, fit in picked))


def _values(series: Series, what: str) -> Sequence[float]:
    match what:
        case "decode":
            return series.decode or ()
        case "seconds":
            return series.seconds or ()
        case "prefill":
            return [n / s for n, s in zip(series.contexts, series.seconds or (), strict=False) if s > 0]
        case "total":
            return [to_gib(size) for size in series.total]
    return [to_gib(size) for size in series.headroom or ()]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next((power * part for part in (1, 2, 5, 10) if power * part >= step * 0.999), power * 10)


def label(value: float) -> str:
    """Return a number for an axis: thousands as K of 1,024 where they are whole, at most four digits."""
    if value >= 1024 and value % 1024 == 0:
        return f"{value / 1024:,.0f}K"
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def as_text(item: Chart, width: int, say: Language) -> str:
    """Return the chart for a terminal, of so many columns, in a language."""
    from truelimit.report.plot_text import drawn

    return drawn(item, width, say)


def as_file(item: Chart, name: str, say: Language) -> bytes:
    """Return the chart as the file that ``name`` ends with. Raises ValueError for another end than .svg or .png.

    A PNG is in English in every language: its letters are drawn here, dot by dot, and are those of ASCII.
    """
    if name.lower().endswith(".svg"):
        from truelimit.report.plot_svg import drawn

        return drawn(item, say).encode("utf-8")
    if name.lower().endswith(".png"):
        from truelimit.report.plot_png import drawn as pixels

        return pixels(item)
    raise ValueError(
        said("--plot {name!r}: expected a file that ends in .svg or .png, or none for the terminal", name=name[:80])
    )
