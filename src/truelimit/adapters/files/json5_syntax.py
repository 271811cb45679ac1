"""JSON5 text to a tree of nodes that know their place in the text.

An own reader, because edits need the exact characters of each value and hostile files need bounds. It follows the
JSON5 specification 1.0.0 (https://spec.json5.org); strict JSON is a part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from truelimit.adapters.files.json5_strings import BadEscapeError, unescape
from truelimit.domain.message import said

MAX_DEPTH = 100
MAX_VALUES = 200_000

_BLANK = "\\t\\v\\f \\u00a0\\ufeff\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000"
_SKIP = re.compile(rf"(?:[{_BLANK}\n\r\u2028\u2029]++|//[^\n\r\u2028\u2029]*+|/\*.*?\*/)*+", re.DOTALL)
_STRING = {
    '"': re.compile(r'"((?:[^"\\\n\r]++|\\(?:\r\n|.))*+)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\\n\r]++|\\(?:\r\n|.))*+)'", re.DOTALL),
}
_NUMBER = re.compile(
    r"[+-]?(?:(?P<hex>0[xX][0-9a-fA-F]+)|(?P<word>Infinity|NaN)"
    r"|(?P<float>(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][+-]?[0-9]+)?|(?:0|[1-9][0-9]*)(?:\.(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))"
    r"|(?P<int>0|[1-9][0-9]*))"
)
_NAME = re.compile(rf"(?:[$\w\u200c\u200d]|\\u[0-9a-fA-F]{{4}}|[^\x00-\x7f{_BLANK}\u2028\u2029])++")
_WORDS = {"true": True, "false": False, "null": None}
_MAX_DIGITS = 4000


class SyntaxProblem(Exception):
    """The text is not JSON5 at ``index``: ``what`` was found, ``expected`` was due. Holds no text of the file."""

    def __init__(self, index: int, what: str, expected: str) -> None:
        """Keep the place and the two halves of the message."""
        super().__init__(what)
        self.index, self.what, self.expected = index, what, expected


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, boolean or null: its characters are ``text[start:end]``."""

    start: int
    end: int
    value: object


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object (``key`` set) or an element of an array.

    ``start`` is where its key, or else its value, begins; ``key_end`` where the key ends (``start`` without one);
    ``comma`` is the index of the comma behind it, or None.
    """

    key: str | None
    start: int
    key_end: int
    node: Scalar | Container
    comma: int | None


@dataclass(frozen=True, slots=True)
class Container:
    """An object or an array, brackets included in ``text[start:end]``."""

    start: int
    end: int
    is_object: bool
    items: tuple[Item, ...]


Node = Scalar | Container


def parse(text: str) -> Node:
    """Return the tree of a JSON5 text. Raises SyntaxProblem, also beyond MAX_DEPTH and MAX_VALUES."""
    reader = _Reader(text)
    node = reader.value(reader.skip(0), 0)
    end = reader.skip(node.end)
    if end < len(text):
        raise reader.problem(end, said("the end of the file"))
    return node


def value_of(node: Node) -> object:
    """Return the plain Python value of a node; of keys given twice the last one counts."""
    if isinstance(node, Scalar):
        return node.value
    if node.is_object:
        return {item.key: value_of(item.node) for item in node.items}
    return [value_of(item.node) for item in node.items]


def skip_blank(text: str, index: int) -> int:
    """Return the index of the first character at or after ``index`` that is neither white space nor comment."""
    match = _SKIP.match(text, index)
    return match.end() if match else index


class _Reader:
    """A recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.values = 0

    def skip(self, index: int) -> int:
        return skip_blank(self.text, index)

    def problem(self, index: int, expected: str) -> SyntaxProblem:
        """Describe what stands at ``index`` without quoting more than one character."""
        if index >= len(self.text):
            return SyntaxProblem(index, said("the file ends too early"), expected)
        if self.text.startswith("/*", index):
            return SyntaxProblem(index, said("a comment /* is never closed"), "*/")
        char = self.text[index]
        if char in "\"'":
            return SyntaxProblem(index, said("a string is not closed on its line"), expected)
        return SyntaxProblem(index, said("unexpected character {char!r}", char=char), expected)

    def value(self, index: int, depth: int) -> Node:
        self.values += 1
        if self.values > MAX_VALUES:
            raise SyntaxProblem(
                index,
                said("more than {max_values} values", max_values=MAX_VALUES),
                said("a configuration of ordinary size"),
            )
        char = self.text[index : index + 1]
        if char in ("{", "["):
            return self.container(index, depth + 1)
        if char in ('"', "'"):
            text, end = self.string(index)
            return Scalar(index, end, text)
        return self.number(index) or self.word(index)

    def container(self, start: int, depth: int) -> Container:
        if depth > MAX_DEPTH:
            raise SyntaxProblem(
                start,
                said("values are nested deeper than {max_depth}", max_depth=MAX_DEPTH),
                said("a configuration of ordinary depth"),
            )
        is_object = self.text[start] == "{"
        close = "}" if is_object else "]"
        items: list[Item] = []
        index = self.skip(start + 1)
        while not self.text.startswith(close, index):
            item = self.item(index, is_object, depth)
            items.append(item)
            index = self.skip(item.node.end if item.comma is None else item.comma + 1)
            if item.comma is None and not self.text.startswith(close, index):
                raise self.problem(index, said("a comma or {close!r}", close=close))
        return Container(start, index + 1, is_object, tuple(items))

    def item(self, index: int, is_object: bool, depth: int) -> Item:
        start, key, key_end = index, None, index
        if is_object:
            key, key_end = self.key(index)
            colon = self.skip(key_end)
            if not self.text.startswith(":", colon):
                raise self.problem(colon, said("a colon"))
            index = self.skip(colon + 1)
        node = self.value(index, depth)
        comma = self.skip(node.end)
        return Item(key, start, key_end, node, comma if self.text.startswith(",", comma) else None)

    def key(self, index: int) -> tuple[str, int]:
        if self.text[index : index + 1] in ('"', "'"):
            return self.string(index)
        match = _NAME.match(self.text, index)
        if match is None or match[0][0].isdigit():
            raise self.problem(index, said("a key or '}'"))
        return self.unescaped(match[0], index), match.end()

    def string(self, index: int) -> tuple[str, int]:
        match = _STRING[self.text[index]].match(self.text, index)
        if match is None:
            raise self.problem(index, said("a closing quote"))
        return self.unescaped(match[1], index), match.end()

    def unescaped(self, body: str, index: int) -> str:
        try:
            return unescape(body)
        except BadEscapeError as error:
            raise SyntaxProblem(index, said("a string holds a broken escape"), str(error)) from None

    def number(self, index: int) -> Scalar | None:
        match = _NUMBER.match(self.text, index)
        if match is None:
            return None
        if _NAME.match(self.text, match.end()):
            raise self.problem(match.end(), said("the end of a number"))
        return Scalar(index, match.end(), _number(match))

    def word(self, index: int) -> Scalar:
        match = _NAME.match(self.text, index)
        if match is None or match[0] not in _WORDS:
            raise self.problem(index, said("a value"))
        return Scalar(index, match.end(), _WORDS[match[0]])


def _number(match: re.Match[str]) -> int | float:
    sign = -1 if match[0].startswith("-") else 1
    digits = match[0].lstrip("+-")
    if match["hex"]:
        return sign * int(digits, 16)
    if match["int"] and len(digits) <= _MAX_DIGITS:
        return sign * int(digits)
    return sign * float(digits.replace("Infinity", "inf"))
