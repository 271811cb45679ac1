"""A sweep over several memories: how much lies where moves with the context, so each point is placed.

All of them are placed and rated together, in arrays; the numbers are those of one plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truelimit.app.plan import total_of
from truelimit.domain.estimates import Tier
from truelimit.domain.frozen import dataclass
from truelimit.limits.need import need_or_reason
from truelimit.limits.offload_many import ManyRates, reading_many, writing_many
from truelimit.limits.rate_case import rate_case
from truelimit.limits.rates import paces
from truelimit.limits.rates_at import half_widths, reading_half_widths
from truelimit.limits.rates_estimated import Calibrated
from truelimit.limits.rates_many import decode_rates, seconds
from truelimit.perf.memory import MemoryNeed
from truelimit.perf.placement_many import ManyNeeds, ManyPlaced, place_many
from truelimit.perf.placement_parts import cache_groups, model_parts

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.limits.paces import Reading, Writing
    from truelimit.limits.pools import Budget

Array = Any  # of numpy: one number a context
Ask = Callable[[int], tuple[int, int]]
Along = Callable[[Sequence[int], Ask], tuple[Sequence[int], Sequence[int]]]
_OF_PLACE = {Tier.FAMILY, Tier.PHYSICS}  # rates that depend on what lies where


class NotTogetherError(ValueError):
    """Rates that no closed form tells of many points: a correction that is made for each placement."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Total and headroom at each context (bytes), and where the parts lie."""

    contexts: Array
    total: Array
    headroom: Array
    where: ManyPlaced


def placed_along(
    planned: Stack, pool: Budget, contexts: Sequence[int], keys: Sequence[int], along: Along, kept: dict[object, Placed]
) -> Placed | None:
    """Return memory at each context over several memories; None where they are none, or hold a model cut across them.

    ``keys`` has for each context one that takes the same memory: those that differ are placed. ``along`` gives two
    whole numbers for each context from a function of one. ``kept`` has what was placed: slots of one cache
    take what one slot takes. Raises ValueError for a need that cannot be told.
    """
    if planned.header is None or not pool.devices or (pool.split == "tensor" and len(pool.devices) > 1):
        return None
    distinct, back = np.unique(_whole(keys), return_inverse=True)
    asked = distinct.tolist()
    one, groups = _need(planned, asked[0]), cache_groups(planned.header, _need(planned, asked[0]))
    cache, compute = along(asked, lambda n: (_need(planned, n).kv_cache, _need(planned, n).compute))
    cells = [along(asked, _cells(planned, group.term))[0] for group in groups]
    needs = ManyNeeds(_whole(cache), _whole(compute), tuple(_whole(of) for of in cells))
    arrays = (needs.kv_cache, needs.compute, *needs.cells)
    key = id(planned.machine), id(planned.header), pool.host is None, one.state, *(of.tobytes() for of in arrays)
    if key not in kept:
        where = place_many(model_parts(planned.header, one), groups, needs, pool.devices, pool.host)
        total = needs.kv_cache + needs.compute + (total_of(one) - one.kv_cache - one.compute)
        kept[key] = Placed(_whole(contexts), total[back], where.left[back], _rows(where, back))
    return kept[key]


def _need(planned: Stack, context: int) -> MemoryNeed:
    found = need_or_reason(planned, context)
    if not isinstance(found, MemoryNeed):
        raise ValueError(found.why)
    return found


def _cells(planned: Stack, name: str) -> Ask:
    """The cells of a group of layers at a context, from the terms of the cache's calculation."""

    def ask(context: int) -> tuple[int, int]:
        terms = _need(planned, context).cache_calculation.terms
        return next((round(item.value) for item in terms if item.name == name), 1), 0

    return ask


def _whole(values: Sequence[int]) -> Array:
    return np.array(values, dtype=np.int64)


def alike(planned: Stack) -> bool:
    """Return whether the devices are of one kind, so that blocks in turn over them cost what they cost on one."""
    return len({device.id for device in planned.machine.accelerators}) <= 1


def rates_along(planned: Stack, pool: Budget, placed: Placed) -> dict[str, Any]:
    """Return the fields of a series that tell rates. Raises NotTogetherError."""
    found: dict[str, Any] = {}
    for on_host in (True, False):
        rows = np.flatnonzero(placed.where.on_host == on_host)
        if len(rows):
            _fill(found, planned, pool, placed, rows)
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def _fill(found: dict[str, Any], planned: Stack, pool: Budget, placed: Placed, rows: Array) -> None:
    """Add the rates of some contexts, all of them with a part in main memory or all without one."""
    contexts, one = placed.contexts[rows], int(placed.contexts[rows[0]])
    reads, writes = paces(planned, pool.placement(_need(planned, one)))
    count = len(placed.contexts)
    if writes is not None:
        _put(found, "decode", _writes(planned, writes, placed, rows, contexts), rows, count)
        found["decode_basis"] = writes.fit.basis.value if rows[0] == 0 else found.get("decode_basis", "")
    if reads is not None:
        _put(found, "seconds", _reads(planned, reads, placed, rows, contexts), rows, count)
        found["seconds_basis"] = reads.fit.basis.value if rows[0] == 0 else found.get("seconds_basis", "")


def _put(found: dict[str, Any], name: str, rates: ManyRates, rows: Array, count: int) -> None:
    highs = ("decode_high",) if name == "decode" else ()
    values = (rates.value, rates.width, rates.high)
    for field, value in zip((name, f"{name}_width", *highs), values, strict=False):
        found.setdefault(field, np.full(count, np.nan))[rows] = value


def _writes(planned: Stack, told: Writing, placed: Placed, rows: Array, contexts: Array) -> ManyRates:
    where, case = _rows(placed.where, rows), rate_case(planned)
    apart = bool(where.on_host[0]) or not alike(planned)
    if not apart or told.tier not in _OF_PLACE:
        if apart and told.tier in {Tier.CORRECTED, Tier.THIS_MACHINE}:
            raise NotTogetherError
        widths = half_widths(told, contexts.tolist())
        rates, highs = decode_rates(told, contexts.tolist(), widths)
        return ManyRates(np.array(rates), np.array(widths), np.array(highs))
    if case is None or not isinstance(planned.estimator, Calibrated):
        raise NotTogetherError
    return writing_many(planned, case, planned.estimator.calibration, told, where, contexts)


def _reads(planned: Stack, told: Reading, placed: Placed, rows: Array, contexts: Array) -> ManyRates:
    where = _rows(placed.where, rows)
    if bool(where.on_host[0]) and told.tier in _OF_PLACE and told.widths is not None:
        return reading_many(planned.machine, told, where, 0, contexts)
    if told.tier not in {Tier.THIS_STACK, Tier.PUBLISHED} and (where.on_host[0] or not alike(planned)):
        raise NotTogetherError
    values, widths = seconds(told, contexts.tolist()), reading_half_widths(told, contexts.tolist())
    value, width = np.array(values), np.array(widths)
    return ManyRates(value, width, value * (1 + width))


def _rows(where: ManyPlaced, rows: Array) -> ManyPlaced:
    names = ("on_host", "first", "moved", "blocks", "weights", "kv_cache", "left")
    return ManyPlaced(*(getattr(where, name)[rows] for name in names))
