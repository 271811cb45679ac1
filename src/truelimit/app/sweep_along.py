"""Whole numbers along many contexts, asked only where they bend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from truelimit.perf.kv_cache import PADDING

_FEW = 24  # so few contexts are each asked of the engine


def along(
    contexts: Sequence[int], ask: Callable[[int], tuple[int, int]], joint: bool = True, batch: int = 512
) -> tuple[list[int], list[int]]:
    """Return two whole numbers for each context, asking only where they bend.

    Contexts above the physical batch (``batch``) count by whole cells (256 tokens) where the slots share one cache
    (``joint``); smaller ones are asked one by one.
    """
    keys = keys_of(contexts, joint, batch)
    distinct = sorted(set(keys))
    large = [key for key in distinct if key >= batch]
    known: dict[int, tuple[int, int]] = {}
    few = len(large) <= _FEW
    for key in distinct if few else distinct[: len(distinct) - len(large)]:
        known[key] = ask(key)
    if not few:
        _fill(large, 0, len(large) - 1, ask, known)
    first, second = ({key: pair[side] for key, pair in known.items()} for side in (0, 1))
    return [first[key] for key in keys], [second[key] for key in keys]


def keys_of(contexts: Sequence[int], joint: bool, batch: int) -> Sequence[int]:
    """Return for each context one that takes the same memory: the whole cells of a shared cache."""
    return [n if n < batch else -(-n // PADDING) * PADDING for n in contexts] if joint else contexts


def _fill(
    keys: Sequence[int], low: int, high: int, ask: Callable[[int], tuple[int, int]], known: dict[int, tuple[int, int]]
) -> None:
    """Fill keys[low] to keys[high]: along a line where four points lie on it exactly, else by halves."""
    picked = sorted({low, low + (high - low) // 3, low + 2 * (high - low) // 3, high})
    for index in picked:
        if keys[index] not in known:
            known[keys[index]] = ask(keys[index])
    if high - low <= 3:
        return
    points = [(keys[index], *known[keys[index]]) for index in picked]
    if _on_a_line(points):
        (x0, y0, z0), (x1, y1, z1) = points[0], points[-1]
        for key in keys[low : high + 1]:
            part = key - x0
            known[key] = (y0 + (y1 - y0) * part // (x1 - x0), z0 + (z1 - z0) * part // (x1 - x0))
        return
    middle = (low + high) // 2
    _fill(keys, low, middle, ask, known)
    _fill(keys, middle, high, ask, known)


def _on_a_line(points: Sequence[tuple[int, int, int]]) -> bool:
    (x0, y0, z0), (x1, y1, z1) = points[0], points[-1]
    return all(
        (y - y0) * (x1 - x0) == (y1 - y0) * (x - x0) and (z - z0) * (x1 - x0) == (z1 - z0) * (x - x0)
        for x, y, z in points[1:-1]
    )
