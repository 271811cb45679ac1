"""Reads numbers with units out of free text: each number is read once, what is left is known."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

MOST_CHARACTERS = 2000
_SIGNS = str.maketrans({"–": "-", "—": "-", "−": "-", "‑": "-", "×": "x", "≈": "~", "≥": ">", "≤": "<", "’": "'"})
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,9})?|\.\d{1,9}"
_AROUND = 64  # characters: "KV cache of <a model's full name> at 262,144 is" must be seen from the number
_SCALES = {"": 1, "k": 1000, "m": 1_000_000}
_JOINED = re.compile(
    r"(?<![\w.])(\d{1,3})x(?=[A-Za-z]|[2-9]0[5-9]0(?!\d))", re.IGNORECASE
)  # 8xMI300X, 4x3090; not 8x7B
_ABOUT = r"(?:~\s?|>\s?|<\s?|about |around |roughly |up to |over |under |ca\.? ?)?"


@dataclass(frozen=True, slots=True)
class Found:
    """A number or range as read: its ends, whether it is open upwards, its words, and the words around it."""

    low: float
    high: float
    text: str
    open: bool
    before: str
    after: str
    unit: str


def normal(text: str) -> str:
    """Return the text in one form: plain signs, single spaces, counts apart from cards, at most 2,000 characters."""
    plain = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS].translate(_SIGNS)).translate(_SIGNS)
    return _JOINED.sub(r"\1x ", " ".join(plain.split()))[:MOST_CHARACTERS]


def value(number: str, scale: str = "") -> float:
    """Return a number such as ``4,000`` or ``10`` with scale ``k`` or ``M``."""
    return float(number.replace(",", "")) * _SCALES[scale.lower()]


class Scanner:
    """Text from which parts are taken; what was taken is blanked, so that no number is read twice."""

    def __init__(self, text: str) -> None:
        """Start with a text in normal form."""
        self.text = text
        self._left = text

    @property
    def left(self) -> str:
        """What was not taken yet, blanks in place of the rest."""
        return self._left

    def words(self, pattern: str) -> bool:
        """Return whether a pattern occurs, taken or not."""
        return re.search(pattern, self.text, re.IGNORECASE) is not None

    def take(self, pattern: str | re.Pattern[str]) -> list[re.Match[str]]:
        """Return the matches of a pattern in what is left, and blank them. A text is matched in any case."""
        compiled = re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern
        found = list(compiled.finditer(self._left))
        for match in found:
            self.blank(*match.span())
        return found

    def blank(self, start: int, end: int) -> None:
        """Blank a part."""
        self._left = self._left[:start] + " " * (end - start) + self._left[end:]

    def numbers(
        self, unit: str, prefix: str = "", scales: str = "k", read: Callable[[str, str], float] = value
    ) -> list[Found]:
        """Return numbers and ranges followed by a unit, each with the words around it, and blank them.

        ``prefix`` is a sign before the number (a currency); ``scales`` are the letters that multiply it, by ``read``.
        """
        scale = rf"(?:(?P<{{name}}>[{scales}])(?![\w]))?" if scales else r"(?P<{name}>)"
        low = rf"(?<![\w.,]){_ABOUT}{prefix}(?P<low>{NUMBER}){scale.format(name='ls')}"
        high = rf"(?:\s?(?:-|to|and)\s?(?:{prefix})?(?P<high>{NUMBER}){scale.format(name='hs')})?"
        more = r"(?P<more>\s?\+|-plus| or more| and up)?"
        return [self._found(match, read) for match in self.take(rf"{low}{high}{more}\s?-?(?P<unit>{unit})")]

    def _found(self, match: re.Match[str], read: Callable[[str, str], float]) -> Found:
        high_scale = match["hs"] or ""
        low_scale = match["ls"] or (high_scale if match["high"] else "")
        low = read(match["low"], low_scale)
        high = read(match["high"], high_scale) if match["high"] else low
        start, end = match.span()
        low, high = min(low, high), max(low, high)
        around = (self.text[max(0, start - _AROUND) : start], self.text[end : end + _AROUND])
        return Found(low, high, match.group().strip(" -"), bool(match["more"]), *around, match["unit"])

    def unread(self) -> tuple[str, ...]:
        """Return the words with digits that nobody took."""
        return tuple(word.strip(".,;:()") for word in self._left.split() if re.search(r"\d", word))
