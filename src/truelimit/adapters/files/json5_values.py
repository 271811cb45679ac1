"""Plain values behind a JSON5 file: what a change should give, and whether two values are the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from truelimit.domain.agent import ConfigPath


def put(tree: object, path: ConfigPath, value: object) -> object:
    """Return ``tree`` with ``value`` at ``path``, parents created; the tree given is not changed."""
    if not path:
        return plain(value)
    key, rest = path[0], path[1:]
    if isinstance(key, str):
        members = dict(tree) if isinstance(tree, Mapping) else {}
        members[key] = put(members.get(key), rest, value)
        return members
    items = list(tree) if isinstance(tree, list) else []
    items[key : key + 1] = [put(items[key] if key < len(items) else None, rest, value)]
    return items


def plain(value: object) -> object:
    """Return mappings as dicts and sequences as lists, all the way down."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def same(left: object, right: object) -> bool:
    """Return whether two plain values are equal, NaN being equal to itself and true not to 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return isinstance(left, bool) == isinstance(right, bool) and left == right
