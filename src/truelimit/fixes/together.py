"""Edits of several fixes that go together although they meet at one key: entries added to one list, longer waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from truelimit.domain.findings import ABSENT, ConfigEdit


def go_together(one: ConfigEdit, two: ConfigEdit) -> bool:
    """Return whether two edits of one key can both be met: two new entries of a list, or two least values."""
    if (one.file, one.path) != (two.file, two.path):
        return False
    if one.at_least and two.at_least:
        return one.expected == two.expected and _is_number(one.value) and _is_number(two.value)
    return _adds_to_list(one) and _adds_to_list(two) and _id(one) != _id(two)


def together(edits: Iterable[ConfigEdit]) -> tuple[ConfigEdit, ...]:
    """Return the edits of one file without repeats: new entries of a list one behind the other, the largest wait."""
    found: list[ConfigEdit] = []
    for edit in edits:
        if any((known.path, known.value) == (edit.path, edit.value) for known in found):
            continue
        rival = next((index for index, known in enumerate(found) if _is_larger(edit, known)), None)
        if rival is not None:
            found[rival] = max(found[rival], edit, key=lambda item: float(str(item.value)))
        elif not _adds_to_list(edit) or not _is_there(edit, found):
            found.append(_behind(edit, found))
    return tuple(found)


def comes_from(final: ConfigEdit, edit: ConfigEdit) -> bool:
    """Return whether an edit of a plan's file is this one, or stands for it."""
    if final == edit or go_together(final, edit):
        return final == edit or final.at_least
    return _adds_to_list(final) and _adds_to_list(edit) and _same_entry(final, edit)


def _is_larger(edit: ConfigEdit, known: ConfigEdit) -> bool:
    return edit.at_least and go_together(edit, known)


def _behind(edit: ConfigEdit, before: list[ConfigEdit]) -> ConfigEdit:
    """The edit, moved behind the entries that others add to the same list."""
    if not _adds_to_list(edit):
        return edit
    others = sum(_adds_to_list(item) and item.path[:-1] == edit.path[:-1] for item in before)
    return replace(edit, path=(*edit.path[:-1], int(edit.path[-1]) + others)) if others else edit


def _is_there(edit: ConfigEdit, before: list[ConfigEdit]) -> bool:
    return any(_adds_to_list(item) and _same_entry(item, edit) for item in before)


def _same_entry(one: ConfigEdit, two: ConfigEdit) -> bool:
    return (one.file, one.path[:-1], one.value) == (two.file, two.path[:-1], two.value)


def _adds_to_list(edit: ConfigEdit) -> bool:
    return edit.expected is ABSENT and bool(edit.path) and isinstance(edit.path[-1], int) and _id(edit) is not None


def _id(edit: ConfigEdit) -> object:
    return edit.value.get("id") if isinstance(edit.value, Mapping) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
