"""The context ladder: every limit of a prompt's length, and the one that binds.

Precedence in Ollama: a request's num_ctx overrides the definition's, which overrides environment and default; the
overridden ones are kept apart. What is in force is bounded by what the model was trained for, by slots, and by what is
loaded. The agent's own window stands beside all that.

Which rung binds: the lowest of those that end a prompt (budgets that an agent keeps below its window are shown with
``bounds`` of their own and never bind: they start a compaction, they refuse nothing). On a tie:
the physical one first (a limit equal to the model's own is no configured limit); then the server's, where a recorded
request went past the agent and the server refused it; else the agent's, because a prompt meets it first: what the agent
compacts or refuses never reaches the server; a loaded context never before the key that it came from. The others of a
tie are kept beside it (``tied``): each must be raised, or the next one binds at the same number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.limits import Ladder, LimitKind, Origin, Rung, SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import ErrorKind
from truelimit.limits.origin import OriginVerdict, window_label
from truelimit.limits.pools import ESTIMATE
from truelimit.limits.served import native_context
from truelimit.limits.server_rungs import loaded_rung, server_rungs
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.limits.target import Target

_AGENT = "agent-context"
_LOADED = "loaded"
_REQUEST = "request"


def context_ladder(
    stack: Stack, served: Known[Tokens] | None, origin: OriginVerdict | None, target: Target | None
) -> Ladder:
    """Return the context ladder in tokens, with its binding rung (None where no limit is known)."""
    in_force, overridden = server_rungs(stack)
    rungs = [*_native(stack), *_fits(target), *in_force]
    loaded, truth = loaded_rung(stack, rungs, served)
    rungs += [loaded] if loaded is not None and truth else []
    overridden += [loaded] if loaded is not None and not truth else []
    rungs += _agent(stack, origin)
    binding, tied = _binding(stack, rungs)
    return Ladder("tokens", tuple(rungs), binding, tuple(overridden), tied)


def _native(stack: Stack) -> list[Rung]:
    native = native_context(stack)
    if native is None:
        return []
    rung = Rung("native", native.value, SetBy.MODEL, LimitKind.PHYSICAL, native.where, native.basis)
    scaled = _scaled(stack, native.value)
    return [scaled, rung] if scaled is not None else [rung]


def _scaled(stack: Stack, native: int) -> Rung | None:
    """What a rope scaling in the metadata would reach, where that is more than the native context."""
    header = stack.header
    if header is None:
        return None
    factor, original = header.get("rope.scaling.factor"), header.get("rope.scaling.original_context_length")
    if not isinstance(factor, int | float) or not isinstance(original, int) or not 1 < factor < 1e4:
        return None
    reach = int(original * factor)
    if reach <= native:
        return None
    where = said("{where}: {architecture}.rope.scaling", where=header.where, architecture=header.architecture)
    note = said(
        "{original:,} scaled by {factor:g}; used only where the server turns the scaling on",
        original=original,
        factor=factor,
    )
    return Rung("rope-scaled", reach, SetBy.MODEL, LimitKind.PHYSICAL, where, header.basis, note=note)


def _fits(target: Target | None) -> list[Rung]:
    """The largest context that memory holds, where memory is the limit."""
    if target is None or target.fits is None or target.basis is not Basis.DERIVED or target.context <= 0:
        return []
    set_by, kind = SetBy.MACHINE, LimitKind.PHYSICAL
    return [Rung("memory-fit", target.context, set_by, kind, ESTIMATE, target.basis, note=target.why)]


def _agent(stack: Stack, origin: OriginVerdict | None) -> list[Rung]:
    route = stack.route
    if route is None:
        return []
    known, set_by, kind = route.agent_context, route.agent_context_set_by, LimitKind.CONFIGURED
    note = ""
    label = window_label(stack)
    if origin is not None and origin.origin is Origin.LAUNCHER_CONSTANT:
        set_by, note = SetBy.LAUNCHER, said("the launcher's constant, the same for every model")
    elif label is not None and origin is not None and origin.origin is Origin.NAME_LABEL:
        kind, note = (
            LimitKind.LABEL,
            said('the number of the label "{label}" in {label2}', label=label.text, label2=label.name),
        )
    rung = Rung(_AGENT, known.value, set_by, kind, _key(stack, known), known.basis, note=note)
    return [rung, *_reserves(stack, rung)]


def _key(stack: Stack, known: Known[Tokens]) -> str:
    place = stack.route.agent_context_place if stack.route else None
    return str(place) if place is not None and place.line is not None else known.where


def _reserves(stack: Stack, window: Rung) -> list[Rung]:
    """What is left of the agent's window for a prompt after its reserves; below it the agent compacts."""
    route = stack.route
    if route is None:
        return []
    found = []
    budget = route.prompt_budget
    if budget is None and route.compaction_reserve is not None:
        left = max(0, int(window.value) - route.compaction_reserve.value)
        budget = Known(Tokens(left), route.compaction_reserve.where, Basis.DERIVED)
    if budget is not None:
        note = said(
            "what is left of {window:,} after the compaction reserve: beyond it the agent compacts", window=window.value
        )
        found.append(_left("compaction-budget", budget, window, "compaction", note))
    reserve = route.output_reserve
    if reserve is not None and 0 < reserve.value < window.value:
        answer = Known(Tokens(int(window.value) - reserve.value), reserve.where, Basis.DERIVED)
        note = said(
            "what is left of {window:,} beside an answer of {reserve:,} tokens",
            window=window.value,
            reserve=reserve.value,
        )
        found.append(_left("output-reserve", answer, window, "prompt-and-answer", note))
    return found


