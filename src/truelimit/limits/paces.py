"""How fast a stack reads and writes, and what that rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.estimates import Tier
    from truelimit.domain.rates import DecodeFit, PrefillFit

DEEP = 2200  # tokens: from here on estimates are less sure (perf/rates/interval.py)


@dataclass(frozen=True, slots=True)
class Widths:
    """Relative half-widths h of a 90 % interval (value / (1 + h) to value * (1 + h)): short contexts, and deep ones.

    ``deep`` is that at ``DEEP`` tokens; ``farther`` are depths beyond it with theirs, by rising depth.
    """

    short: float
    deep: float
    farther: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How fast a stack reads. ``widths`` are those of an estimate; None: the fit's own error counts.

    ``copies`` are the seconds, within the fit, that each batch waits for what lies in main memory.
    """

    fit: PrefillFit
    tier: Tier
    widths: Widths | None = None
    notes: tuple[str, ...] = ()
    copies: Calculation | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """How fast a stack writes. ``least`` are the costs below which physics lets no token be written: c and d.

    ``least_window`` is what full windows add to them, filled as those of the fit are.
    """

    fit: DecodeFit
    tier: Tier
    widths: Widths | None = None
    least: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    least_window: float = 0.0
