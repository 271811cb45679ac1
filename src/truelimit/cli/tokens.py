"""Counts of tokens as people write them: 131072, 131,072, 131_072, 128k, 1M (``domain.token_counts`` has the rule)."""

from __future__ import annotations

from truelimit.cli.parser import bad_value
from truelimit.domain import token_counts
from truelimit.domain.message import said

_MOST = 10**15  # what is larger than any model is refused by those who ask, by name


class Count(int):
    """A count of tokens with how it was written, where that was with a k or M."""

    told: str = ""


def tokens(text: str, k: int = 1024) -> Count | None:
    """Return a count of tokens, or None for what is none; ``k`` is what a k stands for."""
    plain = text.strip().replace(",", "").replace("_", "").lower()
    letter = plain[-1:] if plain[-1:] in {"k", "m"} else ""
    digits = plain.removesuffix(letter) if letter else plain
    whole, dot, part = digits.partition(".")
    if not _digits(whole) or (dot and not (letter and _digits(part))):
        return None
    value = token_counts.in_full(float(digits), letter, k)
    if not 0 < value <= _MOST or value != int(value):
        return None
    found = Count(value if letter else int(digits))
    found.told = text.strip() if letter else ""
    return found


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def asked_tokens(text: str) -> Count:
    """Return the value of an option that asks for tokens. Raises ArgumentTypeError for what is no count of them."""
    found = tokens(text)
    if found is None:
        raise bad_value(
            said(
                "{text!r} is no count of tokens; expected a whole number above 0, such as 131072 or 128k (131,072)",
                text=text[:40],
            )
        )
    return found


def read_as(count: int | None) -> tuple[str, ...]:
    """Return what a count with a k or M was read as, where it was written so."""
    if not isinstance(count, Count) or not count.told:
        return ()
    return (token_counts.read_as(count.told, int(count)),)
