"""Points for rates out of a server's log: what was really evaluated, how deep, in how many seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from truelimit.domain.provenance import Basis
from truelimit.domain.server import AnswerWritten, ModelLoaded, PromptProgress, PromptRead, PromptStarted
from truelimit.limits.log_events import stack_events
from truelimit.perf.decode import DecodePoint
from truelimit.perf.prefill import PrefillPoint
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack

MIN_CHUNK = 128  # tokens: smaller chunks run as single batches far below the rate of a full one
_MIN_ANSWER = 8  # tokens
_MOST = 5_000  # points: the latest ones, so that a long log does not cost more


@dataclass(slots=True)
class _Reading:
    """A prompt that is being read: where its last known position is, and when it was there."""

    position: int | None
    seconds: float
    prompt: int | None = None
    moved: bool = False


def prefill_points(stack: Stack) -> list[PrefillPoint]:
    """Return the points of all prompts in the log: differences between progress lines, else whole prompts."""
    readings: dict[str, _Reading] = {}
    points: list[PrefillPoint] = []
    for event in stack_events(stack, PromptStarted, PromptProgress, PromptRead, ModelLoaded):
        match event:
            case PromptStarted():
                readings[event.task] = _Reading(event.cached, 0.0, event.prompt or None)
            case PromptProgress():
                points += _progress(readings, event)
            case PromptRead():
                points += _read(readings.pop(event.task, None), event)
            case ModelLoaded():
                readings.clear()
    known = [point for point in points if point.basis is Basis.MEASURED]
    return (known or points)[-_MOST:]


def _progress(readings: dict[str, _Reading], event: PromptProgress) -> list[PrefillPoint]:
    """The chunk since the last line; the first one counts from the cached tokens, where they are known."""
    before = readings.get(event.task)
    if before is None or (before.position is not None and event.tokens < before.position):
        before = _Reading(None, 0.0)  # another prompt under the same number, its start not seen
    start = before.position
    if start is None and event.evaluated is not None and not before.moved:
        start = event.tokens - event.evaluated
    readings[event.task] = _Reading(int(event.tokens), float(event.seconds), before.prompt, moved=True)
    if start is None:
        return []
    return _point(start, int(event.tokens) - start, float(event.seconds) - before.seconds, event.where)


def _read(reading: _Reading | None, event: PromptRead) -> list[PrefillPoint]:
    """The rest after the last progress line, or the whole prompt where there was none."""
    start = _start_of(reading, event)
    if reading is None or not reading.moved or reading.position is None:
        basis = Basis.MEASURED if start is not None else Basis.ASSUMED  # depth not told: taken as 0
        return _point(start or 0, int(event.evaluated), float(event.seconds), event.where, basis)
    if start is None:
        return []
    left = start + int(event.evaluated) - reading.position
    return _point(reading.position, left, float(event.seconds) - reading.seconds, event.where)


def _start_of(reading: _Reading | None, event: PromptRead) -> int | None:
    if event.from_depth is not None:
        return int(event.from_depth)
    if reading is not None and reading.prompt is not None and reading.prompt >= event.evaluated:
        return reading.prompt - int(event.evaluated)
    return None


def _point(start: int, tokens: int, seconds: float, where: str, basis: Basis = Basis.MEASURED) -> list[PrefillPoint]:
    if tokens < MIN_CHUNK or seconds <= 0 or start < 0:
        return []
    return [PrefillPoint(Tokens(start), Tokens(tokens), Seconds(seconds), where, basis)]


def decode_points(stack: Stack) -> list[DecodePoint]:
    """Return the points of all answers in the log whose depth is known, from the event or from its prompt."""
    depths: dict[str, int] = {}
    points: list[DecodePoint] = []
    for event in stack_events(stack, PromptStarted, PromptRead, AnswerWritten):
        match event:
            case PromptStarted(task=task, prompt=prompt) if prompt:
                depths[task] = int(prompt)
            case PromptRead(task=task, evaluated=evaluated, from_depth=depth) if depth is not None:
                depths[task] = int(depth) + int(evaluated)
            case AnswerWritten(task=task, tokens=tokens, seconds=seconds, depth=depth):
                known = depth if depth is not None else depths.get(task)
                if known is not None and tokens >= _MIN_ANSWER and seconds > 0:
                    points.append(DecodePoint(Tokens(int(known)), tokens, seconds, event.where))
    return points[-_MOST:]
