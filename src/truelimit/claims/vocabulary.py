"""Names that claims may use, and how they are found in a text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from truelimit.claims.scan import Scanner

# What would make it another name: a further letter, digit or plus, or the suffix of a sibling ("M4" in "M4 Ultra").
_NO_MORE = r"(?![\w+]|\.\d|[\s\-](?:pro|max|ultra|ti|super|xtx?|gre|laptop|mobile)\b)"
# A bare number ("4090") is a card's only where nothing makes it a count, a rate, a price or a context.
_COUNTED = "".join(
    rf"(?<!{word})"
    for word in ("$", "~", ">", "<", "-", ",", "$ ", "- ", "of ", "at ", "to ", "for ", "with ", "depth ", "ctx ",
                 "@ d", "context ", "window ", "prompt ", "prompts ", "about ", "is ", "costs ")
).replace("$", r"\$")  # fmt: skip
_NO_UNIT = (
    r"(?!,?\d|\s?(?:[KMGTP]i?B|[km]\b|tok|t\s?/|tps|[TP]?FLOP|T?OPS\b|W\b|USD|dollars|context|ctx|window|prompt|depth|x\b|%|/|"
    r"\+|s\b|sec|min|ms\b|h\b|hours|users|requests|cores|MHz|(?:-|to)\s?\d))"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names in lower case with the ids that they stand for: machines and accelerators, models, a provider's models.

    ``never`` are names of machines that never were, with what to say instead.
    """

    machines: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    clouds: Mapping[str, str] = field(default_factory=dict)
    never: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Name:
    """A name that was found: the id, where it stood, and its words."""

    id: str
    start: int
    end: int
    text: str


def find(scanner: Scanner, names: Mapping[str, str]) -> list[Name]:
    """Return the names that occur in what is left, the longest first, in the order of the text; they are blanked."""
    found: list[Name] = []
    text = scanner.left.lower()
    for name in sorted((item for item in names if _may_occur(item, text)), key=lambda item: (-len(item), item)):
        matches = scanner.take(pattern(name))
        found += [Name(names[name], *match.span(), match.group()) for match in matches]
    return sorted(found, key=lambda item: item.start)


@lru_cache(maxsize=4096)
def pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a name: its words joined by blanks, hyphens or nothing; a plural counts as the name.

    A name of digits alone must not be a number with a unit.
    """
    if name.isdigit():
        return re.compile(rf"(?<![\w.]){_COUNTED}{name}s?{_NO_MORE}{_NO_UNIT}", re.IGNORECASE)
    words = [re.escape(word) for word in re.split(r"[\s\-_]+", name) if word]
    return re.compile(r"(?<![\w.])" + r"[\s\-_]?".join(words) + r"s?" + _NO_MORE, re.IGNORECASE)


def _may_occur(name: str, text: str) -> bool:
    """A cheap test before the pattern: the first word of the name is in the text."""
    return _first_word(name) in text


@lru_cache(maxsize=4096)
def _first_word(name: str) -> str:
    return re.split(r"[\s\-_]+", name)[0]


def nearest(word: str, names: Mapping[str, str], most: int = 3) -> tuple[str, ...]:
    """Return the names nearest to a word that no table knows, best first."""
    plain = word.lower()
    close = difflib.get_close_matches(plain, list(names), n=most * 3, cutoff=0.5)
    return tuple(dict.fromkeys(names[name] for name in close))[:most]
