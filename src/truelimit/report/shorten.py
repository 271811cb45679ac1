"""What people see: short digests, the home folder as ``~``, no control characters. JSON keeps all whole."""

from __future__ import annotations

import re
from dataclasses import replace

from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows

_DIGEST = re.compile(r"(sha256[-:][0-9a-f]{8})[0-9a-f]{56}")
_SIGNS = r"\s:,;()\[\]{}<>'\"`=|"  # what ends a path in a sentence
# A home is named whole (/home/x), from here (demohome, ../x), or with a space where homes lie (/Users/Max Muster).
_FOLDERS = re.compile(
    rf"(?<![^{_SIGNS}])(?:/(?:Users|home)/[^/:,;()\n]+|[^{_SIGNS}]*)/(\.(?:ollama|openclaw|clawdbot|moltbot|moldbot)(?:-[\w-]+)?/)"
)
_SPACES = re.compile(r"[ \t\n\r\f\v]+")  # not those at which no line may end
# Names come from files of others: an escape sequence or a change of direction in one must not reach the terminal.
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"


def shortened(block: Block) -> Block:
    """Return the block with long names shortened and control characters replaced; a diff keeps its names."""
    match block:
        case Heading() | Paragraph():
            return replace(block, text=_short(block.text))
        case Items():
            return replace(block, lines=tuple(_short(line) for line in block.lines))
        case Rows():
            return replace(block, rows=tuple(tuple(_short(cell) for cell in row) for row in block.rows))
        case Preformatted():
            return Preformatted(_plain(block.text))


def _plain(text: str) -> str:
    """The text with control characters replaced; what is printable has none, and most texts are."""
    return text if text.isprintable() else re.sub(_CONTROL, "\ufffd", text)


def _short(text: str) -> str:
    return _SPACES.sub(" ", _plain(_FOLDERS.sub(r"~/\1", _DIGEST.sub(r"\1..", text)))).strip()
