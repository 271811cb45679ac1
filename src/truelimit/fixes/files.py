"""Edits of one file: checked against the value that they expect, applied to the text, shown as a diff."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from truelimit.domain.findings import ABSENT, ConfigEdit
from truelimit.domain.message import said
from truelimit.fixes.change import FileChange, TextEditor, shown_path
from truelimit.fixes.diff import is_secret, masked, unified_diff
from truelimit.fixes.together import together


class EditRefused(Exception):
    """An edit cannot be made. ``edit`` is the one; the message says where and why."""

    def __init__(self, edit: ConfigEdit, reason: str) -> None:
        """Keep the edit."""
        self.edit = edit
        super().__init__(said("{file}: {path}: {reason}", file=edit.file, path=shown_path(edit.path), reason=reason))


def change_of(file: str, text: str, edits: Iterable[ConfigEdit], editor: TextEditor) -> FileChange | None:
    """Return the change of one file, or None when the text already holds all values.

    Raises EditRefused.
    """
    edits = in_order(edits)
    new = edited(text, edits, editor)
    if new == text:
        return None
    return FileChange(file, edits, sha256_of(text), sha256_of(new), unified_diff(file, text, new))


def edited(text: str, edits: Iterable[ConfigEdit], editor: TextEditor) -> str:
    """Return the text after all edits, each checked against what it expects to replace. Raises EditRefused."""
    for edit in edits:
        text = _edited_once(text, edit, editor)
    return text


def in_order(edits: Iterable[ConfigEdit]) -> tuple[ConfigEdit, ...]:
    """Return the edits without repeats: values first, then removals from the back, so that no index shifts."""
    unique = together(edits)
    removals = [edit for edit in unique if edit.value is ABSENT]
    removals.sort(key=lambda edit: [key if isinstance(key, int) else -1 for key in edit.path], reverse=True)
    return (*(edit for edit in unique if edit.value is not ABSENT), *removals)


def sha256_of(text: str) -> str:
    """Return the SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _edited_once(text: str, edit: ConfigEdit, editor: TextEditor) -> str:
    try:
        current = editor.value(text, edit.file, edit.path)
        if _same(current, edit.value):
            return text
        if not _same(current, edit.expected):
            name = str(edit.path[-1])
            raise EditRefused(
                edit,
                said(
                    "holds {name}, expected {name2}; examine again",
                    name=_shown(name, current),
                    name2=_shown(name, edit.expected),
                ),
            )
        if edit.value is ABSENT:
            return editor.remove(text, edit.file, edit.path)
        return editor.set(text, edit.file, edit.path, edit.value)
    except ValueError as error:
        raise EditRefused(edit, said("cannot be edited: {error}", error=error)) from None


def _same(left: object, right: object) -> bool:
    """Equal and of one type where JSON tells types apart: true is not 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _shown(name: str, value: object) -> str:
    """Return a value for a message: structures by kind alone, texts of secret keys not at all."""
    if value is ABSENT:
        return said("no such key")
    if isinstance(value, Mapping | list):
        return said("another {text}", text="object" if isinstance(value, Mapping) else "list")
    return said("another text") if isinstance(value, str) and is_secret(name) else masked(repr(value))
