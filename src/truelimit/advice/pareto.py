"""The Pareto front: those that no other beats in one thing without losing in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def front(items: Sequence[T], scores: Callable[[T], tuple[float, ...]]) -> list[T]:
    """Return the items that no other dominates, in their order. Every score counts the higher the better.

    Of items with equal scores the first is kept.
    """
    scored = [(item, scores(item)) for item in items]
    return [
        item
        for index, (item, own) in enumerate(scored)
        if not any(
            _beats(other, own, before=place < index) for place, (_, other) in enumerate(scored) if place != index
        )
    ]


def _beats(other: tuple[float, ...], own: tuple[float, ...], *, before: bool) -> bool:
    as_good = all(theirs >= ours for theirs, ours in zip(other, own, strict=True))
    return as_good and (before or other != own)
