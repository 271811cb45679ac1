"""Numbers of a claim that nobody can judge: zero or below, without an end, written as powers, of units not known."""

from __future__ import annotations

import difflib
import re

from truelimit.claims.scan import Scanner
from truelimit.domain.message import Message, said

_BELOW_ZERO = re.compile(r"(?:(?<=\s)|^|\()(?:-\s?\$?|\$\s?-)\s?\d[\d,.]*\s?(?:[a-zA-Z$%][\w/]*)?")
_NOUGHT = r"(?:0+(?:\.0*)?|\.0+)"
_TIMED = r"(?:min(?:ute)?s?|s(?:ec(?:ond)?s?)?|h(?:ours?)?)\b"
_OF_TOKENS = r"(?!\s?(?:/|per |a )\s?(?:1\s?)?M)"  # a million tokens may cost nothing
_POWER = re.compile(r"\b\d+(?:\.\d+)?e[+-]?\d+\b(?:\s?[a-zA-Z][\w/]*)?", re.I)
_RATED = (
    r"(?:tok(?:en)?s?|t|[KMGTPE]i?B)\s?(?:/|per |a |p)\s?\w+|tps\b|[KMGTPE]i?B\b|[TP]FLOP\w*|T?OPS\b|USD\b|dollars\b"
)
_NO_END = r"(?:inf(?:inity|inite(?:ly many)?)?|\u221e|nan|unlimited|endless)"
_ENDLESS = re.compile(rf"(?:\$\s?)?(?<!\w)[+-]?\s?{_NO_END}(?!\w)\s?(?:{_RATED})", re.I)
_ZERO = re.compile(
    rf"(?<![\w.,$])~?(?:{_NOUGHT}\s?(?:-|to)\s?)?{_NOUGHT}\s?-?(?:{_RATED}|{_TIMED}|(?:x|times)\b){_OF_TOKENS}"
    rf"|\$\s?{_NOUGHT}(?![\d.,]*\d){_OF_TOKENS}",
    re.I,
)
_TOO_LONG = re.compile(r"(?<![\w.,])\d{16,}(?:\.\d+)?(?:\s?[a-zA-Z$%][\w/]*)?")
_FOREIGN = re.compile(r"\b\d[\d,.]*\s?(?:[KMPE]i?B|[kMGT]b)(?:/s(?:ec)?|ps)?\b|\b\d[\d,.]*\s?[kMGT]bit/s\b")
_CURRENCY = re.compile(
    r"[\u20ac\u00a3\u00a5\u20b9]\s?\d[\d,.]*|[\d,.]+\s?[\u20ac\u00a3\u00a5\u20b9]"
    r"|\b\d[\d,.]*\s?(?:EUR|euros?|GBP|pounds?|INR|rupees?|JPY|yen|CNY|CHF|francs?)\b",
    re.I,
)
_PATTERNS = (_BELOW_ZERO, _ZERO, _POWER, _ENDLESS, _TOO_LONG, _FOREIGN, _CURRENCY)
# What is left once every reader took its numbers: "40 words/s", "40 tokens per watt".
_OTHER_RATE = re.compile(
    r"(?<![\w.,$])~?\d[\d,.]*k?\s?-?[A-Za-z]{1,20}\s?(?:/\s?|per |an? (?=week|month|year))[A-Za-z]\w*", re.I
)
_NO_UNIT = r"(?:on|at|with|for|in|using|from|over|is|are|and|of|the|to|or)\b"
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNITS = ("tok/s", "GB/s", "TB/s", "GB", "TB", "GiB", "TFLOPS", "TOPS", "USD", "s", "min")
_KNOWN = ", ".join(_UNITS)


def misread(scanner: Scanner) -> tuple[str, ...]:
    """Return the numbers that nobody can judge, and blank them; to be asked before other readers take their digits."""
    found = [match for pattern in _PATTERNS for match in scanner.take(pattern)]
    return tuple(match.group().strip(" (.,") for match in found)


def other_rates(scanner: Scanner) -> tuple[str, ...]:
    """Return the rates of units that are not known, and blank them; to be asked after all other readers."""
    return tuple(match.group().strip() for match in scanner.take(_OTHER_RATE))


def numbers(words: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return those of the words left over that begin as a number does, with the word of the text behind each.

    They may be what the claim is about; a year is not.
    """
    left = (word for word in words if re.match(r"[~<>$]?\d", word) and not _YEAR.fullmatch(word))
    return tuple(_with_unit(word, text) for word in left)


def _with_unit(word: str, text: str) -> str:
    found = re.search(rf"(?<![\w.]){re.escape(word)}\s?(?!{_NO_UNIT})[A-Za-z%][\w/]*", text, re.I)
    return found.group() if found else word


def why(text: str) -> Message:
    """Return why a number cannot be judged, with the units that come nearest to its own."""
    if _BELOW_ZERO.match(text) or _ZERO.match(text):
        return said("{number} was not read: a rate, a size and a price are above 0", number=text)
    if _POWER.match(text) or _ENDLESS.match(text) or _TOO_LONG.match(text):
        return said("{number} was not read: expected a plain number, such as 40 or 1,200", number=text)
    unit = re.sub(r"^[~\d,.\sk-]+(?=[A-Za-z])", "", text).strip()
    if _CURRENCY.match(text):
        return said("{number} was not read: prices are compared in USD; nearest: $4,000 or 4,000 USD", number=text)
    if not unit[:1].isalpha():
        return said("{number} was not read: its unit is not told; known are {units}", number=text, units=_KNOWN)
    near = difflib.get_close_matches(unit.replace("bit", "B"), _UNITS, n=2, cutoff=0.5)
    if not near:
        return said(
            "{number} was not read: the unit {unit} is not known; known are {units}",
            number=text,
            unit=unit,
            units=_KNOWN,
        )
    return said(
        "{number} was not read: the unit {unit} is not known; nearest: {near}",
        number=text,
        unit=unit,
        near=", ".join(near),
    )
