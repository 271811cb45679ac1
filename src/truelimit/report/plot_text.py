"""A chart in plain characters, for any terminal."""

from __future__ import annotations

from itertools import pairwise

from truelimit.domain.message import said
from truelimit.report.language import Language
from truelimit.report.plot import Chart, Line, label

_MARKS = "ox+*#@%&=~^s"
_UNFIT = "!"
_ROWS = 18
_SIDE = 10  # columns for the numbers at the left


def drawn(item: Chart, width: int, say: Language) -> str:
    """Return the chart in at most ``width`` columns (never below 40), each line with a sign of its own."""
    across = max(30, width - _SIDE - 2)
    grid = [[" "] * across for _ in range(_ROWS)]
    for mark, line in zip(_MARKS, item.lines, strict=False):
        _draw(grid, item, line, mark)
    side = {_row(item.up(value)): label(value) for value in item.ticks_up()}
    body = [f"{side.get(row, ''):>{_SIDE}} |{''.join(cells).rstrip()}" for row, cells in enumerate(grid)]
    foot = f"{'':>{_SIDE}} +{'-' * across}"
    names = [f"{'':>{_SIDE}}  {mark}  {line.name}" for mark, line in zip(_MARKS, item.lines, strict=False)]
    below = f"{say.told(said('context in tokens')):>{_SIDE + across}}"
    told = say.told(said("{mark} it does not fit", mark=_UNFIT))
    unfit = [f"{'':>{_SIDE}}  {told}"] if item.some_do_not_fit else []
    return "\n".join([say.told(item.head), *body, foot, _bottom(item, across), below, *names, *unfit]) + "\n"


def _row(up: float) -> int:
    return round((1 - up) * (_ROWS - 1))


def _draw(grid: list[list[str]], item: Chart, line: Line, mark: str) -> None:
    """Set the line's sign at its points, and between them where they lie apart; another where it does not fit."""
    across = len(grid[0]) - 1
    at = [(item.across(x) * across, (1 - item.up(y)) * (_ROWS - 1)) for x, y in line.points]
    for index, (x, y) in enumerate(at):
        grid[round(y)][round(x)] = mark if line.fit(index) else _UNFIT
    for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(at)):
        steps = round(x1 - x0)
        for step in range(1, steps, 1 if line.fit_to(index) else 3):
            column, row = round(x0 + step), round(y0 + (y1 - y0) * step / steps)
            if grid[row][column] == " ":
                grid[row][column] = "."


def _bottom(item: Chart, across: int) -> str:
    """The contexts below the axis, left out where they would touch."""
    cells = [" "] * (across + _SIDE)
    free = 0
    for value in item.ticks_across():
        text = label(value)
        start = min(round(item.across(value) * (across - 1)), across - len(text))
        if start >= free:
            cells[start : start + len(text)] = text
            free = start + len(text) + 1
    return f"{'':>{_SIDE}}  {''.join(cells).rstrip()}"
