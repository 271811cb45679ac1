"""Does a duration match a wall? One attempt ends within 5 s above it; hidden retries multiply it.

Sources: OpenClaw 2026.2.17 against a silent server: attempts of 301.8 to 303.0 s at Node's 300 s, calls of 908 s with
two hidden retries; 2026.9.6: entries of 300.2 and 303.9 s at a key of 300 s, the time between attempts included.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truelimit.domain.agent import Timeout
from truelimit.domain.frozen import dataclass
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.limits.time import COMMAND, bounds_prefill, ends_run, timers
from truelimit.units import HOUR, Seconds

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.provenance import Known

_EARLY = 1.0  # s: clocks of transcript and timer may differ by this
_LATE = 5.0  # s: from the entry before the attempt to its start, and from the timer to its own entry
_BACK_OFF = 0.05  # of the wall between two attempts (15 s for 300 s)
_MOST_ATTEMPTS = 4  # where the agent's number of retries is not known
ROUND_WALLS = (30, 60, 90, 120, 180, 240, 300, 600, 900, 1200, 1800, HOUR)  # s: what people and libraries choose
_NEVER = {"load", "compaction"}
_RUNS = {"run", COMMAND}


@dataclass(frozen=True, slots=True)
class Match:
    """A wall that a duration matches, and the attempts in that duration. ``run`` cut the last attempt short, if any."""

    wall: Timeout
    attempts: int
    run: Timeout | None = None


def attempt_walls(stack: Stack) -> tuple[Timeout, ...]:
    """Return the timers of one attempt, those that bound a prefill on this server first, then by length."""
    found = [timer for timer in timers(stack) if timer.bounds not in {*_NEVER, *_RUNS}]
    return tuple(sorted(found, key=lambda t: (not bounds_prefill(t.bounds, stack.server), t.seconds.value)))


def run_walls(stack: Stack) -> tuple[Timeout, ...]:
    """Return the timers over all attempts of a turn, the shortest first."""
    found = [timer for timer in timers(stack) if timer.bounds in _RUNS]
    return tuple(sorted(found, key=lambda timer: timer.seconds.value))


def hidden_allowed(stack: Stack) -> int:
    """Return how many retries of one visible call the transcript may hide."""
    hidden = stack.route.hidden_attempts if stack.route else None
    return max(0, hidden.value) if hidden is not None else _MOST_ATTEMPTS - 1


def match_call(duration: float, stack: Stack, told: Known[Seconds] | None = None) -> Match | None:
    """Return the wall that ended a call of this duration, or None. ``told`` is a time that its error text names."""
    run = match_run(duration, stack)
    if run is not None:
        shorter = [wall for wall in attempt_walls(stack) if wall.seconds.value + _LATE < duration]
        return _cut_short(duration, run, shorter[0], hidden_allowed(stack)) if shorter else Match(run, 1)
    for count in range(1, hidden_allowed(stack) + 2):
        for wall in attempt_walls(stack):
            if _matches(duration, float(wall.seconds.value), count):
                return Match(wall, count)
    if told is not None and _matches(duration, float(told.value), 1):
        return Match(_told(told), 1)
    return None


def match_run(duration: float, stack: Stack) -> Timeout | None:
    """Return the timer over all attempts that a duration matches, or None."""
    return next((wall for wall in run_walls(stack) if ends_run(duration, wall)), None)


def _cut_short(duration: float, run: Timeout, wall: Timeout, hidden: int) -> Match:
    """The run ended while an attempt was under way: full attempts before it, and this one."""
    attempts = min(hidden + 1, math.ceil(duration / (wall.seconds.value + _LATE)))
    return Match(wall, attempts, run) if attempts > 1 else Match(run, 1)


def _matches(duration: float, wall: float, attempts: int) -> bool:
    late = min(_LATE, 1 + wall / 60)
    excess = duration - attempts * wall
    return -_EARLY <= excess <= attempts * late + (attempts - 1) * _BACK_OFF * wall


def _told(told: Known[Seconds]) -> Timeout:
    return Timeout(said("timer named by the error"), told, SetBy.AGENT_DEFAULT, "request")
