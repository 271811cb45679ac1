"""Results that belong to one large immutable value, made once: several questions are asked of the same log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from truelimit.domain.facts import Stack

T = TypeVar("T")
R = TypeVar("R")


class Remembered(Generic[T, R]):
    """A function that keeps its results for the last few values, told apart by identity.

    Comparing or hashing tuples of a hundred thousand events would cost more than the work that is saved. What is kept
    holds its value too, so that no other can come to have the same identity. Tuples and stacks count as immutable: for
    anything else the result is made anew.
    """

    def __init__(self, make: Callable[[T], R], most: int = 32) -> None:
        """Keep the results of ``make`` for at most so many values, those made first going first."""
        self._make = make
        self._most = most
        self._kept: dict[int, tuple[T, R]] = {}

    def __call__(self, value: T) -> R:
        """Return the result for a value. Raises what ``make`` raises."""
        if not isinstance(value, tuple | Stack):
            return self._make(value)
        known = self._kept.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        made = self._make(value)
        if len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[id(value)] = value, made
        return made
