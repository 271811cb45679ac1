"""The replay by option: of the recorded requests, how many complete on each, and how the others end."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.report import within
from truelimit.report.language import Language, marked
from truelimit.report.language_numbers import percent
from truelimit.report.plots.axes import Axis
from truelimit.report.plots.figure import WIDTH, Entry, Figure, legend
from truelimit.report.plots.letters import cut, width_of
from truelimit.report.plots.options import Pick, price_now, title_of
from truelimit.report.plots.svg import SMALL, Drawing
from truelimit.workload.options import Result, Within

_ROW, _BAR, _LEFT, _RIGHT = 46.0, 18.0, 12.0, 24.0
ENDINGS = (
    ("done", marked("completes"), "c3"),
    ("overflow", marked("overflows"), "c5"),
    ("truncated", marked("is cut without a word"), "c6"),
    ("timed_out", marked("times out"), "c2"),
    ("other", marked("is refused for another reason"), "c7"),
)


def replay_by_option(say: Language, pick: Pick, name: str) -> Figure | None:
    """Return the figure of the picked options as stacked bars; None where none could be replayed."""
    told = [item for item in pick.shown if item.option.legs and item.known]
    if not told:
        return None
    axis = Axis(0, 1, _LEFT, WIDTH - _RIGHT)
    floor = 4 + _ROW * len(told)
    drawing = Drawing(WIDTH, 0)
    for tenth in range(0, 11, 2):
        x = axis.at(tenth / 10)
        drawing.line(x, 4, x, floor, "grid")
        drawing.text(x, floor + 16, percent(say, tenth / 10), part="faint", anchor="middle", size=SMALL)
    below = drawing.text(
        axis.end, floor + 33, say.gettext("share of the requests"), part="faint", anchor="end", size=SMALL
    )
    about = cut(say.gettext("above each bar: hours waited a week, and USD"), SMALL, below.left - axis.start - 12)
    drawing.text(axis.start, floor + 33, about, part="faint", size=SMALL)
    for row, item in enumerate(told):
        _bar(say, drawing, axis, item, 4 + _ROW * row)
    drawing.height = legend(drawing, _entries(say, told), 4, floor + 46, WIDTH)
    title = say.gettext("The recorded work, replayed on each option")
    return Figure(name, title, " ".join(_told(say, item) for item in told), drawing)


def _bar(say: Language, drawing: Drawing, axis: Axis, item: Result, top: float) -> None:
    """The option, its waiting and its price above its bar; the interval of what completes as a line below it."""
    waits = say.gettext("{hours} h", hours=say.told(within.hours(_middle(item.hours_week))))
    right = f"{waits}, {price_now(say, item)}"
    drawing.text(axis.end, top + 15, right, part="faint halo", anchor="end", size=SMALL)
    room = axis.end - axis.start - width_of(right, SMALL) - 14
    drawing.text(axis.start, top + 15, cut(title_of(say, item), 12.5, room), part="ink halo", size=12.5)
    x, under = axis.start, 0.0
    for part, words, colour in ENDINGS:
        share = getattr(item, part).value / item.known
        under += share
        end = axis.at(under)
        if share:
            told = f"{say.word(words)}: {say.told(within.percent(share))}"
            drawing.rect(x, top + 21, end - x, _BAR, f"fill-{colour} gap", told)
        text = say.told(within.percent(share))
        if end - x > width_of(text, 12) + 6:
            drawing.text((x + end) / 2, top + 34.5, text, part="on-fill", anchor="middle", size=12)
        x = end
    spread = item.share
    if spread.low != spread.high:
        y = top + 21 + _BAR + 2.5
        drawing.line(axis.at(spread.low), y, axis.at(spread.high), y, "interval")


def _middle(value: Within) -> Within:
    return Within(value.value, value.value, value.value)


def _entries(say: Language, told: Sequence[Result]) -> list[Entry]:
    found: list[Entry] = [
        (f"fill-{colour}", say.word(words))
        for part, words, colour in ENDINGS
        if any(getattr(item, part).value for item in told)
    ]
    if any(item.share.low != item.share.high for item in told):
        found.append(("interval", say.gettext("interval of what completes"), "line"))
    return found


def _told(say: Language, item: Result) -> str:
    parts = [
        f"{say.word(words)} {say.told(within.percent(getattr(item, part).value / item.known))}"
        for part, words, _ in ENDINGS
        if getattr(item, part).value
    ]
    return f"{title_of(say, item)} ({price_now(say, item)}): {', '.join(parts)}."
