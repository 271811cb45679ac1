"""Fills a translated template: numbers as the language writes them, messages and fixed words told, data as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from string import Formatter
from typing import TYPE_CHECKING, Any

from truelimit.domain.message import Message, shaped

if TYPE_CHECKING:
    from truelimit.report.language import Language

_NUMBER = re.compile(r"(?P<sign>\+?)(?P<comma>,?)(?:\.(?P<digits>\d+))?(?P<kind>[fgdx%]?)")


def told(say: Language, text: str) -> str:
    """Return a message in a language. A plain text is data and stays, a word of the program's own enums is told."""
    if isinstance(text, Enum):
        return say.look_up(str(text.value))
    if not isinstance(text, Message):
        return text
    values = text.values
    template = say.look_up(text.template, text.many, _count(values))
    made = _Filler(say).vformat(template, (), values) if values else template
    return shaped(made, text.form, told(say, str(values.get("start", ""))))


def _count(values: Mapping[str, object]) -> int:
    count = values.get("count")
    return count if isinstance(count, int) else 1


class _Filler(Formatter):
    """``str.format`` in a language."""

    def __init__(self, say: Language) -> None:
        self._say = say

    def format_field(self, value: Any, format_spec: str) -> Any:
        """Return a value as text; numbers by the language."""
        if isinstance(value, str):
            return format(told(self._say, value), format_spec)
        if isinstance(value, BaseException):
            return told(self._say, str(value))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return format(value, format_spec)
        return number(self._say, value, format_spec)


def number(say: Language, value: float, form: str) -> str:
    """Return a number in a format such as ``,.1f``, ``.0%`` or ``.4g``, with the separators of the language.

    What has no such format (an exponent, a width) is written as English writes it.
    """
    english = format(value, form)
    found = _NUMBER.fullmatch(form)
    if found is None or found["kind"] == "x" or "e" in english or "n" in english:
        return english
    sign = found["sign"] if value >= 0 else ""
    body = english.strip("+%").replace(",", "")
    digits = len(body.partition(".")[2])
    text = sign + say.decimal(float(body) if digits else int(body), digits)
    return f"{text}%" if found["kind"] == "%" else text
