"""How a JSON5 file is written, so that what is added to it looks as if its author had written it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from truelimit.adapters.files.json5_strings import is_plain_name, write_scalar, write_string
from truelimit.adapters.files.json5_syntax import Container, Item, Node, Scalar


@dataclass(frozen=True, slots=True)
class Style:
    """Quotes, spaces and line ends of a file or of one container in it.

    ``quote`` is for strings, ``key_quote`` for keys (empty: plain names go without). ``unit`` is one step of
    indentation, empty when values stand on one line. ``colon`` and ``gap`` are what stands after a key and after a
    comma on the same line. ``trailing`` says that the last item of a list over several lines has a comma.
    """

    quote: str = '"'
    key_quote: str = '"'
    newline: str = "\n"
    unit: str = "  "
    colon: str = ": "
    gap: str = " "
    trailing: bool = False

    def key(self, key: str) -> str:
        """Return a key with its colon."""
        plain = not self.key_quote and is_plain_name(key)
        return (key if plain else write_string(key, self.key_quote or self.quote)) + self.colon

    def write(self, value: object, indent: str, one_line: bool) -> str:
        """Return a JSON value as text whose first line starts where it is put and whose others start at ``indent``."""
        if isinstance(value, Mapping):
            parts = [self.key(str(key)) + self.write(item, indent + self.unit, one_line) for key, item in value.items()]
            return self._wrap("{", parts, "}", indent, one_line)
        if isinstance(value, Sequence) and not isinstance(value, str):
            parts = [self.write(item, indent + self.unit, one_line) for item in value]
            return self._wrap("[", parts, "]", indent, one_line)
        return write_scalar(value, self.quote)

    def _wrap(self, opening: str, parts: list[str], closing: str, indent: str, one_line: bool) -> str:
        if not parts:
            return opening + closing
        if one_line:
            pad = self.gap if opening == "{" else ""
            return opening + pad + f",{self.gap}".join(parts) + pad + closing
        inner = self.newline + indent + self.unit
        end = ("," if self.trailing else "") + self.newline + indent
        return opening + inner + f",{inner}".join(parts) + end + closing


def style_of(text: str, root: Node) -> Style:
    """Return the prevailing style of a whole file."""
    items = list(_items(root))
    keys = [text[item.start] for item in items if item.key is not None]
    strings = [text[item.node.start] for item in items if isinstance(item.node, Scalar)]
    key_quote = _most([char if char in "\"'" else "" for char in keys], default='"')
    quote = _most([char for char in strings if char in "\"'"], default=key_quote or '"')
    newline = "\r\n" if "\r\n" in text else "\n"
    tight = bool(keys) and all(text[item.key_end : item.node.start] == ":" for item in items if item.key is not None)
    style = Style(quote=quote, key_quote=key_quote, newline=newline, unit=_unit(text, root))
    return replace(style, colon=":", gap="") if tight else style


def style_at(text: str, container: Container, base: Style) -> Style:
    """Return the style of one container: that of its last item where it has one, else the file's."""
    if not container.items:
        return base
    last = container.items[-1]
    style = replace(base, trailing=last.comma is not None)
    if last.key is not None:
        char = text[last.start]
        colon = text[last.key_end : last.node.start]
        style = replace(style, key_quote=char if char in "\"'" else "")
        style = replace(style, colon=colon) if colon.strip(" \t") == ":" else style
    if len(container.items) > 1 and (comma := container.items[-2].comma) is not None:
        gap = text[comma + 1 : last.start]
        style = replace(style, gap=gap) if not gap.strip(" ") else style
    return style


def line_indent(text: str, index: int) -> str:
    """Return the white space at the start of the line that ``index`` is on."""
    start = text.rfind("\n", 0, index) + 1
    line = text[start:index].lstrip("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]


def own_line(text: str, index: int) -> bool:
    """Return whether only white space stands before ``index`` on its line, and a line break before that."""
    start = text.rfind("\n", 0, index) + 1
    return start > 0 and not text[start:index].strip(" \t")


def _items(node: Node) -> list[Item]:
    found: list[Item] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Container):
            found.extend(current.items)
            waiting.extend(item.node for item in current.items)
    return found


def _most(chars: list[str], default: str) -> str:
    return max(sorted(set(chars)), key=chars.count) if chars else default


def _unit(text: str, root: Node) -> str:
    """Return the step of indentation between the outermost container and its first item on a line of its own."""
    if isinstance(root, Container):
        for item in root.items:
            step = line_indent(text, item.start).removeprefix(line_indent(text, root.start))
            if own_line(text, item.start) and step:
                return step
    return "  "
