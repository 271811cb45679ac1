"""How a call of a model ended as a request of the work: by how the agent took it, its error, or an incident's cause."""

from __future__ import annotations

from truelimit.domain.session import Call, CallError, Cause, ErrorKind, Outcome
from truelimit.domain.workload import Ending

_ENDINGS = {
    ErrorKind.OVERFLOW: Ending.OVERFLOW,
    ErrorKind.WINDOW_TOO_SMALL: Ending.OVERFLOW,
    ErrorKind.TIMEOUT: Ending.TIMED_OUT,
    ErrorKind.LOAD_TIMEOUT: Ending.TIMED_OUT,
    ErrorKind.CONNECTION: Ending.CRASHED,
    ErrorKind.ENGINE_CRASH: Ending.CRASHED,
    ErrorKind.OUT_OF_MEMORY: Ending.CRASHED,
    ErrorKind.CANCELLED: Ending.CANCELLED,
}
_CAUSES = {
    Cause.OVERFLOW: Ending.OVERFLOW,
    Cause.TRUNCATION: Ending.TRUNCATED,
    Cause.PREFILL_EXCEEDS_WALL: Ending.TIMED_OUT,
    Cause.LOAD_EXCEEDS_WALL: Ending.TIMED_OUT,
    Cause.QUEUE_EXCEEDS_WALL: Ending.TIMED_OUT,
    Cause.ENGINE_CRASH: Ending.CRASHED,
    Cause.OUT_OF_MEMORY: Ending.CRASHED,
    Cause.CANCELLED: Ending.CANCELLED,
}
# Node's fetch gives up after 300 s without a byte and says only "fetch failed" or "terminated" (measured: 301.8 to
# 303.7 s; two and three attempts inside one call of a client library: 605 and 908 s).
_FETCH_WALL = 300.0
_FETCH_SLACK = 5.0
_MOST_ATTEMPTS = 3


def of_error(error: CallError, seconds: float | None = None) -> Ending:
    """Return how a call with a known error ended. A lost connection at Node's own wall of 300 s is a timeout."""
    if error.kind is ErrorKind.CONNECTION and seconds is not None and _at_fetch_wall(seconds):
        return Ending.TIMED_OUT
    return _ENDINGS.get(error.kind, Ending.UNKNOWN)


def _at_fetch_wall(seconds: float) -> bool:
    walls = ((_FETCH_WALL * count, _FETCH_SLACK * count) for count in range(1, _MOST_ATTEMPTS + 1))
    return any(0 <= seconds - wall <= slack for wall, slack in walls)


def of_call(call: Call) -> Ending:
    """Return how an agent's call ended. One that was aborted, and whose error tells no more, was cancelled."""
    if call.outcome is Outcome.DONE:
        return Ending.DONE
    told = of_error(call.error, call.seconds) if call.error else Ending.UNKNOWN
    return Ending.CANCELLED if told is Ending.UNKNOWN and call.outcome is Outcome.ABORTED else told


def of_cause(cause: Cause) -> Ending:
    """Return how the requests of an incident ended; ``unknown`` for one that nothing explains."""
    return _CAUSES.get(cause, Ending.UNKNOWN)
