"""Sentences that can be told in another language: a text in English that remembers how it was made.

A ``Message`` is a ``str``: it compares, sorts, and goes into JSON as its English text. It also keeps its template and
the values in it, so that a report can look the template up in a catalogue and write the numbers as its readers do.
What is done to it with the methods of ``str`` (slices, ``join``, f-strings) gives plain text, which stays English: use
``said``, ``joined``, ``capital`` and ``+`` instead. A plain ``str`` is data (a name, a path) and is never translated.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False  # not from typing, nor collections.abc: the start of the command line imports this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_NOTHING: Mapping[str, object] = {}
_WITHOUT = "without start"
_MOST_DIGITS = 9  # after the point
_OR = (" or ", " \u092f\u093e ")  # in the languages that there are


class Message(str):
    """A text in English with its ``template`` and ``values``.

    ``many`` is the template for other counts than one, where there is one. ``form`` is what is done to the text once it
    is told (see ``shaped``).
    """

    __slots__ = ("form", "many", "template", "values")

    template: str
    many: str
    values: Mapping[str, object]
    form: str

    def __new__(cls, text: str) -> Message:
        """Return a message that is its own template."""
        made = super().__new__(cls, text)
        made.template, made.many, made.values, made.form = text, "", _NOTHING, ""
        return made

    def __str__(self) -> str:
        """Return the message itself, so that ``str(error)`` of an error with a message can still be told."""
        return self

    def __add__(self, other: str) -> Message:
        """Return both, one after the other."""
        return joined("", (self, other))

    def __radd__(self, other: str) -> Message:
        """Return both, one after the other."""
        return joined("", (other, self))

    def with_values(self, change: Callable[[object], object]) -> Message:
        """Return the same message with each value changed."""
        return _made(self.template, self.many, {name: change(value) for name, value in self.values.items()}, self.form)


def said(template: str, /, **values: object) -> Message:
    """Return a sentence: a template in the manner of ``str.format`` with values by name.

    Numbers are given as numbers, with their format in the template (``{n:,}``), so that each language writes its own.
    A template that is not a literal is one of the program's fixed words, which are listed for the catalogues.
    """
    return _made(template, "", values)


def counted(one: str, many: str, count: int, /, **values: object) -> Message:
    """Return the sentence for so many things; ``{count}`` in it is the number."""
    return _made(one, many, {"count": count, **values})


def figure(value: float, form: str = ",") -> Message:
    """Return a number alone, in the format of a template."""
    return _made(f"{{value:{form}}}", "", {"value": value})


def rate(value: float) -> Message:
    """Return tokens/s without the unit: one decimal, and two digits that count where that would hide them."""
    digits = 1 - math.floor(math.log10(abs(value))) if 0 < abs(value) < 1 else 1
    return figure(value, f",.{min(digits, _MOST_DIGITS)}f")


def joined(between: str, parts: Iterable[str]) -> Message:
    """Return texts one after the other with something between them, each still to be translated."""
    values: dict[str, object] = {}
    for part in parts:
        if values and between:
            values[f"between{len(values)}"] = between
        values[f"part{len(values)}"] = part
    return _made("".join(f"{{{name}}}" for name in values), "", values)


def capital(text: str) -> Message:
    """Return a text with a capital at its start."""
    return _made("{text}", "", {"text": text}, "capital")


def small(text: str) -> Message:
    """Return a text with a small letter at its start, for the middle of a sentence; a name in capitals stays."""
    return _made("{text}", "", {"text": text}, "small")


def first_sentence(text: str) -> Message:
    """Return the first sentence of a text."""
    return _made("{text}", "", {"text": text}, "first sentence")


def last_choice(text: str) -> Message:
    """Return what stands after the last ``or`` of a text."""
    return _made("{text}", "", {"text": text}, "last choice")


def without_start(text: str, start: str) -> Message:
    """Return a text without what it begins with, where it does (a source that was named above)."""
    return _made("{text}", "", {"text": text, "start": start}, _WITHOUT)


def shaped(text: str, form: str, start: str = "") -> str:
    """Return a plain text in one of the forms.

    They are capital, small, first sentence (which ends with a stop or a danda), last choice, and without start, which
    takes ``start`` away from where the text begins; both are in the same language.
    """
    if form == _WITHOUT:
        return text.removeprefix(start)
    match form:
        case "capital":
            return text[:1].upper() + text[1:]
        case "small":
            return text[:1].lower() + text[1:] if text[1:2].islower() else text
        case "first sentence":
            end = min((at for stop in (". ", "\u0964 ") if (at := text.find(stop)) >= 0), default=len(text))
            return text[: end + 1]
        case "last choice":
            return max((text.rpartition(word)[2] for word in _OR if word in text), key=len, default=text)
    return text


def english(template: str, many: str, values: Mapping[str, object]) -> str:
    """Return the text in English. Raises KeyError for a name in braces that has no value."""
    chosen = template
    if many:
        chosen = template if values["count"] == 1 else many
        values = {**values, "count": f"{values['count']:,}"}
    return chosen.format_map(values) if values else chosen


def told_again(template: str, many: str, values: Mapping[str, object], form: str) -> Message:
    """Return the message of these parts, as they were kept. Raises KeyError and ValueError for parts of no message."""
    return _made(template, many, values, form)


def _made(template: str, many: str, values: Mapping[str, object], form: str = "") -> Message:
    made = Message(shaped(english(template, many, values), form, str(values.get("start", ""))))
    made.template, made.many, made.values, made.form = template, many, values, form
    return made
