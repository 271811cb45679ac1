"""Where a value comes from and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Generic, TypeVar

from truelimit.domain.frozen import dataclass

T_co = TypeVar("T_co", covariant=True)


class Basis(StrEnum):
    """How a value is known, most trusted first. There is no default."""

    MEASURED = "measured"
    REPORTED = "reported"
    SPECIFIED = "specified"
    DERIVED = "derived"
    ASSUMED = "assumed"


_ORDER = {basis: rank for rank, basis in enumerate(Basis)}


def worst(bases: Iterable[Basis]) -> Basis:
    """Return the least trusted basis: that of a result made of several terms.

    Raises ValueError when there is none.
    """
    return max(bases, key=_ORDER.__getitem__)


@dataclass(frozen=True, slots=True)
class Known(Generic[T_co]):
    """A value, where it was read (file and key, endpoint, or default in whose code), and its basis."""

    value: T_co
    where: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that could not be had, and why: reported, never guessed."""

    fact: str
    why: str
