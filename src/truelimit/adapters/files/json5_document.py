"""A JSON5 (or JSON) configuration file: its value, the place of each key, and changes that touch nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.files import json5_edit
from truelimit.adapters.files.json5_style import line_indent, own_line, style_at, style_of
from truelimit.adapters.files.json5_syntax import Container, Item, Node, Scalar, SyntaxProblem, parse, value_of
from truelimit.adapters.files.json5_values import put, same
from truelimit.domain.agent import ConfigPath, ConfigPlace
from truelimit.domain.message import said

MAX_BYTES = 4 * 2**20


class Json5Error(Exception):
    """A configuration file that cannot be read or changed: where, what happened, what was expected, what to do."""

    def __init__(self, file: str, line: int | None, what: str, expected: str, do: str) -> None:
        """Keep the parts; the message joins them. None of them may quote the file's content."""
        where = said("{file}, line {line}", file=file, line=line) if line else file
        super().__init__(
            said("{where}: {what} (expected {expected}); {do}", where=where, what=what, expected=expected, do=do)
        )
        self.file, self.line, self.what, self.expected, self.do = file, line, what, expected, do


@dataclass(frozen=True, slots=True)
class Json5Document:
    """One parsed file. ``set`` and ``remove`` return the new text; the document itself never changes."""

    text: str
    file: str
    root: Node

    @classmethod
    def parse(cls, text: str, file: str) -> Json5Document:
        """Return the document of a text. Raises Json5Error when it is too large, too deep or not JSON5."""
        if len(text) > MAX_BYTES:
            raise _too_large(file)
        try:
            return cls(text, file, parse(text))
        except SyntaxProblem as problem:
            line = text.count("\n", 0, problem.index) + 1
            do = said("correct the file at this line, or restore its last backup")
            raise Json5Error(file, line, problem.what, problem.expected, do) from None

    @classmethod
    def read(cls, path: Path, file: str | None = None) -> Json5Document:
        """Return the document of a file, line ends and byte-order mark kept. Raises OSError and Json5Error."""
        name = file or str(path)
        if path.exists() and not path.is_file():
            raise Json5Error(
                name, None, said("not an ordinary file"), said("a file"), said("check that this is the right path")
            )
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _too_large(name)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Json5Error(
                name, line, said("a byte that is not UTF-8"), said("UTF-8 text"), said("save the file as UTF-8")
            ) from None
        return cls.parse(text, name)

    @property
    def value(self) -> object:
        """The whole file as plain Python values; of keys given twice the last one counts."""
        return value_of(self.root)

    def has(self, path: ConfigPath) -> bool:
        """Return whether the path is present (a null counts as present)."""
        return self._node(path) is not None

    def get(self, path: ConfigPath, default: object = None) -> object:
        """Return the plain value at the path, or ``default`` where it is absent."""
        node = self._node(path)
        return default if node is None else value_of(node)

    def place(self, path: ConfigPath) -> ConfigPlace:
        """Return the place of a key: its line (1-based), or for an absent key that of its nearest present parent."""
        node, index = self.root, self.root.start
        for key in path:
            item = _child(node, key)
            if item is None:
                break
            node, index = item.node, item.start
        return ConfigPlace(self.file, path, self.text.count("\n", 0, index) + 1)

    def set(self, path: ConfigPath, value: object) -> str:
        """Return the text with ``value`` at the path: only its characters replaced, or a key added in place.

        An added key follows the style of its siblings; missing parents are created; a list index equal to the length
        appends. Raises Json5Error where a parent is neither object nor list, TypeError for a value that is not JSON.
        """
        node, depth = self._deepest(path)
        if depth == len(path):
            splices = self._replace(path, node, value)
        else:
            key, rest = path[depth], path[depth + 1 :]
            parent = self._parent(path[: depth + 1], node, key)
            name = key if isinstance(key, str) else None
            splices = json5_edit.insert(self.text, parent, name, _nest(rest, value), style_of(self.text, self.root))
        new = json5_edit.apply(self.text, splices)
        return self._checked(new, put(self.value, path, value))

    def remove(self, path: ConfigPath) -> str:
        """Return the text without the key (all of it where it stands twice). An absent path changes nothing.

        Raises Json5Error for the empty path.
        """
        if not path:
            raise Json5Error(
                self.file, 1, said("the whole file cannot be removed as a key"), said("a key"), said("delete the file")
            )
        text, document = self.text, self
        while isinstance(parent := document._node(path[:-1]), Container):
            index = _index(parent, path[-1])
            if index is None:
                break
            text = document._without(parent, index)
            document = Json5Document.parse(text, self.file)
            if isinstance(path[-1], int):
                break
        return text

    def _without(self, parent: Container, index: int) -> str:
        """Return the text without one item, by the neater of two ways that reads back with nothing else gone."""
        expected = _count(self.root) - _count(parent.items[index].node)
        for splices in (
            json5_edit.remove(self.text, parent, index),
            json5_edit.remove_plainly(parent, index),
        ):
            new = json5_edit.apply(self.text, splices)
            try:
                if _count(parse(new)) == expected:
                    return new
            except SyntaxProblem:
                continue
        raise self._unsure(parent.items[index].start)

    def _checked(self, new: str, expected: object) -> str:
        """Return ``new`` after reading it again: an edit that would not give what it should is never handed out."""
        try:
            given = value_of(parse(new))
        except SyntaxProblem:
            given = None
        if not same(given, expected):
            raise self._unsure(self.root.start)
        return new

    def _unsure(self, index: int) -> Json5Error:
        line = self.text.count("\n", 0, index) + 1
        what = said("the change cannot be made without touching other text")
        return Json5Error(self.file, line, what, said("a key with ordinary layout"), said("change this key by hand"))

    def _replace(self, path: ConfigPath, node: Node, value: object) -> list[json5_edit.Splice]:
        style = style_of(self.text, self.root)
        parent = self._node(path[:-1]) if path else None
        item = _child(parent, path[-1]) if parent is not None else None
        start = item.start if item is not None else node.start
        style = style_at(self.text, parent, style) if isinstance(parent, Container) else style
        spread = own_line(self.text, start) or (not path and "\n" in self.text.strip())
        written = style.write(value, line_indent(self.text, start), not spread)
        return [json5_edit.Splice(node.start, node.end, written)]

    def _node(self, path: ConfigPath) -> Node | None:
        node, depth = self._deepest(path)
        return node if depth == len(path) else None

    def _deepest(self, path: ConfigPath) -> tuple[Node, int]:
        """Return the last present node along the path and how many keys lead to it."""
        node = self.root
        for depth, key in enumerate(path):
            item = _child(node, key)
            if item is None:
                return node, depth
            node = item.node
        return node, len(path)

    def _parent(self, path: ConfigPath, node: Node, key: str | int) -> Container:
        """Return the node as the container that can take ``key``. Raises Json5Error when it cannot."""
        place = self.place(path)
        if isinstance(node, Scalar) or node.is_object != isinstance(key, str):
            kind = (
                said("a single value")
                if isinstance(node, Scalar)
                else said("an object")
                if node.is_object
                else said("a list")
            )
            needed = said("an object") if isinstance(key, str) else said("a list")
            raise Json5Error(
                self.file,
                place.line,
                said("the parent of {path} is {kind}", path=_name(path), kind=kind),
                needed,
                said("correct the parent"),
            )
        if isinstance(key, int) and key != len(node.items):
            what = said(
                "the list that should hold {path} has {items} elements", path=_name(path), items=len(node.items)
            )
            raise Json5Error(
                self.file,
                place.line,
                what,
                said("an index up to {items}", items=len(node.items)),
                said("append one at a time"),
            )
        return node


def _too_large(file: str) -> Json5Error:
    what = said("the file is larger than {max_bytes} bytes", max_bytes=MAX_BYTES)
    return Json5Error(
        file, None, what, said("a configuration of ordinary size"), said("check that this is the right file")
    )


def _name(path: ConfigPath) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def _index(node: Node, key: str | int) -> int | None:
    """Return the position of a key (the last one where it is given twice) or of an element."""
    if isinstance(node, Scalar) or node.is_object != isinstance(key, str):
        return None
    if isinstance(key, int):
        return key if 0 <= key < len(node.items) else None
    return next((index for index in range(len(node.items) - 1, -1, -1) if node.items[index].key == key), None)


def _child(node: Node | None, key: str | int) -> Item | None:
    index = _index(node, key) if node is not None else None
    return node.items[index] if isinstance(node, Container) and index is not None else None


def _nest(keys: ConfigPath, value: object) -> object:
    for key in reversed(keys):
        value = {key: value} if isinstance(key, str) else [value]
    return value


def _count(node: Node) -> int:
    if isinstance(node, Scalar):
        return 1
    return 1 + sum(_count(item.node) for item in node.items)
