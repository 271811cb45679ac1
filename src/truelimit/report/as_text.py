"""A document for a terminal: any width, with or without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.folded import Folded, folded
from truelimit.report.language import ENGLISH, Language
from truelimit.report.language_blocks import told
from truelimit.report.shorten import shortened
from truelimit.report.wrap import cells, painted, untabbed, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NARROWEST = 40
_TONES = {"verdict": "bold", "good": "green", "bad": "red", "dim": "dim", "plain": ""}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
_MARKED, _HEAD = "bold yellow", "bold dim"
_GAP = 2  # columns between the columns of a table
_LAST = 34  # columns that the last column of a table needs, else its text goes below its row


def render(blocks: Iterable[Block], width: int, colour: bool, say: Language = ENGLISH) -> str:
    """Return the blocks as lines of at most ``width`` columns (never below 40), with ANSI colours if ``colour``.

    The lines of a diff stay whole.
    """
    page = _Page(max(NARROWEST, width), colour)
    lines = [line for block in blocks for line in page.lines(shortened(told(say, block)))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Page:
    """Sets blocks in lines of a width; a style colours a line where the page has colours."""

    def __init__(self, width: int, colour: bool) -> None:
        self._width, self._colour = width, colour

    def lines(self, block: Block) -> Iterator[str]:
        """Yield the lines of a block; spaces may be left at their ends."""
        match block:
            case Heading(text=text, level=level):
                yield ""
                yield from self._text(text, "bold underline" if level == 1 else "bold")
            case Paragraph(text=text, tone=tone, indent=indent):
                yield from self._text(text, _TONES[tone], indent)
            case Items(lines=lines, indent=indent):
                for line in lines:
                    yield from self._hanging(line, indent)
            case Preformatted(text=text):
                for line in text.split("\n"):
                    yield "".join(self._painted(part, _DIFF.get(line[:1], "")) for part in untabbed(line))
            case Rows():
                yield ""
                yield from self._table(block)

    def _painted(self, text: str, style: str) -> str:
        return painted(text, style) if self._colour else text

    def _text(self, text: str, style: str, indent: int = 0) -> Iterator[str]:
        for line in wrapped(text, self._width - indent):
            yield " " * indent + self._painted(line, style)

    def _hanging(self, text: str, indent: int) -> Iterator[str]:
        for index, line in enumerate(wrapped(text, self._width - indent - 2)):
            yield f"{' ' * indent}{' ' if index else '-'} {line}"

    def _table(self, block: Rows) -> Iterator[str]:
        """The table in columns where they have room, else each row as its name and number with the rest below."""
        columns = list(zip(block.head, *block.rows, strict=True))
        widths = [max(map(cells, column)) for column in columns]
        before = sum(widths[:-1]) + _GAP * (len(widths) - 1)
        if before + min(widths[-1], _LAST) <= self._width:
            yield from self._columns(block, [*widths[:-1], min(max(widths[-1], 1), self._width - before)])
            return
        if block.titled and (folds := folded(block.head, block.rows, self._width, _GAP)):
            yield from self._folded(block, folds)
            return
        yield from self._line(block.head[:2], widths, "dim")
        for index, row in enumerate(block.rows):
            yield from self._line(row[:2], widths, _MARKED if index in block.marked else "")
            rest = zip(block.head[2:], row[2:], strict=True)
            below = [f"{title}: {cell}" if block.titled else cell for title, cell in rest]
            if below:
                yield from self._text("; ".join(below), "dim", 4)

    def _folded(self, block: Rows, folds: Folded) -> Iterator[str]:
        """The table in columns whose cells may have several lines; the lines of a head stand beside its last one."""
        for index, row in enumerate((folds.head, *folds.rows)):
            style = _HEAD if index == 0 else _MARKED if index - 1 in block.marked else ""
            height = max(map(len, row))
            for line in range(height):
                texts = (_line_of(cell, line - (height - len(cell) if index == 0 else 0)) for cell in row)
                cells_set = (
                    _set(text, width, at) for at, (text, width) in enumerate(zip(texts, folds.widths, strict=True))
                )
                yield self._painted((" " * _GAP).join(cells_set), style)

    def _columns(self, block: Rows, widths: list[int]) -> Iterator[str]:
        yield from self._row(block.head, widths, _HEAD, head=True)
        for index, row in enumerate(block.rows):
            yield from self._row(row, widths, _MARKED if index in block.marked else "")

    def _row(self, row: tuple[str, ...], widths: list[int], style: str, *, head: bool = False) -> Iterator[str]:
        """The lines of a row: only its last cell may have several; in a head the others stand beside the last line."""
        between = style if head else ""
        gap = self._painted(" " * _GAP, between)
        whole, empty = "", ""
        for index, (cell, width) in enumerate(zip(row[:-1], widths[:-1], strict=True)):
            whole += self._painted(_set(cell, width, index), style) + gap
            empty += self._painted(" " * (width + _GAP), between)
        last = len(row) - 1
        lines = wrapped(row[last], widths[last])
        beside = len(lines) - 1 if head else 0
        for index, line in enumerate(lines):
            before = whole if index == beside else empty
            yield before + self._painted(_set(line, widths[last], last), style)

    def _line(self, pair: tuple[str, ...], widths: list[int], style: str) -> Iterator[str]:
        name, number = pair
        gap = " " * (widths[0] - cells(name) + _GAP + widths[1] - cells(number))
        yield from self._text(f"{name}{gap}{number}", style)


def _line_of(cell: list[str], line: int) -> str:
    return cell[line] if 0 <= line < len(cell) else ""


def _set(text: str, width: int, column: int) -> str:
    """The text padded to the width of its column; the second column is right-aligned."""
    text = text.rstrip() if column == 1 else text
    gap = " " * (width - cells(text))
    return gap + text if column == 1 else text + gap
