"""Pages as rich sets them, against which ours are held: widths, wrapping and colours must be the same signs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.shorten import shortened

NARROWEST = 40
_TONES = {"verdict": "bold", "good": "green", "bad": "red", "dim": "dim", "plain": ""}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
_MARKED = "bold yellow"
_GAP = 2  # columns between the columns of a table
_LAST = 34  # columns that the last column of a table needs, else its text goes below its row


def render_by_rich(blocks: Iterable[Block], width: int, colour: bool) -> str:
    """Return the blocks as ``report.as_text.render`` does."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(NARROWEST, width),
        color_system="standard" if colour else None,
        force_terminal=colour,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        legacy_windows=False,
    )
    for block in blocks:
        _print(console, shortened(block))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _print(console: Console, block: Block) -> None:
    match block:
        case Heading(text=text, level=level):
            console.print()
            console.print(Text(text, style="bold underline" if level == 1 else "bold"))
        case Paragraph(text=text, tone=tone, indent=indent):
            console.print(Padding(Text(text, style=_TONES[tone]), (0, 0, 0, indent)))
        case Items(lines=lines, indent=indent):
            for line in lines:
                console.print(Padding(_hanging(line), (0, 0, 0, indent)))
        case Preformatted(text=text):
            for line in text.split("\n"):
                console.print(Text(line, style=_DIFF.get(line[:1], "")), soft_wrap=True)
        case Rows():
            console.print()
            for part in _table(block, console.width):
                console.print(part)


def _hanging(line: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text("-"), Text(line, overflow="fold"))
    return grid


def _table(block: Rows, width: int) -> Iterator[RenderableType]:
    """The table in columns where they have room, else each row as its name and number with the rest below."""
    columns = list(zip(block.head, *block.rows, strict=True))
    widths = [max(cell_len(cell) for cell in column) for column in columns]
    last = min(widths[-1], _LAST)
    if sum(widths[:-1]) + _GAP * (len(widths) - 1) + last <= width:
        yield _columns(block)
        return
    yield _line(block.head[:2], widths, "dim")
    for index, row in enumerate(block.rows):
        style = _MARKED if index in block.marked else ""
        yield _line(row[:2], widths, style)
        rest = zip(block.head[2:], row[2:], strict=True)
        yield from _below([f"{title}: {cell}" if block.titled else cell for title, cell in rest])


def _columns(block: Rows) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for index, title in enumerate(block.head):
        whole = index < len(block.head) - 1
        justify = "right" if index == 1 else "left"
        table.add_column(title, justify=justify, overflow="fold", header_style="dim", no_wrap=whole)  # type: ignore[arg-type]
    for index, row in enumerate(block.rows):
        table.add_row(*(Text(cell, style=_MARKED if index in block.marked else "") for cell in row))
    return table


def _line(cells: tuple[str, ...], widths: list[int], style: str) -> Text:
    name, number = cells
    gap = " " * (widths[0] - cell_len(name) + _GAP + widths[1] - cell_len(number))
    return Text(f"{name}{gap}{number}", style=style)


def _below(cells: list[str]) -> Iterator[RenderableType]:
    if cells:
        yield Padding(Text("; ".join(cells), style="dim"), (0, 0, 0, 4))
