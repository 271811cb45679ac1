"""From a cost to an estimate: the interval of 90 %, the tier, and which fitted effects a term rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.domain.estimates import Estimate, RateCase, Tier
from truelimit.domain.message import Message, said
from truelimit.perf.rates.classes import backend_class, family_class
from truelimit.perf.rates.costs import CostModel, Costs, Weighted, spread

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation

# Translation layers: rates of one chip and model differ up to six times between builds.
_UNCERTAIN = {"apple vulkan"}
DEEP = 2200  # tokens: beyond it a run counts as deep


def knows_family(model: CostModel, case: RateCase) -> bool:
    """Tell whether the fit has runs of the case's family on its backend."""
    return any(f"{part}/family/{family_class(case)}" in model.effects for part in ("weights", "products"))


def noise_kinds(model: CostModel, case: RateCase, depth: int) -> tuple[str, ...]:
    """Return the classes of a case whose unexplained deviations add up."""
    return (
        "all",
        *(() if knows_family(model, case) else ("unknown family",)),
        *(("sparse",) if case.shape.is_sparse else ()),
        *(("deep",) if depth >= DEEP else ()),
        *(("unknown shape",) if case.shape.architecture is None else ()),
        *(("processor",) if case.backend == "cpu" else ()),
        *(("deep on a processor",) if case.backend == "cpu" and depth >= DEEP else ()),
        *(("uncertain backend",) if backend_class(case) in _UNCERTAIN else ()),
    )


def estimate(
    model: CostModel,
    case: RateCase,
    costs: Costs,
    calculation: Calculation,
    kinds: Iterable[str],
    *,
    ceiling: float = math.inf,
) -> Estimate:
    """Return the estimate of a rate. The interval's upper end stays below ``ceiling`` as physics demands."""
    value = float(calculation.result)
    width = math.exp(model.quantile * spread(model, costs, kinds))
    known = knows_family(model, case)
    wide = () if known else (said("no published run on {family}: the interval is wide", family=family_class(case)),)
    return Estimate(
        value,
        value / width,
        max(value, min(ceiling, value * width)),
        calculation.basis,
        Tier.FAMILY if known else Tier.PHYSICS,
        calculation,
        wide,
    )


def estimated_for(case: RateCase) -> Message:
    """Return the source of a fit that was computed for a case."""
    return said(
        "estimated for {model} on {device} ({backend}, {engine})",
        model=case.shape.name,
        device=case.device.name,
        backend=case.backend,
        engine=case.engine,
    )


def out_of_range(tokens: int, depth: int) -> ValueError:
    """Return the error for a count of tokens or a depth of which there is no rate."""
    return ValueError(
        said("tokens are {tokens}, depth is {depth}: expected at least 1 and 0", tokens=tokens, depth=depth)
    )


def fitted(model: CostModel, effects: Iterable[Weighted]) -> Message:
    """Return the source of a fitted term: the effects that it is a product of."""
    named = [name.split("/", 1)[1].removesuffix("/").replace("/", " ") for name, _ in effects if name in model.effects]
    if not named:
        return said("prior of the fit: no run of its kind")
    return said("fitted to published runs: {effects}", effects=", ".join(named))
