"""Clients that went away while llama-server was reading, as its log alone shows them.

Its log has no access lines with durations: the last progress line tells how long reading had gone on. The engine
notices a client that left after the batch under way, so the true time lies within one batch of that line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from truelimit.domain.agent import Timeout
from truelimit.domain.frozen import dataclass
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Event, ModelLoaded, PromptProgress, PromptRead, PromptStarted, RequestCancelled
from truelimit.limits.timeline import instant
from truelimit.limits.turns import Turn, prompt_in
from truelimit.limits.walls import ROUND_WALLS, Match
from truelimit.units import Seconds

_LONGEST_STEP = 0.1  # of a wall: with longer batches the log is too coarse to tell a timer from a person
_LEAST_WALL = 60.0  # s: shorter round times are too many to tell anything


@dataclass(slots=True)
class _Task:
    """A prompt that is being read."""

    begun: PromptStarted | None = None
    progress: PromptProgress | None = None
    step: float = 0.0
    read: bool = False

    def see(self, event: PromptProgress) -> None:
        before = self.progress.seconds if self.progress is not None else 0.0
        self.step = max(0.0, float(event.seconds) - before)
        self.progress = event


@dataclass(frozen=True, slots=True)
class _Left:
    """A client that left while its prompt was read."""

    cancelled: RequestCancelled
    begun: PromptStarted | None
    progress: PromptProgress
    step: float


def cancelled_turns(events: Sequence[Event], is_alone: Callable[[Event], bool]) -> list[Turn]:
    """Return the turns of clients that left during a prefill; cancels in a row at one size of prompt are one turn."""
    tasks: dict[str, _Task] = {}
    groups: list[list[_Left]] = []
    for event in events:
        match event:
            case PromptStarted():
                tasks[event.task] = _Task(event)
            case PromptProgress():
                tasks.setdefault(event.task, _Task()).see(event)
            case PromptRead():
                tasks.setdefault(event.task, _Task()).read = True
            case ModelLoaded():
                tasks.clear()
            case RequestCancelled():
                left = _left(tasks.pop(event.task, None), event)
                if left is not None and is_alone(event):
                    _join(groups, left)
    return [_turn(group) for group in groups]


def _left(task: _Task | None, event: RequestCancelled) -> _Left | None:
    if task is None or task.read or task.progress is None:
        return None
    return _Left(event, task.begun, task.progress, task.step)


def _join(groups: list[list[_Left]], left: _Left) -> None:
    if groups and _size(groups[-1][-1]) == _size(left) is not None:
        groups[-1].append(left)
    else:
        groups.append([left])


def _size(left: _Left) -> int | None:
    return int(left.begun.prompt) if left.begun is not None else None


def _turn(group: Sequence[_Left]) -> Turn:
    first, last = group[0], group[-1]
    events: list[Event] = [e for left in group for e in (left.begun, left.progress, left.cancelled) if e is not None]
    times = [instant(event.time) for event in events if event.time is not None]
    mean = sum(float(left.progress.seconds) for left in group) / len(group)
    return Turn(
        (),
        min(times, default=None),
        max(times, default=None),
        len(group),
        len(group),
        mean,
        _wall(group),
        prompt_in(events),
        None,
        tuple(events),
        first.cancelled.where if len(group) == 1 else last.cancelled.where,
    )


def _wall(group: Sequence[_Left]) -> Match | None:
    """A round time that all attempts, two at least, ended at within one batch: a timer, for no person is so exact."""
    if len(group) < 2:
        return None
    for wall in ROUND_WALLS:
        if wall >= _LEAST_WALL and all(_at(left, wall) for left in group):
            where = said(
                "{group} attempts in the server's log that ended there ({where})",
                group=len(group),
                where=group[0].cancelled.where,
            )
            known = Known(Seconds(float(wall)), where, Basis.DERIVED)
            return Match(Timeout("client's timeout", known, SetBy.CLIENT_LIBRARY, "request"), 1)
    return None


def _at(left: _Left, wall: float) -> bool:
    step = left.step + 1
    return step <= _LONGEST_STEP * wall and wall - step <= left.progress.seconds <= wall + step
