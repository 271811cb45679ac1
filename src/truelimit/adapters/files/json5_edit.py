"""Changes to a JSON5 text that leave every other character as it is."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.adapters.files.json5_style import Style, line_indent, own_line, style_at
from truelimit.adapters.files.json5_syntax import Container, Item


@dataclass(frozen=True, slots=True)
class Splice:
    """Put ``new`` in the place of ``text[start:end]``."""

    start: int
    end: int
    new: str


def apply(text: str, splices: list[Splice]) -> str:
    """Return the text with all splices made; they must not overlap."""
    for splice in sorted(splices, key=lambda item: item.start, reverse=True):
        text = text[: splice.start] + splice.new + text[splice.end :]
    return text


def insert(text: str, container: Container, key: str | None, value: object, base: Style) -> list[Splice]:
    """Return what adds a member (or with ``key`` None an element) at the end of a container."""
    if not container.items:
        return _fill(text, container, key, value, base)
    style = style_at(text, container, base)
    last = container.items[-1]
    if not own_line(text, last.start):
        return _append_inline(last, _entry(style, key, value, line_indent(text, last.start), one_line=True), style)
    indent = line_indent(text, last.start)
    entry = style.newline + indent + _entry(style, key, value, indent, one_line=_on_one_line(text, last))
    if last.comma is not None:
        return [Splice(at := end_of_remark(text, last.comma + 1), at, entry + ",")]
    at = end_of_remark(text, last.node.end)
    if at == last.node.end:
        return [Splice(at, at, "," + entry)]
    return [Splice(last.node.end, last.node.end, ","), Splice(at, at, entry)]


def _on_one_line(text: str, sibling: Item) -> bool:
    """Return whether a sibling object or list is written on one line, so that its new neighbour is too."""
    node = sibling.node
    return isinstance(node, Container) and bool(node.items) and "\n" not in text[node.start : node.end]


def _entry(style: Style, key: str | None, value: object, indent: str, *, one_line: bool) -> str:
    written = style.write(value, indent, one_line)
    return written if key is None else style.key(key) + written


def _append_inline(last: Item, entry: str, style: Style) -> list[Splice]:
    if last.comma is not None:
        return [Splice(last.comma + 1, last.comma + 1, f"{style.gap}{entry},")]
    return [Splice(last.node.end, last.node.end, f",{style.gap}{entry}")]


def _fill(text: str, container: Container, key: str | None, value: object, style: Style) -> list[Splice]:
    """Fill an empty container: over several lines where the file is written so, else on its line."""
    inside = text[container.start + 1 : container.end - 1]
    end = container.end - 1
    outer = line_indent(text, container.start)
    if not inside.strip():
        many = "\n" in text.strip("\ufeff \t\r\n")
        pad = style.gap if container.is_object else ""
        if not many:
            return [Splice(container.start + 1, end, pad + _entry(style, key, value, outer, one_line=True) + pad)]
        entry = _entry(style, key, value, outer + style.unit, one_line=False)
        return [Splice(container.start + 1, end, style.newline + outer + style.unit + entry + style.newline + outer)]
    # Only comments stand inside: the entry goes below them, on a line of its own, so that no // swallows it.
    at = container.start + 1 + len(inside.rstrip())
    entry = _entry(style, key, value, outer + style.unit, one_line=False)
    tail = "" if "\n" in text[at:end] else style.newline + outer
    return [Splice(at, at, style.newline + outer + style.unit + entry + tail)]


def remove(text: str, container: Container, index: int) -> list[Splice]:
    """Return what takes the item at ``index`` away with its comma and the white space before it."""
    item = container.items[index]
    start = _blank_before(text, item.start, container.start + 1)
    end = item.node.end if item.comma is None else item.comma + 1
    if len(container.items) == 1 and not (text[container.start + 1 : start] + text[end : container.end - 1]).strip():
        return [Splice(container.start + 1, container.end - 1, "")]
    if own_line(text, item.start) or index == len(container.items) - 1:
        splices = [Splice(start, end, "")]
    else:
        splices = [Splice(item.start, container.items[index + 1].start, "")]
    return splices + _comma_before(container, index)


def remove_plainly(container: Container, index: int) -> list[Splice]:
    """Return what takes only the item's own characters and its comma: the safe way where comments stand around it."""
    item = container.items[index]
    splices = [Splice(item.start, item.node.end, "")]
    if item.comma is not None:
        splices.append(Splice(item.comma, item.comma + 1, ""))
    return splices + _comma_before(container, index)


def _comma_before(container: Container, index: int) -> list[Splice]:
    """The comma before a last item goes with it where the list ends without one."""
    if index == 0 or index != len(container.items) - 1 or container.items[index].comma is not None:
        return []
    comma = container.items[index - 1].comma
    return [] if comma is None else [Splice(comma, comma + 1, "")]


def _blank_before(text: str, index: int, floor: int) -> int:
    while index > floor and text[index - 1] in " \t\r\n":
        index -= 1
    return index


def end_of_remark(text: str, index: int) -> int:
    """Return the end of comments that begin behind ``index`` on the same line, or ``index`` when there is none."""
    at = index
    while True:
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        if text.startswith("//", at):
            ends = [end for end in (text.find(char, at) for char in "\r\n\u2028\u2029") if end >= 0]
            return min(ends, default=len(text))
        close = text.find("*/", at) if text.startswith("/*", at) else -1
        if close < 0:
            return index
        index = at = close + 2
