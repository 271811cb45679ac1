"""What the work is: how much, how large, how it ended, what of it is work on many files, and what nobody knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from truelimit.domain.message import said
from truelimit.domain.workload import WorkClass, WorkRequest
from truelimit.workload.chains import folded
from truelimit.workload.classes import MULTI_FILE, classified
from truelimit.workload.doubles import joined
from truelimit.workload.prefix import Prefix, prefix
from truelimit.workload.shares import Share, shares, wilson

MULTI, OTHER = "multi-file", "other"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Percentiles of a count over the requests that tell it (nearest rank), its largest and its sum."""

    requests: int
    median: int
    p90: int
    p99: int
    largest: int
    total: int


@dataclass(frozen=True, slots=True)
class TurnShare:
    """Turns of one class: how many, their share of all turns that are classed, and its 90 % interval."""

    name: str
    turns: int
    of_turns: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that ``requests`` of all ``of`` do not tell."""

    what: str
    requests: int
    of: int


@dataclass(frozen=True, slots=True)
class Unclassed:
    """Requests in no share of classes: of turns none of whose calls was answered, or (``turns`` 0) of no known turn.

    ``tokens`` of their prompts and ``seconds`` of waiting, as far as they are known.
    """

    requests: int
    turns: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """The work of all requests that were asked.

    ``retries`` are attempts that repeat one; ``doubles``: servers' records of calls that an agent recorded too.
    ``waited``: seconds over all calls, attempts that failed included; ``timed`` calls tell theirs. ``classes`` and
    ``multi`` are over requests that were asked, of turns whose class is known, and side calls; ``multi`` has 2 groups.
    ``unanswered`` and ``turnless`` are the requests that are left out of them.
    """

    requests: int
    retries: int
    doubles: int
    sessions: int
    turns: int
    side_calls: int
    first: datetime | None
    last: datetime | None
    waited: float
    timed: int
    agents: tuple[Share, ...]
    models: tuple[Share, ...]
    endings: tuple[Share, ...]
    classes: tuple[Share, ...]
    multi: tuple[Share, ...]
    turn_classes: tuple[TurnShare, ...]
    multi_turns: TurnShare | None
    prompt: Sizes | None
    output: Sizes | None
    prefix: Prefix
    private: int
    unknown: tuple[Unknown, ...]
    unanswered: Unclassed
    turnless: Unclassed

    @property
    def multi_turns_at_most(self) -> TurnShare | None:
        """The turns on many files if every turn that was never answered had been one; None without any turn."""
        turns = sum(item.turns for item in self.turn_classes) + self.unanswered.turns
        hits = (self.multi_turns.turns if self.multi_turns else 0) + self.unanswered.turns
        return _turn_share(MULTI, hits, turns) if turns else None


def summary(requests: Sequence[WorkRequest]) -> Work:
    """Return what the work is. Classes are given here, to whole turns."""
    items, doubles = joined(classified(requests))
    asked = folded(items)
    times = sorted(item.time for item in items if item.time is not None)
    known = [item for item in asked if _is_classed(item)]
    durations = [item.duration for item in items if item.duration is not None]
    by_turn = _turn_classes(known)
    return Work(
        len(asked), len(items) - len(asked), doubles,
        len({item.session for item in items}),
        len({item.turn for item in items if item.turn is not None}),
        sum(item.work_class is WorkClass.SIDE_CALL for item in asked),
        times[0] if times else None, times[-1] if times else None,
        math.fsum(durations), len(durations),
        tuple(shares(items, lambda item: item.agent if item.agent != "unknown" else item.source)),
        tuple(shares(items, lambda item: item.model)),
        tuple(shares(items, lambda item: item.ending.value)),
        tuple(shares(known, lambda item: item.work_class.value)),
        tuple(shares(known, _side)),
        by_turn, _multi_turns(by_turn),
        _sizes(asked, lambda item: item.prompt_tokens),
        _sizes(asked, lambda item: item.output_tokens),
        prefix(items),
        sum(item.private is True for item in asked),
        tuple(_unknown(asked)),
        _unclassed([item for item in asked if _is_unanswered(item)]),
        _unclassed([item for item in asked if item.turn is None and not _is_classed(item)]),
    )  # fmt: skip


def _is_classed(item: WorkRequest) -> bool:
    return item.work_class is WorkClass.SIDE_CALL or (
        item.turn is not None and item.work_class is not WorkClass.UNKNOWN
    )


def _side(item: WorkRequest) -> str:
    return MULTI if item.work_class in MULTI_FILE else OTHER


def _turn_classes(items: Sequence[WorkRequest]) -> tuple[TurnShare, ...]:
    by_class: dict[str, set[str]] = {}
    for item in items:
        if item.turn is not None and item.work_class is not WorkClass.SIDE_CALL:
            by_class.setdefault(item.work_class.value, set()).add(item.turn)
    total = sum(map(len, by_class.values()))
    found = [_turn_share(name, len(turns), total) for name, turns in by_class.items()]
    return tuple(sorted(found, key=lambda item: (-item.turns, item.name)))


def _turn_share(name: str, turns: int, total: int) -> TurnShare:
    low, high = wilson(turns, total)
    return TurnShare(name, turns, turns / total, low, high)


def _multi_turns(classes: Sequence[TurnShare]) -> TurnShare | None:
    total = sum(item.turns for item in classes)
    hits = sum(item.turns for item in classes if WorkClass(item.name) in MULTI_FILE)
    return _turn_share(MULTI, hits, total) if total else None


def _sizes(items: Sequence[WorkRequest], count: Callable[[WorkRequest], int | None]) -> Sizes | None:
    values = sorted(value for item in items if (value := count(item)) is not None)
    if not values:
        return None

    def at(share: float) -> int:
        return values[max(0, math.ceil(share * len(values)) - 1)]

    return Sizes(len(values), at(0.5), at(0.9), at(0.99), values[-1], sum(values))


def _unclassed(items: Sequence[WorkRequest]) -> Unclassed:
    seconds = math.fsum(item.duration or 0.0 for item in items)
    turns = len({item.turn for item in items if item.turn is not None})
    return Unclassed(len(items), turns, sum(item.prompt_tokens or 0 for item in items), seconds)


def _is_unanswered(item: WorkRequest) -> bool:
    return item.turn is not None and item.work_class is WorkClass.UNKNOWN


def _unknown(items: Sequence[WorkRequest]) -> list[Unknown]:
    missing: tuple[tuple[str, Callable[[WorkRequest], bool]], ...] = (
        (said("time"), lambda item: item.time is None),
        (said("model"), lambda item: item.model == "unknown"),
        (said("prompt tokens"), lambda item: item.prompt_tokens is None),
        (said("cached tokens"), lambda item: item.cached_tokens is None),
        (said("output tokens"), lambda item: item.output_tokens is None),
        (said("duration"), lambda item: item.duration is None),
        (said("time to the first token"), lambda item: item.first_token is None),
        (said("how it ended"), lambda item: item.ending.value == "unknown"),
        (said("turn of the user"), lambda item: item.turn is None and item.work_class is not WorkClass.SIDE_CALL),
        (said("what their turn was, as none of its calls was answered"), _is_unanswered),
        (said("private or not"), lambda item: item.private is None),
    )
    found = [Unknown(what, sum(map(test, items)), len(items)) for what, test in missing]
    return [item for item in found if item.requests]
