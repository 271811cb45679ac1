"""Do I need hardware? Replays the recorded work on today's stack and on every option, and says what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from truelimit.app.agent_timers import as_set
from truelimit.app.replay_stacks import Built, Terms, recorded
from truelimit.app.replay_walls import Walls, own_timers, walls, walls_of_agents
from truelimit.app.work_of_calls import with_incidents
from truelimit.app.work_options import (
    Offered,
    Today,
    fixed_stack,
    free_options,
    machine_options,
    today_of,
)
from truelimit.app.work_routes import cloud_options, two_options
from truelimit.app.work_unknown import defaults_taken, span, unknown
from truelimit.domain.agent import OtherAgents
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import Message, joined, said
from truelimit.domain.provenance import Basis, Missing
from truelimit.limits.names import same_model
from truelimit.perf.prefill import prefill_calculation, wall_as_context_calculation
from truelimit.units import MINUTE
from truelimit.workload import doubles
from truelimit.workload.classes import MULTI_FILE, classified
from truelimit.workload.confusion import Confusion, confusion
from truelimit.workload.judge import Money, results, tail
from truelimit.workload.legs import Work, replay_legs, work_of
from truelimit.workload.options import Leg, Option, Result
from truelimit.workload.trust import trust_of
from truelimit.workload.verdict import Tail, WorkVerdict, choose, parts_of, sentence
from truelimit.workload.verdict_sums import calculations

if TYPE_CHECKING:
    from truelimit.app.machines import Entry
    from truelimit.domain.facts import Stack
    from truelimit.domain.findings import Finding
    from truelimit.domain.workload import WorkRequest
    from truelimit.limits.view import StackView
    from truelimit.workload.columns import Flags
    from truelimit.workload.stack import AgentWalls

_WEEK = 7 * 24 * 60 * MINUTE  # s
_PATIENCE = 5.0 * MINUTE  # s: whoever waits longer for an answer is better served elsewhere
_NAMED = 5  # models that are named


class NoWorkError(ValueError):
    """There is nothing to replay: says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verdict is made of: the work, the doctor's view and findings, its stack with devices and an estimator.

    ``every``: the work of other models is replayed as well, since a person named the model.
    ``agents``: how other agents than the stack's own give up.
    """

    requests: tuple[WorkRequest, ...]
    view: StackView
    stack: Stack
    findings: tuple[Finding, ...]
    offered: Offered
    owned: Entry | None = None
    money: Money | None = None
    every: bool = False
    agents: OtherAgents = OtherAgents()


def main_view(views: Sequence[StackView], requests: Sequence[WorkRequest], model: str | None = None) -> StackView:
    """Return the view of the stack that a person named, else of the one that most requests went to.

    Raises NoWorkError where there is none.
    """
    if not views:
        raise NoWorkError(
            said(
                "no local stack was found to start from; expected an agent and a server here, "
                "or --home, --log or --server"
            )
        )
    if model is not None:
        named = [view for view in views if _is_of(view, model)]
        if not named:
            known = ", ".join(dict.fromkeys(_name(view) for view in views))
            raise NoWorkError(
                said(
                    "--model {model} is no model of a local stack here; there are: {known}",
                    model=repr(model)[:80],
                    known=known,
                )
            )
        return named[0]
    counts = {id(view): sum(_is_of(view, item.model) for item in requests) for view in views}
    primary = {id(view): view.route is not None and view.route.is_primary for view in views}
    return max(views, key=lambda view: (counts[id(view)], primary[id(view)]))


def _is_of(view: StackView, model: str) -> bool:
    names = [view.stack.model, view.route.ref if view.route else None, view.route.model if view.route else None]
    return any(name is not None and same_model(name, model) for name in names)


def _name(view: StackView) -> str:
    return view.route.ref if view.route else view.stack.model


def work_verdict(asked: Asked, progress: Callable[[int, int], None] | None = None) -> WorkVerdict:
    """Return the verdict. Raises NoWorkError for a history without a request whose prompt is known."""
    once, _ = doubles.joined(classified(asked.requests))
    own, elsewhere = _of_this_stack(with_incidents(once, (asked.view,)), asked)
    work = work_of(own)
    if not work.columns.known.any():
        raise NoWorkError(_nothing(len(work.asked)))
    deepest = int(work.columns.prompt.max())
    agents = walls_of_agents(asked.view, as_set(asked.agents, asked.view), own)
    today = today_of(asked.view, asked.stack, asked.findings, deepest, asked.owned, agents)
    money = asked.money or Money(_weeks(work))
    away = _away(today, work)
    found = _all_results(today, asked.offered, work, money, away, progress)
    return _told(asked, today, work, money, away, found, elsewhere)


def _of_this_stack(
    requests: Sequence[WorkRequest], asked: Asked
) -> tuple[tuple[WorkRequest, ...], tuple[Missing, ...]]:
    """The requests that went to this stack's model, and the others by name: they ran on something else.

    All are taken where a person named the model, or where none went to it: then the question is what it would do.
    """
    own = tuple(item for item in requests if not item.model or _is_of(asked.view, item.model))
    others = Counter(item.model for item in requests if item.model and not _is_of(asked.view, item.model))
    if not others:
        return tuple(requests), ()
    named = joined(", ", (said("{model} {number:,}", model=model, number=n) for model, n in others.most_common(_NAMED)))
    fact = said("work of other models ({named})", named=named)
    if own and not asked.every:
        return own, (Missing(fact, said("it ran elsewhere and is not replayed here: --model NAME replays all of it")),)
    return tuple(requests), (Missing(fact, said("it is replayed as if this stack had been asked")),)


def _nothing(requests: int) -> Message:
    if not requests:
        return said(
            "no request is recorded: truelimit workload reads transcripts and logs into the store that this replays"
        )
    return said(
        "no recorded request tells the size of its prompt ({requests:,} do not), so there is nothing to replay: "
        "an agent's transcripts or a server's log (truelimit workload --file) may tell it",
        requests=requests,
    )


def _weeks(work: Work) -> float:
    return max(1.0, span(work) / _WEEK)


def _away(today: Today, work: Work) -> Flags:
    """The requests that a cloud route is for; none where the stack after the fix cannot be replayed.

    Who only waits for what the server still reads of a prompt that was given up is well served once that one goes.
    """
    fixed = fixed_stack(today)
    if fixed.stack is None:
        return np.zeros(len(work.asked), bool)
    alone = replace(fixed.stack, reads_on=0.0)
    return tail(work, replay_legs(work, (Leg(alone),), -1), min(_PATIENCE, today.fixed_walls.first))


def _all_results(
    today: Today,
    offered: Offered,
    work: Work,
    money: Money,
    away: Flags,
    progress: Callable[[int, int], None] | None,
) -> tuple[Result, ...]:
    options: list[Option] = [*free_options(today), *cloud_options(today, offered, work, away)]
    machines = list(machine_options(today, offered))
    best = _best(results(work, machines, money)) if machines else []
    options += [*machines, *two_options(today, best, work, away, offered.on)]
    return results(work, options, money, (lambda done: progress(done, len(options))) if progress else None)


def _best(found: Sequence[Result]) -> list[Option]:
    """The machine that a second one beside today's would be: what completes most, then what costs least."""
    priced = [item for item in found if item.cost is not None and item.option.legs]
    ordered = sorted(priced, key=lambda item: (-item.done.value, -item.done.low, item.cost or 0.0))
    return [item.option for item in ordered[:1]]


