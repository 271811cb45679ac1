"""A language for tests: each message told with letters that English lacks, so that what was not told stands out."""

from __future__ import annotations

import re
from gettext import NullTranslations

from truelimit.report.language import Language

_PLACE = re.compile(r"(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")
_LETTERS = {code: code + 0x2460 - 0x61 + 0x70 for code in range(0x61, 0x7B)} | {
    code: code + 0x24B6 - 0x41 for code in range(0x41, 0x5B)
}
_UNTOLD = re.compile(r"(?<![\w./~:=-])[a-z][a-z']+(?: +[a-z][a-z']*)+(?![\w./=])")


def strange(text: str) -> str:
    """Return the text with its letters in circles; what stands in braces stays."""
    parts = _PLACE.split(text)
    return "".join(part if _PLACE.fullmatch(part) else part.translate(_LETTERS) for part in parts)


class _Strange(NullTranslations):
    def gettext(self, message: str) -> str:
        return strange(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return strange(msgid1 if n == 1 else msgid2)


# Its numbers are those of German, so that a number that was not told stands out too.
PSEUDO = Language("de", _Strange())


def untold(text: str) -> list[str]:
    """Return the runs of two and more plain English words in a text told in PSEUDO: they were never told.

    One word alone may be data: a name, a key, a unit of a file.
    """
    flat = re.sub(r"\s+", " ", text)
    return [found.group() for found in _UNTOLD.finditer(flat)]
