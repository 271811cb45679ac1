"""How wide a label is, without a font at hand: by classes of letters, on the safe side for usual sans-serif fonts."""

from __future__ import annotations

import unicodedata

_NARROW = frozenset("iIjl.,:;'|!()[]{}ftr`/\\ -")
_WIDE = frozenset("mwMWQO@%&")
# Shares of the size of a letter: those of DejaVu Sans, a wide font, rounded up.
_SHARES = {"mark": 0.42, "narrow": 0.42, "plain": 0.64, "capital": 0.72, "wide": 1.0, "full": 1.0}
_VIRAMA = 9  # the canonical combining class of what joins two consonants


def width_of(text: str, size: float) -> float:
    """Return the width of a label of this size in the units of its drawing; never too small for common fonts."""
    return size * sum(_share(sign) for sign in text)


def _share(sign: str) -> float:
    kind = unicodedata.category(sign)
    if kind in {"Mn", "Me", "Cf"}:
        return 0.0
    if sign in _NARROW:
        return _SHARES["narrow"]
    if kind == "Mc":
        return _SHARES["mark"]
    if sign in _WIDE:
        return _SHARES["wide"]
    if unicodedata.east_asian_width(sign) in {"W", "F"}:
        return _SHARES["full"]
    return _SHARES["capital"] if sign.isupper() or not sign.isascii() else _SHARES["plain"]


def cut(text: str, size: float, room: float) -> str:
    """Return the label, or its beginning and end with dots between, so that it fits into so much room.

    Signs that are written as one (a consonant and its vowel) are kept or left out together.
    """
    if width_of(text, size) <= room:
        return text
    whole = clusters(text)
    keep = len(whole)
    while keep > 2 and width_of(_middle_out(whole, keep), size) > room:
        keep -= 1
    return _middle_out(whole, keep)


def clusters(text: str) -> list[str]:
    """Return the text in pieces that are written as one: marks with their base, consonants joined by a virama."""
    found: list[str] = []
    for sign in text:
        joined = found and unicodedata.combining(found[-1][-1]) == _VIRAMA
        if found and (joined or unicodedata.category(sign) in {"Mn", "Mc", "Me"}):
            found[-1] += sign
        else:
            found.append(sign)
    return found


def _middle_out(pieces: list[str], keep: int) -> str:
    head = (keep + 1) // 2
    return f"{''.join(pieces[:head])}\u2026{''.join(pieces[len(pieces) - (keep - head) :])}"
