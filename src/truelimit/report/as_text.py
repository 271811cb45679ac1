"""A document for a terminal: any width, with or without colour."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from truelimit.report.document import Block, Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.shorten import shortened

_TONES = {"verdict": "bold", "good": "green", "bad": "red", "dim": "dim", "plain": ""}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}


def render(blocks: Iterable[Block], width: int, colour: bool) -> str:
    """Return the blocks as lines of at most ``width`` columns, with ANSI colours if ``colour``."""
    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out,
        width=max(40, width),
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


def _print(console, block: Block) -> None:  # type: ignore[no-untyped-def]
    from rich.padding import Padding
    from rich.text import Text

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
            for line in text.splitlines():
                console.print(Text(line, style=_DIFF.get(line[:1], "")), soft_wrap=True)
        case Rows():
            console.print(_table(block))


def _hanging(line: str):  # type: ignore[no-untyped-def]
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text("-"), Text(line))
    return grid


def _table(block: Rows):  # type: ignore[no-untyped-def]
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, title in enumerate(block.head):
        table.add_column(title, justify="right" if index == 1 else "left", overflow="fold", header_style="dim")
    for index, row in enumerate(block.rows):
        style = "bold yellow" if index in block.marked else ""
        table.add_row(*(Text(cell, style=style) for cell in row))
    return table
