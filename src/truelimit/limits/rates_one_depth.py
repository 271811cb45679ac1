"""Evidence at one depth only: what was measured stands, how the cost grows with depth comes from the estimate.

Taken as it is, one rate would be drawn flat to any depth: 16,384 tokens further down a decode is a third slower on some
chips. The measured cost is kept at the depth where it was measured.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.estimates import Tier
from truelimit.domain.message import said
from truelimit.domain.provenance import worst
from truelimit.limits.paces import Reading, Widths, Writing

if TYPE_CHECKING:
    from truelimit.domain.rates import DecodeFit, PrefillFit

_MEASURED = 0.10  # relative half-width of a rate where it was measured; deeper, that of the estimate counts
_GROWS = said("; its growth with depth is estimated")


def grown_reading(single: PrefillFit, told: Reading | None) -> Reading:
    """Return how fast a stack reads that was measured at one depth, with the estimate's growth where there is one."""
    if told is None or told.widths is None or told.fit.b <= 0:
        return Reading(single, Tier.THIS_STACK)
    base = max(single.a - told.fit.b * single.deepest / 2, single.a / 2)
    basis, where = worst((single.basis, told.fit.basis)), single.where + _GROWS
    fit = replace(single, a=base, b=told.fit.b, error=None, where=where, basis=basis)
    return Reading(fit, Tier.THIS_STACK, Widths(_MEASURED, told.widths.deep), told.notes)


def grown_writing(single: DecodeFit, told: Writing | None) -> Writing:
    """Return how fast a stack writes that was measured at one depth, with the estimate's growth where there is one."""
    if told is None or told.widths is None or told.fit.d <= 0:
        return Writing(single, Tier.THIS_STACK)
    base = max(single.c - told.fit.d * single.deepest, single.c / 2)
    basis, where = worst((single.basis, told.fit.basis)), single.where + _GROWS
    fit = replace(single, c=base, d=told.fit.d, error=None, where=where, basis=basis)
    return Writing(fit, Tier.THIS_STACK, Widths(_MEASURED, told.widths.deep), told.least, told.notes)