def _told(
    asked: Asked,
    today: Today,
    work: Work,
    money: Money,
    away: Flags,
    found: tuple[Result, ...],
    elsewhere: tuple[Missing, ...],
) -> WorkVerdict:
    answers = choose(found)
    apart, days = _tail(work, away), span(work) / (24 * 60 * MINUTE)
    as_it_is = recorded(today.view, today.stack, _terms_today(today))
    validation = _validated(work, as_it_is)
    trust = trust_of(validation)
    text = sentence(answers, apart, trust) if answers else _cannot(found)
    made = (*calculations(answers, money, days), *_decisive(today, work)) if answers else ()
    return WorkVerdict(
        _name(asked.view),
        text,
        found,
        made,
        validation,
        len(work.asked),
        len({item.session for item in work.asked}),
        money.weeks,
        days,
        apart.requests,
        apart.many,
        (*elsewhere, *unknown(work, found, as_it_is), *defaults_taken(asked.agents, today.agents)),
        apart.private,
        apart.unsaid,
        trust,
        parts_of(answers, apart) if answers else (),
        money.years,
    )


def _tail(work: Work, away: Flags) -> Tail:
    """Count the requests that are a question of routing, and how many of them may not leave the house."""
    picked = [item for item, far in zip(work.asked, away.tolist(), strict=True) if far]
    return Tail(
        len(picked),
        sum(item.work_class in MULTI_FILE for item in picked),
        sum(item.private is True for item in picked),
        sum(item.private is None for item in picked),
    )


def _terms_today(today: Today) -> Terms:
    return today.terms(walls(today.view, own_timers(today.view)))


def _cannot(found: Sequence[Result]) -> str:
    first = found[0].option if found else None
    why = joined("; ", first.unknown) if first else said("no option")
    return said("Nothing can be said of today's stack, as this is not known: {why}.", why=why)


def _validated(work: Work, built: Built) -> Confusion | None:
    if built.stack is None:
        return None
    return confusion(work.asked, replay_legs(work, (Leg(built.stack),)))


def _decisive(today: Today, work: Work) -> tuple[Calculation, ...]:
    """The arithmetic of the longest prompt: how long it is read here, and how many attempts of the wall that is."""
    fixed = fixed_stack(today)
    if fixed.reading is None:
        return ()
    longest = Term(
        "longest_prompt", int(work.columns.prompt.max()), "tokens", said("the recorded requests"), Basis.REPORTED
    )
    reads = prefill_calculation(fixed.reading.fit, longest)
    left = _wall_of_the_longest(today, work)
    if left.first == float("inf"):
        return (reads,)
    wall = Term("wall", left.first, "s", left.where, left.basis)
    cold = Term("reading", round(float(reads.result), 1), "s", said("above"), reads.basis)
    there = Term("attempts", left.attempts, "attempts", said("that there are"), left.basis)
    tries = calculate("ceil(reading / wall)", "attempts", cold, wall, there)
    return (reads, tries, wall_as_context_calculation(fixed.reading.fit, left.first, left.where))


def _wall_of_the_longest(today: Today, work: Work) -> Walls | AgentWalls:
    """The walls of the agent that sent the longest prompt."""
    who = int(work.columns.agent[int(work.columns.prompt.argmax())])
    return today.agents[who - 1] if who and today.agents else today.fixed_walls
