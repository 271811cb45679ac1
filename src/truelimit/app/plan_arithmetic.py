"""The arithmetic that a plan shows: memory, what is left, the cache, reading, writing at each depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.limits.decode_terms import decode_terms
from truelimit.perf.prefill import prefill_calculation

if TYPE_CHECKING:
    from truelimit.app.plan_parts import ModelPlan, Room, Wanted
    from truelimit.domain.facts import Stack
    from truelimit.limits.paces import Reading, Writing
    from truelimit.limits.pools import Budget
    from truelimit.perf.memory import MemoryNeed


def arithmetic(
    need: MemoryNeed, room: Room | None, pool: Budget | None, reads: Reading | None, wanted: Wanted
) -> tuple[Calculation, ...]:
    """Return the calculations of memory, of what is left, of the cache, and of reading."""
    basis = need.calculation.basis
    parts = [item for item in need.calculation.terms if item.name in {"weights", "kv_cache", "state", "compute"}]
    found = [calculate(" + ".join(item.name for item in parts), "bytes", *parts)]
    if room is not None and pool is not None and pool.placement(need) is not None:
        found.append(pool.headroom(need))
    elif room is not None:
        held = Term("pool", room.pool, "bytes", room.where, room.basis)
        total = Term("total", int(found[0].result), "bytes", said("the sum above"), basis)
        found.append(calculate("pool - total", "bytes", held, total))
    found.append(need.cache_calculation)
    if reads is not None:
        asked = Term("context", wanted.context, "tokens", said("the plan's options"), Basis.SPECIFIED)
        found.append(prefill_calculation(reads.fit, asked))
        found += [reads.copies] if reads.copies is not None else []
    return tuple(found)


def decode_arithmetic(made: ModelPlan, planned: Stack, writes: Writing | None) -> tuple[Calculation | None, ...]:
    """Return the arithmetic of each rate of writing, in the order of the depths."""
    return tuple(
        None if rate is None or writes is None else decode_terms(planned, writes, made.placement, depth)
        for depth, rate in made.decode
    )
