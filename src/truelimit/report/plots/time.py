"""Time against walls: how long a prompt takes to read by its length, the timers that end it, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.domain.limits import Rung
from truelimit.domain.rates import PrefillFit
from truelimit.domain.workload import Ending
from truelimit.limits.words import rung_words
from truelimit.perf.prefill import largest_prompt, prefill_seconds
from truelimit.report.language import Language
from truelimit.report.language_numbers import duration, tokens
from truelimit.report.plots.axes import Axis, time_ticks
from truelimit.report.plots.figure import WIDTH, Entry, Figure, legend, mark, numbered
from truelimit.report.plots.letters import cut, width_of
from truelimit.report.plots.svg import SMALL, Drawing, label_box
from truelimit.units import HOUR, MINUTE, Tokens

_LEFT, _RIGHT, _TOP, _FLOOR = 74.0, 18.0, 26.0, 326.0
_STEPS = 60
_BELOW = 18.0  # from a wall to the baseline of its name below it: marks of requests lie on walls
_WALLS = 6
MOST_POINTS = 1500
_STYLE = {
    Ending.DONE: ("c3", "dot"), Ending.OVERFLOW: ("c5", "square"), Ending.TRUNCATED: ("c6", "square"),
    Ending.TIMED_OUT: ("c2", "cross"), Ending.CANCELLED: ("c7", "diamond"), Ending.CRASHED: ("c4", "triangle"),
    Ending.UNKNOWN: ("c7", "dot"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a stack reads (None: not known), the walls that can end a reading, and the one that binds."""

    fit: PrefillFit | None
    walls: tuple[Rung, ...] = ()
    binding: Rung | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A request that really happened: tokens of its prompt, the seconds it took, how it ended."""

    prompt: int
    seconds: float
    ending: Ending


def time_against_walls(
    say: Language, pace: Pace, points: Sequence[Point], longest: int, model: str, name: str
) -> Figure | None:
    """Return the figure for prompts up to ``longest`` tokens; None where neither a rate nor a request is known."""
    right = max([longest, *(point.prompt for point in points)], default=0)
    if right <= 0 or (pace.fit is None and not points):
        return None
    across = Axis(0, right * 1.03, _LEFT, WIDTH - _RIGHT)
    up = Axis(0, _highest(pace, points, across.high), _FLOOR, _TOP)
    drawing = Drawing(WIDTH, 0)
    _grid(say, drawing, across, up)
    _walls(say, drawing, pace, across, up)
    if pace.fit is not None:
        _curve(drawing, pace.fit, across, up)
    _points(say, drawing, thinned(points, across, up), across, up)

    drawing.height = legend(drawing, _entries(say, pace.fit, points), 4, _FLOOR + 46, WIDTH)
    title = say.gettext("Time of {model}: reading a prompt, and the walls that end it", model=model)
    return Figure(name, title, _told(say, pace, points), drawing)


def _highest(pace: Pace, points: Sequence[Point], right: float) -> float:
    """The top of the figure: above the curve, the requests and the wall that binds; never below ten seconds."""
    tops = [10.0, *(point.seconds for point in points)]
    if pace.fit is not None:
        tops.append(prefill_seconds(pace.fit, Tokens(round(right))))
    if pace.binding is not None:
        tops.append(float(pace.binding.value))
    return max(tops) * 1.08


def shown_walls(walls: Sequence[Rung], high: float) -> list[tuple[float, list[Rung]]]:
    """Return the walls below the top of the figure, those of one length together, the lowest first."""
    found: dict[float, list[Rung]] = {}
    for rung in sorted(walls, key=lambda rung: rung.value):
        if 0 < rung.value <= high:
            found.setdefault(float(rung.value), []).append(rung)
    return list(found.items())[:_WALLS]


def _grid(say: Language, drawing: Drawing, across: Axis, up: Axis) -> None:
    for value in time_ticks(up.high, 5):
        y = up.at(value)
        drawing.line(_LEFT, y, across.end, y, "grid")
        drawing.text(_LEFT - 8, y + 4, _clock(say, value, up.high), part="faint", anchor="end", size=SMALL)
    ticks = across.ticks(5)
    for value in ticks:
        drawing.line(across.at(value), _FLOOR, across.at(value), _FLOOR + 5, "axis")
    numbered(drawing, [(across.at(value), say.decimal(value)) for value in ticks], _FLOOR + 18)
    drawing.line(_LEFT, _TOP, _LEFT, _FLOOR, "axis")
    drawing.line(_LEFT, _FLOOR, across.end, _FLOOR, "axis")
    drawing.text(across.end, _FLOOR + 35, say.gettext("prompt in tokens"), part="faint", anchor="end", size=SMALL)
    drawing.text(4, 13, say.gettext("time until the prompt is read"), part="faint", size=SMALL)


def _clock(say: Language, value: float, high: float) -> str:
    if high > 3 * HOUR:
        return say.gettext("{value} h", value=say.decimal(value / HOUR, 0 if value % HOUR == 0 else 1))
    if high >= 2 * MINUTE:
        return say.gettext("{value} min", value=say.decimal(value / MINUTE, 0 if value % MINUTE == 0 else 1))
    return say.gettext("{seconds} s", seconds=say.decimal(value, 0 if value >= 1 or value == 0 else 1))


def _curve(drawing: Drawing, fit: PrefillFit, across: Axis, up: Axis) -> None:
    """The curve, broken where it goes beyond what was measured."""
    known = min(float(fit.deepest), across.high)
    drawing.path(_along(fit, 0.0, known, across, up), "line-c1")
    if known < across.high:
        drawing.path(_along(fit, known, across.high, across, up), "dash-c1")


def _along(fit: PrefillFit, start: float, end: float, across: Axis, up: Axis) -> list[tuple[float, float]]:
    places = [start + (end - start) * step / _STEPS for step in range(_STEPS + 1)]
    return [(across.at(n), up.at(prefill_seconds(fit, Tokens(round(n))))) for n in places]


def _walls(say: Language, drawing: Drawing, pace: Pace, across: Axis, up: Axis) -> None:
    """Each wall as a line, named where the curve leaves more room: above it to the left, or below it to the right.

    Where another name stands there already, it goes to the other place.
    """
    for value, rungs in shown_walls(pace.walls, up.high):
        y, binds = up.at(value), pace.binding in rungs
        drawing.line(_LEFT, y, across.end, y, f"wall-{'c2' if binds else 'c7'}")
        crossing = across.at(largest_prompt(pace.fit, value)) if pace.fit is not None else across.end
        for x, baseline, anchor, room in _places(y, crossing, across):
            text = _wall_name(say, value, rungs, room)
            if not any(label_box(x, baseline, text, anchor, SMALL).meets(other) for other in drawing.boxes):
                part = f"{'strong' if binds else 'faint'} halo"
                drawing.text(x, baseline, text, part=part, anchor=anchor, size=SMALL)
                break


def _places(y: float, crossing: float, across: Axis) -> list[tuple[float, float, str, float]]:
    """Return where a wall may be named, the roomier place first: x, baseline, anchor, and the width that there is."""
    left, right = crossing - across.start - 10, across.end - crossing - 12
    most = across.end - across.start - 12
    above = (across.start + 8, y - 9, "start", min(1.08 * max(left, 120.0), most))  # labels are reckoned too wide
    below = (across.end - 4, y + _BELOW, "end", min(1.08 * max(right, 120.0), most))
    if y + _BELOW + 4 >= _FLOOR:
        return [above]
    return [below, above] if right > left else [above, below]


def _wall_name(say: Language, value: float, rungs: list[Rung], room: float) -> str:
    """Return all names of a wall, or the first and how many more, or as much of it as there is room for."""
    names = list(dict.fromkeys(say.word(rung_words(rung.name)) for rung in rungs))
    clock = _clock(say, value, value)
    whole = f"{clock}: {', '.join(names)}"
    if width_of(whole, SMALL) <= room or len(names) == 1:
        return cut(whole, SMALL, room)
    more = say.gettext("{first} and {count} more", first=names[0], count=say.decimal(len(names) - 1))
    return cut(f"{clock}: {more}", SMALL, room)


def thinned(points: Sequence[Point], across: Axis, up: Axis) -> list[Point]:
    """Return the points without those that would lie on another of the same ending, at most MOST_POINTS."""
    cell, left = 2.0, list(points)
    while True:
        found: dict[tuple[int, int, Ending], Point] = {}
        for point in left:
            place = (int(across.at(point.prompt) / cell), int(up.at(point.seconds) / cell), point.ending)
            found.setdefault(place, point)
        left = list(found.values())
        if len(left) <= MOST_POINTS:
            return left
        cell *= 1.5


def _points(say: Language, drawing: Drawing, points: Sequence[Point], across: Axis, up: Axis) -> None:
    for point in sorted(points, key=lambda item: item.ending is not Ending.DONE):
        colour, shape = _STYLE[point.ending]
        x, y = across.at(point.prompt), up.at(point.seconds)
        told = f"{tokens(say, point.prompt)}, {duration(say, point.seconds)}, {say.word(point.ending.value)}"
        mark(drawing, x, y, f"fill-{colour} gap", shape, told)


def _counts(points: Sequence[Point]) -> list[tuple[Ending, int]]:
    counts = [(ending, sum(point.ending is ending for point in points)) for ending in Ending]
    return [(ending, count) for ending, count in counts if count]


def _entries(say: Language, fit: PrefillFit | None, points: Sequence[Point]) -> list[Entry]:
    reads = say.gettext("reading a cold prompt (broken: beyond what was measured)")
    found: list[Entry] = [("line-c1", reads, "line")] if fit else []
    return found + [
        (f"fill-{_STYLE[ending][0]}", f"{say.word(ending.value)} ({say.decimal(count)})", _STYLE[ending][1])
        for ending, count in _counts(points)
    ]


def _told(say: Language, pace: Pace, points: Sequence[Point]) -> str:
    parts = []
    if pace.fit is not None and points:
        biggest = max(point.prompt for point in points)
        seconds = duration(say, prefill_seconds(pace.fit, Tokens(biggest)))
        parts.append(
            say.gettext("A cold prompt of {tokens} takes {time} to read.", tokens=tokens(say, biggest), time=seconds)
        )
    if pace.binding is not None:
        name = say.word(rung_words(pace.binding.name))
        wall = duration(say, pace.binding.value)
        parts.append(say.gettext("The wall that binds is {wall}: {time}.", wall=name, time=wall))
    counts = [f"{say.word(ending.value)} {say.decimal(count)}" for ending, count in _counts(points)]
    if counts:
        parts.append(say.gettext("Recorded requests: {counts}.", counts=", ".join(counts)))
    return " ".join(parts)
