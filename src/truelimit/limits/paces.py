"""How fast a stack reads and writes, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.domain.estimates import Tier
from truelimit.domain.rates import DecodeFit, PrefillFit

DEEP = 2200  # tokens: from here on estimates are less sure (perf/rates/interval.py)


@dataclass(frozen=True, slots=True)
class Widths:
    """Relative half-widths h of a 90 % interval (value / (1 + h) to value * (1 + h)): short contexts, and deep ones."""

    short: float
    deep: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How fast a stack reads. ``widths`` are those of an estimate; None: the fit's own error counts."""

    fit: PrefillFit
    tier: Tier
    widths: Widths | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Writing:
    """How fast a stack writes. ``least`` are the costs below which physics lets no token be written: c and d."""

    fit: DecodeFit
    tier: Tier
    widths: Widths | None = None
    least: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
