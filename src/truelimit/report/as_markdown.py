"""A document as Markdown, for an issue or a chat."""

from __future__ import annotations

from collections.abc import Iterable

from truelimit.report.document import Block, Heading, Items, Paragraph, Preformatted, Rows


def render(blocks: Iterable[Block]) -> str:
    """Return the blocks as Markdown. Text from files cannot break out of its place."""
    return "\n".join(line for block in blocks for line in _lines(block)).strip() + "\n"


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(text=text, level=level):
            return ["", f"{'#' * (level + 1)} {_safe(text)}", ""]
        case Paragraph(text=text, tone=tone):
            return [f"**{_safe(text)}**" if tone == "verdict" else _safe(text), ""]
        case Items(lines=lines):
            return [*(f"- {_safe(line)}" for line in lines), ""]
        case Preformatted(text=text):
            return ["", *(f"    {line}" for line in text.splitlines()), ""]
        case Rows():
            return _table(block)


def _table(block: Rows) -> list[str]:
    head = "| " + " | ".join(block.head) + " |"
    rule = "|" + "|".join("--:" if index == 1 else "---" for index in range(len(block.head))) + "|"
    rows = [_row(row, index in block.marked) for index, row in enumerate(block.rows)]
    return ["", head, rule, *rows, ""]


def _row(row: tuple[str, ...], marked: bool) -> str:
    cells = [f"**{_safe(cell)}**" if marked else _safe(cell) for cell in row]
    return "| " + " | ".join(cells) + " |"


def _safe(text: str) -> str:
    for sign in ("\\", "`", "*", "_", "<", "|", "["):
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
