"""A document as Markdown, for an issue or a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable

from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.language import ENGLISH, Language
from truelimit.report.language_blocks import told
from truelimit.report.shorten import shortened

_SIGNS = re.compile(r"([\\`*_|\[\]~$])")
_ENTITIES = {"&": "&amp;", "<": "&lt;"}
_LEADING = re.compile(r"^[#>+=-]")


def render(blocks: Iterable[Block], say: Language = ENGLISH) -> str:
    """Return the blocks as Markdown. Text from files cannot break out of its place."""
    written: list[str] = [""]
    for block in blocks:
        lines = _lines(shortened(told(say, block)))
        written += lines[1:] if written[-1] == "" and lines[0] == "" else lines
    return "\n".join(written).strip() + "\n"


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(text=text, level=level):
            return ["", f"{'#' * (level + 1)} {_safe(text)}", ""]
        case Paragraph(text=text, tone=tone):
            return ["", f"**{_safe(text)}**" if tone == "verdict" else _start(_safe(text)), ""]
        case Items(lines=lines):
            return ["", *(f"- {_start(_safe(line))}" for line in lines), ""]
        case Preformatted(text=text):
            fence = _fence(text)
            return ["", f"{fence}diff", *text.split("\n"), fence, ""]
        case Rows():
            return _table(block)


def _fence(text: str) -> str:
    """A fence that no line of the text can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def _table(block: Rows) -> list[str]:
    head = "| " + " | ".join(_safe(title) for title in block.head) + " |"
    rule = "|" + "|".join("--:" if index == 1 else "---" for index in range(len(block.head))) + "|"
    rows = [_row(row, index in block.marked) for index, row in enumerate(block.rows)]
    return ["", head, rule, *rows, ""]


def _row(row: tuple[str, ...], marked: bool) -> str:
    cells = [f"**{_safe(cell)}**" if marked and cell.strip() else _safe(cell) for cell in row]
    return "| " + " | ".join(cells) + " |"


def _safe(text: str) -> str:
    plain = _SIGNS.sub(r"\\\1", text)
    for sign, entity in _ENTITIES.items():
        plain = plain.replace(sign, entity)
    return " ".join(plain.split())


def _start(text: str) -> str:
    """Text that begins like a heading, a quote or a list must not become one."""
    return _LEADING.sub(lambda found: "\\" + found.group(), text)
