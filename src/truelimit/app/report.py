"""What a report shows: the diagnosis, and for each stack its walls and the requests that were recorded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from truelimit.app.agent_timers import as_set
from truelimit.app.doctor import diagnose_views, views
from truelimit.app.replay_walls import walls_of_agents
from truelimit.app.workload import describe
from truelimit.domain.agent import OtherAgents
from truelimit.domain.frozen import dataclass
from truelimit.domain.limits import LimitKind, Rung
from truelimit.domain.session import Call, Incident, Outcome
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.limits.names import same_model
from truelimit.limits.pools import budget
from truelimit.limits.time import bounds_prefill
from truelimit.workload.columns import AGENTS
from truelimit.workload.endings import of_cause

if TYPE_CHECKING:
    from truelimit.domain.agent import AgentDefaults
    from truelimit.domain.diagnosis import Diagnosis
    from truelimit.domain.facts import Facts
    from truelimit.domain.limits import Ladders
    from truelimit.limits.view import StackView
    from truelimit.units import Seconds, Tokens
    from truelimit.workload.summary import Work
    from truelimit.workload.verdict import WorkVerdict

_BESIDE = {"prompt-cache", "os-share"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it was recorded: tokens of its prompt, seconds of one attempt, how it ended."""

    prompt: Tokens
    seconds: Seconds
    ending: Ending


@dataclass(frozen=True, slots=True)
class Room:
    """The memory that a context takes, by parts in bytes, and the memory that must hold them (None: not known)."""

    context: Tokens | None
    parts: tuple[tuple[str, int], ...]
    pool: int | None


@dataclass(frozen=True, slots=True)
class StackReport:
    """One stack: its ladders, the walls that can end a reading, its requests, and its memory.

    ``rooms``: at the context that is served, and at the one that could be where that is another.
    """

    ladders: Ladders
    walls: tuple[Rung, ...] = ()
    requests: tuple[Recorded, ...] = ()
    rooms: tuple[Room, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report shows.

    ``work`` is the verdict on hardware, or None, and ``no_work`` says why; ``recorded`` is what the work was.
    """

    diagnosis: Diagnosis
    stacks: tuple[StackReport, ...] = ()
    work: WorkVerdict | None = None
    no_work: str = ""
    recorded: Work | None = None


def report(
    facts: Facts,
    work: WorkVerdict | None = None,
    no_work: str = "",
    requests: Sequence[WorkRequest] = (),
    agents: OtherAgents | None = None,
) -> Report:
    """Return the report of these facts, with a verdict on hardware from recorded work, or why there is none.

    ``requests`` are the recorded work; they stand for the calls that the facts hold of a model. ``agents``: how other
    agents than the stack's own give up.
    """
    seen = views(facts)
    diagnosis = diagnose_views(facts, seen)
    known = agents or OtherAgents()
    stacks = tuple(
        _stack(item, told, requests, as_set(known, item)) for item, told in zip(seen, diagnosis.ladders, strict=True)
    )
    return Report(diagnosis, stacks, work, no_work, describe(requests) if requests else None)


def _stack(
    view: StackView, ladders: Ladders, stored: Sequence[WorkRequest], agents: Sequence[AgentDefaults]
) -> StackReport:
    own = tuple(
        rung for rung in view.time.rungs if rung is view.time.binding or bounds_prefill(rung.bounds, view.server)
    )
    return StackReport(ladders, (*own, *_of_agents(view, stored, agents)), _requests(view, stored), _rooms(view))


def _of_agents(view: StackView, stored: Sequence[WorkRequest], agents: Sequence[AgentDefaults]) -> Iterator[Rung]:
    """The walls of other agents that asked this model: as far as nothing shows that somebody raised them."""
    here = [item for item in stored if same_model(item.model, view.stack.model)]
    names = {item.agent: item.name for item in agents}
    for agent, wall in zip(AGENTS, walls_of_agents(view, agents, here), strict=False):
        if wall.where:
            kind = LimitKind.CONFIGURED
            yield Rung(names[agent], wall.first, wall.set_by, kind, wall.where, wall.basis, wall.bounds)


def _requests(view: StackView, stored: Sequence[WorkRequest]) -> tuple[Recorded, ...]:
    """The requests that were answered, and the turns that failed as the incidents tell them: each failure once."""
    kept = [found for item in stored if same_model(item.model, view.stack.model) and (found := _kept(item))]
    answered: list[Recorded | None] = [*kept] or [_answered(call) for call in view.calls]
    failed = [_failed(item) for item in view.incidents]
    return tuple(item for item in (*answered, *failed) if item is not None)


def _kept(item: WorkRequest) -> Recorded | None:
    seconds = item.first_token if item.first_token is not None else item.duration
    if item.ending is not Ending.DONE or item.prompt_tokens is None or seconds is None:
        return None
    return Recorded(item.prompt_tokens, seconds, Ending.DONE)


def _answered(call: Call) -> Recorded | None:
    seconds = call.first_token if call.first_token is not None else call.seconds
    if call.outcome is not Outcome.DONE or call.prompt_tokens is None or seconds is None:
        return None
    return Recorded(call.prompt_tokens.value, seconds, Ending.DONE)


def _failed(item: Incident) -> Recorded | None:
    seconds = item.attempt_seconds if item.attempt_seconds is not None else item.seconds
    if item.prompt_tokens is None or seconds is None:
        return None
    return Recorded(item.prompt_tokens.value, seconds, of_cause(item.cause))


def _rooms(view: StackView) -> tuple[Room, ...]:
    """The memory at the context that is served, and at the one that could be where that is another."""
    memory, served = view.memory, view.served.value if view.served else None
    parts = tuple((rung.name, int(rung.value)) for rung in memory.ladder.rungs)
    now = (_room(served, parts, memory.total, memory.pool),) if memory.total else ()
    target, pool = view.target, budget(view.stack)
    if target is None or target.memory_need is None or target.context == served:
        return now
    need = target.memory_need
    total, held, _ = pool.tightest(need) if pool else (need.total, None, 0)
    wanted = (
        ("weights", need.weights),
        ("kv-cache", need.kv_cache),
        ("state", need.state),
        ("compute-buffer", need.compute),
        ("prompt-cache", need.prompt_cache),
        ("os-share", pool.os_share if pool else 0),
    )
    return (*now, _room(target.context, wanted, total, held.value if held else None))


def _room(context: Tokens | None, parts: Iterable[tuple[str, int]], total: int, pool: int | None) -> Room:
    """The parts that the total is made of: a pool of an accelerator holds nothing of what lies beside the model."""
    known = tuple((name, size) for name, size in parts if size)
    if sum(size for _, size in known) != total:
        known = tuple((name, size) for name, size in known if name not in _BESIDE)
    return Room(context, known, pool)
