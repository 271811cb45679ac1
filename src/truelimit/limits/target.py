"""The largest context worth having: what the model was trained for, or what memory holds, whichever is less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.limits.need import largest_fit, memory_need
from truelimit.limits.pools import Budget, budget
from truelimit.limits.served import native_context
from truelimit.units import Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.perf.memory import MemoryNeed

_SHORT = 4096  # tokens: beyond a batch, from where on the need grows evenly


@dataclass(frozen=True, slots=True)
class Target:
    """A context to aim at. ``fits``: whether memory holds it (None: not known, then it is the native context).

    ``memory_need`` is what it takes, None where that is not known; ``why`` says in one sentence what sets it.
    """

    context: Tokens
    memory_need: MemoryNeed | None
    fits: bool | None
    why: str
    calculation: Calculation | None
    where: str
    basis: Basis

    def term(self, name: str) -> Term:
        """Return the context as a term of a calculation."""
        return Term(name, self.context, "tokens", self.where, self.basis)


def target_context(stack: Stack) -> Target | None:
    """Return the largest useful context of the stack, or None where the native context is not known."""
    native = native_context(stack)
    if native is None:
        return None
    need, pool = memory_need(stack, native.value), budget(stack)
    if need is None:
        return _unknown(native, None, said("the memory that it takes cannot be computed"))
    if pool is None:
        return _unknown(native, need, said("the machine's memory is not known"))
    if pool.holds(need):
        why = said("the model was trained for {native:,} tokens, and memory holds them all", native=native.value)
        return Target(native.value, need, True, why, pool.headroom(need), native.where, Basis.DERIVED)
    return _what_fits(stack, native, need, pool)


def _unknown(native: Known[Tokens], need: MemoryNeed | None, why: str) -> Target:
    text = said("the model was trained for {native:,} tokens; {why}", native=native.value, why=why)
    return Target(native.value, need, None, text, None, native.where, native.basis)


def _what_fits(stack: Stack, native: Known[Tokens], full: MemoryNeed, pool: Budget) -> Target:
    """The largest context that memory holds; 0 tokens (and ``fits`` False) where not even the weights fit."""
    short = memory_need(stack, _SHORT) if native.value > _SHORT else None
    near = pool.between((_SHORT, short), (native.value, full)) if short is not None else None
    fitting = largest_fit(stack, pool.holds, near)
    need = memory_need(stack, fitting) if fitting else full
    if not fitting or need is None:
        why = said(
            "not even a short context fits: {weights:.1f} GiB of weights and what goes with them",
            weights=to_gib(full.weights),
        )
        return Target(Tokens(0), full, False, why, pool.headroom(full), pool.where, Basis.DERIVED)
    fits = term("largest_that_fits", Known(fitting, pool.where, Basis.DERIVED), "tokens")
    limit = calculate(
        "min(native_context, largest_that_fits)", "tokens", term("native_context", native, "tokens"), fits
    )
    why = said(
        "memory holds {fitting:,} of the {native:,} tokens that the model was trained for",
        fitting=fitting,
        native=native.value,
    )
    return Target(Tokens(int(limit.result)), need, True, why, limit, pool.where, Basis.DERIVED)
