"""Shorter names for people: digests by their beginning, the home folder as ``~``. JSON keeps them whole."""

from __future__ import annotations

import re
from dataclasses import replace

from truelimit.report.document import Block, Heading, Items, Paragraph, Rows

_DIGEST = re.compile(r"(sha256[-:][0-9a-f]{8})[0-9a-f]{56}")
_FOLDERS = re.compile(r"(?:/[^\s:,;()]+)?/(\.(?:ollama|openclaw|clawdbot|moltbot|moldbot)(?:-[\w-]+)?/)")


def shortened(block: Block) -> Block:
    """Return the block with long names shortened; a diff is left as it is."""
    match block:
        case Heading() | Paragraph():
            return replace(block, text=_short(block.text))
        case Items():
            return replace(block, lines=tuple(_short(line) for line in block.lines))
        case Rows():
            return replace(block, rows=tuple(tuple(_short(cell) for cell in row) for row in block.rows))
    return block


def _short(text: str) -> str:
    return _FOLDERS.sub(r"~/\1", _DIGEST.sub(r"\1..", text))
