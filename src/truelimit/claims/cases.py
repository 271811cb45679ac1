"""A family of readings of a claim with the ceiling of each."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.claims.ceiling import most
from truelimit.claims.known import AT_LIMIT_NAMED, AT_LIMIT_SIZE
from truelimit.claims.words import listed, short
from truelimit.domain.calculation import Calculation
from truelimit.domain.claims import Reading
from truelimit.domain.message import said


@dataclass(frozen=True, slots=True)
class Case:
    """One family of readings with its limits: ``first`` is the one to print, ``best`` the most generous one."""

    readings: tuple[Reading, ...]
    limits: tuple[tuple[Reading, Calculation], ...]

    @property
    def first(self) -> Calculation:
        """The limit of the reading that comes first."""
        return self.limits[0][1]

    @property
    def best(self) -> tuple[Reading, Calculation]:
        """The most generous limit and its reading."""
        return most(self.limits)

    @property
    def allowed(self) -> float:
        """The rate above which a claim is impossible: the most generous limit and the rounding of its terms."""
        reading, limit = self.best
        return float(limit.result) * (AT_LIMIT_NAMED if reading.named else AT_LIMIT_SIZE)


def other_limits(case: Case) -> str:
    """Return the ceilings of the other readings as text, empty where there is one reading."""
    others = [
        said("{result} at {quantization}", result=short(float(limit.result)), quantization=reading.shape.quantization)
        for reading, limit in case.limits[1:]
    ]
    return said("; {others}", others=listed(others)) if others else ""
