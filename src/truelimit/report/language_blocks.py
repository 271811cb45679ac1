"""Blocks in the language of a report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows

if TYPE_CHECKING:
    from truelimit.report.language import Language


def told(say: Language, block: Block) -> Block:
    """Return the block with its messages told in a language; a diff stays as it is."""
    if say.is_source:
        return block
    match block:
        case Heading() | Paragraph():
            return replace(block, text=say.told(block.text))
        case Items():
            return replace(block, lines=_each(say, block.lines))
        case Rows():
            return told_rows(say, block)
        case Preformatted():
            return block


def told_rows(say: Language, block: Rows) -> Rows:
    """Return a table with its messages told."""
    return replace(block, head=_each(say, block.head), rows=tuple(_each(say, row) for row in block.rows))


def _each(say: Language, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(say.told, texts))
