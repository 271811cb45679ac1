"""How long the recorded work lasted, and what is not known of it: sizes, privacy, answers, clocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from truelimit.domain.message import counted, said
from truelimit.domain.provenance import Missing
from truelimit.domain.set_by import SetBy
from truelimit.domain.workload import WorkClass
from truelimit.units import MINUTE
from truelimit.workload.columns import AGENTS, usual_output

if TYPE_CHECKING:
    from truelimit.app.replay_stacks import Built
    from truelimit.domain.agent import OtherAgents
    from truelimit.domain.message import Message
    from truelimit.workload.columns import Clock
    from truelimit.workload.legs import Work
    from truelimit.workload.options import Result
    from truelimit.workload.stack import AgentWalls

_LONGEST_GAP = 60 * 24 * 60 * MINUTE  # s: nobody pauses so long; a clock was wrong, or it was another time
_FEW = 30  # requests below which a share says little


def span(work: Work) -> float:
    """Return seconds from the first to the last request, without gaps so long that a clock must have jumped."""
    gaps = _gaps(work)
    return float(gaps[gaps <= _LONGEST_GAP].sum())


def _gaps(work: Work) -> Clock:
    times = np.sort(work.columns.time[work.columns.time > 0])
    return np.diff(times)


def unknown(work: Work, found: Sequence[Result], as_it_is: Built) -> list[Missing]:
    """Return what is not known of the work and of the options, each with what follows."""
    missing = [Missing(said("today's stack"), why) for why in as_it_is.unknown]
    missing += [*_prompts(work), *_few(work), *_classes(work), *_privacy(work), *_clock(work), *_answers(work)]
    seen = {(item.option.name, why) for item in found for why in item.option.unknown}
    return missing + [Missing(name, why) for name, why in sorted(seen)]


def _prompts(work: Work) -> list[Missing]:
    lost, every = len(work.asked) - int(np.count_nonzero(work.columns.known)), len(work.asked)
    why = said("{lost:,} of {all:,} requests do not tell their size: in no share", lost=lost, all=every)
    return [Missing(said("prompts"), why)] if lost else []


def _few(work: Work) -> list[Missing]:
    why = counted(
        "{count} request is recorded: a share of so few says little of a week",
        "{count} requests are recorded: a share of so few says little of a week",
        len(work.asked),
    )
    return [Missing(said("the usual work"), why)] if len(work.asked) < _FEW else []


def _classes(work: Work) -> list[Missing]:
    """Requests of which nobody knows what turn they were part of, as in a bundle without its records."""
    classless = sum(item.turn is None and item.work_class is WorkClass.UNKNOWN for item in work.asked)
    why = said(
        "of {classless:,} of {all:,} requests nobody knows which files they edit: those of 5 or more are not among the "
        "big ones",
        classless=classless,
        all=len(work.asked),
    )
    return [Missing(said("what the work was"), why)] if classless else []


def _privacy(work: Work) -> list[Missing]:
    private = sum(item.private is None for item in work.asked)
    why = said(
        "of {private:,} requests nobody said whether they may leave the house: taken as private", private=private
    )
    return [Missing(said("privacy"), why)] if private else []


def defaults_taken(known: OtherAgents, taken: Sequence[AgentWalls]) -> list[Missing]:
    """Return the agents whose patience is that of their version's defaults, and settings that could not be read."""
    walls = dict(zip(AGENTS, taken, strict=False))
    taken_as_they_come = [
        Missing(said("how long {agent} waits", agent=item.name), _default_of(wall))
        for item in known.defaults
        if (wall := walls.get(item.agent)) is not None and wall.where and wall.set_by is SetBy.AGENT_DEFAULT
    ]
    return [*known.unread, *taken_as_they_come]


def _default_of(wall: AgentWalls) -> Message:
    unseen = said("a variable or a project's own file that says otherwise is not seen")
    if wall.bounds == "events":
        return said(
            "{seconds:g} s without an event (a comment is none) and {attempts} attempts, {where}; {unseen}",
            seconds=wall.first, attempts=wall.attempts, where=wall.where, unseen=unseen,
        )  # fmt: skip
    return said(
        "{seconds:g} s without a byte and {attempts} attempts, {where}; {unseen}",
        seconds=wall.first, attempts=wall.attempts, where=wall.where, unseen=unseen,
    )  # fmt: skip


def _clock(work: Work) -> list[Missing]:
    """Requests so far from the others in time that they can belong to no week of this work."""
    jumps = int(np.count_nonzero(_gaps(work) > _LONGEST_GAP))
    if not jumps:
        return []
    why = counted(
        "{count} gap of more than 60 days: a clock was wrong or it was another time; it is in no week",
        "{count} gaps of more than 60 days: a clock was wrong or it was another time; they are in no week",
        jumps,
    )
    return [Missing(said("the clock"), why)]


def _answers(work: Work) -> list[Missing]:
    told = np.array([np.nan if item.output_tokens is None else item.output_tokens for item in work.asked])
    silent = int(np.count_nonzero(np.isnan(told)))
    if not silent:
        return []
    why = said(
        "{silent:,} of {all:,} do not tell their length: each counts as {usual:,.0f} tokens, the usual one",
        silent=silent,
        all=len(work.asked),
        usual=usual_output(told),
    )
    return [Missing(said("answers"), why)]
