"""The timers of a stack as the walls of a replay: of one attempt until its first byte, of one attempt, of all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, ConfigEdit, Finding
from truelimit.domain.limits import SetBy
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Cause
from truelimit.domain.workload import Ending
from truelimit.fixes.outlook import after_edits
from truelimit.limits.time import COMMAND, bounds_prefill, timers
from truelimit.workload.columns import AGENTS
from truelimit.workload.stack import AgentWalls

if TYPE_CHECKING:
    from truelimit.domain.agent import AgentDefaults, AgentTimer, Timeout
    from truelimit.domain.workload import WorkRequest
    from truelimit.limits.view import StackView

_LATE = 5.0  # s: what a request may take beyond a timer that held
_SILENCE = frozenset({"headers", "idle", "first-event"})


@dataclass(frozen=True, slots=True)
class Walls(AgentWalls):
    """The walls of the agent that a stack is configured for, and whether a retry ``resumes`` (see ReplayStack)."""

    resumes: bool = False


def walls(view: StackView, kept: Iterable[Timeout]) -> Walls:
    """Return the walls that some of the route's timers make on this server."""
    timeouts = tuple(kept)
    first = _first(view, timeouts)
    route = view.route
    attempts = max(1, route.attempts.value) if route is not None and route.attempts is not None else 1
    return Walls(
        first.seconds.value if first else math.inf,
        _least(timeouts, {"request"}),
        _least(timeouts, {"run"} | ({COMMAND} if _command_binds(view) else set())),
        attempts,
        first.seconds.where if first else "",
        first.seconds.basis if first else Basis.SPECIFIED,
        resumes=view.server is not None and not _began_anew(view),
    )


def walls_of_agents(
    view: StackView, known: Iterable[AgentDefaults], asked: Sequence[WorkRequest]
) -> tuple[AgentWalls, ...]:
    """Return the walls of each agent of AGENTS on this server: those of its timers, but for those that it outlived.

    A recorded request that went on for longer shows that somebody raised the timer. No walls at all where none asked.
    """
    timed = {item.agent: item.timers for item in known}
    by_agent = {name: [item for item in asked if item.agent == name] for name in AGENTS}
    if not any(by_agent.values()):
        return ()
    return tuple(_of_agent(view, timed.get(name, ()), by_agent[name]) for name in AGENTS)


def _of_agent(view: StackView, timers: Iterable[AgentTimer], asked: Sequence[WorkRequest]) -> AgentWalls:
    if not asked:
        return AgentWalls()
    silent = max((item.first_token or 0.0 for item in asked), default=0.0)
    lasted = max((item.duration or 0.0 for item in asked if item.ending is Ending.DONE), default=0.0)
    left = [item for item in timers if item.timeout.seconds.value + _LATE >= (silent, lasted)[_is_whole(item)]]
    first = _least_of(
        [item for item in left if not _is_whole(item) and bounds_prefill(item.timeout.bounds, view.server)]
    )
    whole = _least_of([item for item in left if _is_whole(item)])
    binding = _least_of([item for item in (first, whole) if item is not None])
    return AgentWalls(
        first.timeout.seconds.value if first else math.inf,
        whole.timeout.seconds.value if whole else math.inf,
        attempts=binding.attempts.value if binding else 1,
        where=first.timeout.seconds.where if first else "",
        basis=first.timeout.seconds.basis if first else Basis.SPECIFIED,
        bounds=first.timeout.bounds if first else "headers",
        set_by=first.timeout.set_by if first else SetBy.AGENT_DEFAULT,
    )


def _is_whole(item: AgentTimer) -> bool:
    return item.timeout.bounds == "request"


def _least_of(timers: Sequence[AgentTimer]) -> AgentTimer | None:
    return min(timers, key=lambda item: item.timeout.seconds.value, default=None)


def without_silence_of_agents(found: Iterable[AgentWalls]) -> tuple[AgentWalls, ...]:
    """Return the walls of agents that are left where somebody sends valid bytes while the prompt is read."""
    return tuple(replace(item, first=math.inf, where="") for item in found)


def _first(view: StackView, timeouts: Iterable[Timeout]) -> Timeout | None:
    """The timer that ends the silence before a first byte on this server; None where none does."""
    silent = [item for item in timeouts if item.bounds in _SILENCE and bounds_prefill(item.bounds, view.server)]
    return min(silent, key=lambda item: item.seconds.value, default=None)


def own_timers(view: StackView) -> tuple[Timeout, ...]:
    """Return all timers on the path of the stack's requests, as they are configured."""
    return timers(view.stack)


def timers_after(view: StackView, edits: Sequence[ConfigEdit]) -> tuple[Timeout, ...]:
    """Return the timers as they are once a fix is in."""
    return tuple(after_edits(item, tuple(edits)) for item in own_timers(view))


def without_keyless(found: Iterable[Timeout]) -> tuple[Timeout, ...]:
    """Return the timers that are left where the client library's own, which no key moves, are gone: an upgrade."""
    return tuple(item for item in found if item.place is not None or item.set_by is not SetBy.CLIENT_LIBRARY)


def without_silence(found: Iterable[Timeout]) -> tuple[Timeout, ...]:
    """Return the timers that are left where somebody sends valid bytes while the prompt is read."""
    return tuple(item for item in found if item.bounds not in _SILENCE)


def safe_edits(view: StackView, findings: Iterable[Finding]) -> tuple[ConfigEdit, ...]:
    """Return the edits of configuration files that the safe fixes of a stack make."""
    fixes = [item.fix for item in safe_findings(view, findings) if item.fix is not None]
    return tuple(edit for fix in fixes for edit in fix.edits if isinstance(edit, ConfigEdit))


def safe_findings(view: StackView, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of a stack whose fix is safe and would be written."""
    return tuple(
        item
        for item in findings
        if item.model == view.stack.model
        and item.fix is not None
        and item.fix.edits
        and item.fix.applicability is Applicability.SAFE
    )


def _least(timeouts: Iterable[Timeout], bounds: set[str]) -> float:
    return min((float(item.seconds.value) for item in timeouts if item.bounds in bounds), default=math.inf)


def _command_binds(view: StackView) -> bool:
    binding = view.time.binding
    return binding is not None and binding.bounds == COMMAND


def _began_anew(view: StackView) -> bool:
    """Whether attempts at a prompt that the server holds are known to have begun anew each time.

    Ollama's runner and llama-server both keep what was read when the client hangs up, so a retry with the same prompt
    goes on from there, unless the prompt was cut (it differs each time then) or the model was unloaded between.
    """
    served, fit = view.served, view.prefill
    if served is None or fit is None or fit.b <= 0:
        return False
    for item in view.incidents:
        prompt = item.prompt_tokens
        if item.cause is not Cause.PREFILL_EXCEEDS_WALL or prompt is None or not item.seconds or item.attempts < 2:
            continue
        cold = fit.a * prompt.value + fit.b * prompt.value**2 / 2
        if prompt.value <= served.value and prompt.value <= fit.deepest and item.seconds > _CLEARLY * cold:
            return True
    return False


_CLEARLY = 1.25  # a fit's own error does not make a retry that began anew
