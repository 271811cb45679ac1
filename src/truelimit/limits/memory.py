"""The memory ladder: what the stack takes at a context, part by part, against the memory that must hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.limits import Ladder, LimitKind, MemoryLadder, Rung, SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.limits.need import kv_basis, memory_need, need_or_reason
from truelimit.limits.pools import ESTIMATE, Budget, budget, share_source
from truelimit.limits.served import native_context
from truelimit.limits.server_rungs import server_rungs
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.perf.memory import MemoryNeed

__all__ = ["memory_ladder", "memory_need"]


def memory_ladder(stack: Stack, context: Known[Tokens] | None) -> tuple[MemoryLadder, tuple[Missing, ...]]:
    """Return the memory ladder at a context (the native one where None), and what it lacks.

    Values are bytes. The largest part binds only where the memory is too small, else nothing does.
    """
    at = context or native_context(stack)
    if at is None:
        return MemoryLadder(Ladder("bytes")), (
            Missing(said("memory of the model"), said("no context of the model is known")),
        )
    need = need_or_reason(stack, at.value)
    if isinstance(need, Missing):
        return MemoryLadder(Ladder("bytes", _weights_only(stack, need.why))), (need,)
    pool = budget(stack)
    if pool is None:
        ladder = Ladder("bytes", _rungs(stack, at, need, None))
        return MemoryLadder(ladder, total=need.total, calculation=need.calculation), (
            Missing(said("memory of the machine"), said("neither the machine nor a log tells it")),
        )
    return _against(stack, at, need, pool), ()


def _against(stack: Stack, at: Known[Tokens], need: MemoryNeed, pool: Budget) -> MemoryLadder:
    total, held, left = pool.tightest(need)
    rungs = _rungs(stack, at, need, pool)
    binding = max(rungs, key=lambda rung: rung.value) if left < 0 else None
    return MemoryLadder(Ladder("bytes", rungs, binding), total, held.value, left, pool.headroom(need))


def _rungs(stack: Stack, at: Known[Tokens], need: MemoryNeed, pool: Budget | None) -> tuple[Rung, ...]:
    where, basis = kv_basis(stack)
    header = stack.header.where if stack.header else ESTIMATE
    model, server = SetBy.MODEL, _context_set_by(stack)
    derived = need.calculation.basis
    parts = [
        _rung("weights", need.weights, model, LimitKind.PHYSICAL, header, derived),
        _rung(
            "kv-cache",
            need.kv_cache,
            server,
            LimitKind.CONFIGURED,
            said("{at:,} tokens ({where}); {where2}", at=at.value, where=at.where, where2=where),
            basis,
        ),
        _rung("state", need.state, model, LimitKind.PHYSICAL, header, derived),
        _rung("compute-buffer", need.compute, server, LimitKind.CONFIGURED, ESTIMATE, derived),
        _rung(
            "prompt-cache",
            need.prompt_cache,
            SetBy.SERVER_DEFAULT,
            LimitKind.CONFIGURED,
            said("the host's memory"),
            derived,
        ),
    ]
    if pool is not None:
        share = pool.os_share
        parts.append(
            _rung(
                "os-share",
                share,
                SetBy.MACHINE,
                LimitKind.PHYSICAL,
                share_source(),
                Basis.ASSUMED,
                said("beside the model"),
            )
        )
    return tuple(rung for rung in parts if rung.value)


def _rung(name: str, size: int, set_by: SetBy, kind: LimitKind, where: str, basis: Basis, note: str = "") -> Rung:
    return Rung(name, size, set_by, kind, where, basis, "total", note)


def _context_set_by(stack: Stack) -> SetBy:
    """Who set the context that the cache is allocated for."""
    in_force, _ = server_rungs(stack)
    return in_force[0].set_by if in_force else SetBy.SERVER_DEFAULT


def _weights_only(stack: Stack, why: str) -> tuple[Rung, ...]:
    """What can still be said where the layout of the cache is unknown: the weights, or the file."""
    header = stack.header
    size = (header.weights_bytes or header.file_bytes) if header else None
    if header is None or not size:
        return ()
    note = said("the rest is not known: {why}", why=why)
    return (_rung("weights", Bytes(size), SetBy.MODEL, LimitKind.PHYSICAL, header.where, header.basis, note),)