def _left(name: str, known: Known[Tokens], window: Rung, bounds: str, note: str) -> Rung:
    return Rung(name, known.value, window.set_by, LimitKind.CONFIGURED, known.where, known.basis, bounds, note)


def _binding(stack: Stack, rungs: list[Rung]) -> tuple[Rung | None, tuple[Rung, ...]]:
    """The rung that binds, and those that bind with it; beside a physical one they change nothing."""
    candidates = [rung for rung in rungs if rung.bounds == "prompt" and _can_bind(rung, rungs)]
    lowest = min((rung.value for rung in candidates), default=None)
    server_first = _server_refused(stack)
    same = sorted((rung for rung in candidates if rung.value == lowest), key=lambda r: _tie_rank(r, server_first))
    if not same or same[0].kind is LimitKind.PHYSICAL:
        return (same[0] if same else None), ()
    return same[0], tuple(rung for rung in same[1:] if rung.name not in _consequences(stack))


def _consequences(stack: Stack) -> set[str]:
    """The rungs that no key of their own sets: what is loaded, and a num_ctx that is the agent's window sent along."""
    route = stack.route
    if route is None or route.request_context is None:
        return {_LOADED}
    place = route.request_context_place
    own_key = place is not None and place.line is not None and place != route.agent_context_place
    return {_LOADED} if own_key else {_LOADED, _REQUEST, _AGENT}


def _can_bind(rung: Rung, rungs: list[Rung]) -> bool:
    """An estimate of memory does not stand against a context that is loaded and larger."""
    if rung.name != "memory-fit":
        return rung.name != "rope-scaled"
    return not any(other.name == _LOADED and other.value > rung.value for other in rungs)


def _tie_rank(rung: Rung, server_first: bool) -> int:
    if rung.name == "native":
        return 0
    if rung.kind is LimitKind.PHYSICAL:
        return 1
    if rung.name == _AGENT:
        return 4 if server_first else 2
    return 5 if rung.name == _LOADED else 3


def _server_refused(stack: Stack) -> bool:
    """Return whether a recorded request went past the agent and was refused as too long."""
    return any(call.error is not None and call.error.kind is ErrorKind.OVERFLOW for call in stack.calls)
