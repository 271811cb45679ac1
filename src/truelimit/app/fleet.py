"""What the work of many people is: sums over small cells, one a person and group, that an engine has counted. Pure.

The requests of one person are alike, so an interval of a share counts people, not requests alone: the variance is that
of a ratio over people (Cochran, Sampling Techniques, 1977, section 6.3), turned into an effective number of requests
for Wilson's interval (Korn and Graubard, 1998), with Student's t for few people.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.bench.intervals import student_t
from truelimit.domain.frozen import dataclass
from truelimit.domain.workload import Ending, WorkClass
from truelimit.units import Seconds
from truelimit.workload.classes import MULTI_FILE
from truelimit.workload.options import Within
from truelimit.workload.shares import wilson
from truelimit.workload.stack import Outcome
from truelimit.workload.summary import MULTI, Sizes

if TYPE_CHECKING:
    from truelimit.domain.provenance import Missing

ENDINGS = tuple(Ending)
RECORDED = -1  # the number of the option that is no replay: what was recorded
SERVED_WELL = 0.95  # share of requests that complete, from which on a person is served
_MS = 1000
_NORMAL = 1.6448536269514722  # the 95 % quantile, which Student's t tends to
_OTHER = frozenset({Outcome.NO_ROOM, Outcome.NOT_ALLOWED, Outcome.GONE})


@dataclass(frozen=True, slots=True)
class Cell:
    """One person's calls of one group: how many, of how many turns, their prompt tokens and milliseconds."""

    person: str
    name: str
    calls: int
    turns: int
    tokens: int
    ms: int


@dataclass(frozen=True, slots=True)
class FleetShare:
    """A group of calls of all people; shares from 0 to 1.

    ``low`` and ``high`` bound the share of calls with 90 %, as if the people were drawn from many; None for one alone.
    """

    name: str
    people: int
    calls: int
    turns: int
    tokens: int
    seconds: Seconds
    of_calls: float
    low: float | None
    high: float | None
    of_tokens: float | None
    of_seconds: float | None


@dataclass(frozen=True, slots=True)
class Person:
    """One person's work. ``requests`` were asked, ``calls`` count attempts that repeat one too; times in ms of 1970."""

    person: str
    calls: int
    requests: int
    sessions: int
    turns: int
    side_calls: int
    private: int
    timed: int
    waited_ms: int
    first_ms: int | None
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One person's replay: the number of the option, the pace (-1 slow, 0 expected, 1 fast), requests by outcome.

    Of the option RECORDED the counts are by ending instead (see ENDINGS). ``seconds`` of waiting and ``usd`` in all.
    """

    person: str
    option: int
    pace: int
    counts: tuple[int, ...]
    seconds: float
    usd: float


@dataclass(frozen=True, slots=True)
class OptionResult:
    """What an option comes to, for all people or for one. ``known``: requests whose prompt is known.

    ``other`` are refused for another reason (no room, not allowed, gone); ``seconds`` are those of waiting. ``served``
    of ``people`` with a known request have SERVED_WELL of theirs completed, at the expected rates.
    """

    name: str
    known: int
    done: Within
    overflow: Within
    truncated: Within
    timed_out: Within
    other: Within
    seconds: Within
    usd: Within
    people: int
    served: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What an engine counted. ``rows`` were read, ``copies`` of them repeat one, ``refused`` lack a required value."""

    people: tuple[Person, ...]
    agents: tuple[Cell, ...]
    models: tuple[Cell, ...]
    endings: tuple[Cell, ...]
    classes: tuple[Cell, ...]
    prompt: Sizes | None
    output: Sizes | None
    rows: int
    copies: int
    refused: int
    replayed: tuple[Replayed, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """The work of a fleet. ``recorded`` counts requests by how their last attempt ended, where a replay was asked for.

    ``each`` has the options' results of each person, in the order of ``people``.
    """

    people: tuple[Person, ...]
    agents: tuple[FleetShare, ...]
    models: tuple[FleetShare, ...]
    endings: tuple[FleetShare, ...]
    classes: tuple[FleetShare, ...]
    multi: FleetShare | None
    prompt: Sizes | None
    output: Sizes | None
    recorded: Mapping[Ending, int]
    options: tuple[OptionResult, ...]
    each: tuple[tuple[OptionResult, ...], ...]
    rows: int
    copies: int
    refused: int
    engine: str
    files: int
    missing: tuple[Missing, ...] = ()

    def total(self, what: str) -> int:
        """Return the sum of a count over all people, such as ``requests``."""
        return sum(getattr(item, what) for item in self.people)


def fleet(counted: Counted, names: Sequence[str], engine: str, files: int, missing: Sequence[Missing]) -> Fleet:
    """Return the work of a fleet from what an engine counted; ``names`` of the options that were replayed."""
    people = tuple(sorted(counted.people, key=lambda item: (-item.waited_ms, item.person)))
    recorded = [item for item in counted.replayed if item.option == RECORDED]
    return Fleet(
        people,
        shares(counted.agents), shares(counted.models), shares(counted.endings), shares(counted.classes),
        _multi(counted.classes),
        counted.prompt, counted.output,
        {ending: sum(item.counts[place] for item in recorded) for place, ending in enumerate(ENDINGS)},
        options(counted.replayed, names),
        _each(counted.replayed, names, people),
        counted.rows, counted.copies, counted.refused, engine, files, tuple(missing),
    )  # fmt: skip


def _multi(classes: Sequence[Cell]) -> FleetShare | None:
    """The share of work on many files among calls of known turns: classes are of turns, so no turn is in two."""
    many = {item.value for item in MULTI_FILE}
    side = WorkClass.SIDE_CALL.value
    cells = [replace(cell, name=MULTI if cell.name in many else "other") for cell in classes if cell.name != side]
    return next((item for item in shares(cells) if item.name == MULTI), None)


def shares(cells: Iterable[Cell]) -> tuple[FleetShare, ...]:
    """Return the groups of cells by name, the largest first."""
    groups: dict[str, dict[str, Cell]] = {}
    whole: dict[str, int] = {}
    for cell in cells:
        held = groups.setdefault(cell.name, {})
        held[cell.person] = _sum(held[cell.person], cell) if cell.person in held else cell
        whole[cell.person] = whole.get(cell.person, 0) + cell.calls
    tokens = sum(cell.tokens for held in groups.values() for cell in held.values())
    ms = sum(cell.ms for held in groups.values() for cell in held.values())
    found = [_share(name, held, whole, tokens, ms) for name, held in groups.items()]
    return tuple(sorted(found, key=lambda item: (-item.calls, item.name)))


def _sum(one: Cell, other: Cell) -> Cell:
    added = (getattr(one, name) + getattr(other, name) for name in ("calls", "turns", "tokens", "ms"))
    return Cell(one.person, one.name, *added)


def _share(name: str, held: Mapping[str, Cell], whole: Mapping[str, int], tokens: int, ms: int) -> FleetShare:
    calls, turns = sum(cell.calls for cell in held.values()), sum(cell.turns for cell in held.values())
    own_tokens, own_ms = sum(cell.tokens for cell in held.values()), sum(cell.ms for cell in held.values())
    low, high = interval({person: cell.calls for person, cell in held.items()}, whole)
    return FleetShare(
        name, len(held), calls, turns, own_tokens, Seconds(own_ms / _MS),
        calls / sum(whole.values()), low, high,
        own_tokens / tokens if tokens else None, own_ms / ms if ms else None,
    )  # fmt: skip


def interval(hits: Mapping[str, int], whole: Mapping[str, int]) -> tuple[float | None, float | None]:
    """Return the 90 % interval of a share by people: hits and calls of each. (None, None) for fewer than two people."""
    people, calls, hit = len(whole), sum(whole.values()), sum(hits.values())
    if people < 2 or not calls:
        return None, None
    share = hit / calls
    spread = math.fsum((hits.get(person, 0) - share * count) ** 2 for person, count in whole.items())
    variance = people / (people - 1) * spread / calls**2
    alone = share * (1 - share) / calls  # if each request were drawn by itself
    effective = min(calls, calls * alone / variance) if variance > 0 and alone > 0 else people
    count = effective * (_NORMAL / student_t(people - 1)) ** 2
    return wilson(share * count, count)  # its formula holds for parts of requests


def options(replayed: Iterable[Replayed], names: Sequence[str]) -> tuple[OptionResult, ...]:
    """Return what each option comes to over all people in ``replayed``."""
    rows: dict[int, list[Replayed]] = {}
    for item in replayed:
        if item.option != RECORDED:
            rows.setdefault(item.option, []).append(item)
    return tuple(_option(name, rows.get(number, [])) for number, name in enumerate(names))


def _option(name: str, rows: Sequence[Replayed]) -> OptionResult:
    paces = sorted({item.pace for item in rows}, key=abs)
    by_pace = [sorted((row for row in rows if row.pace == pace), key=lambda row: row.person) for pace in paces]
    counts = [[sum(row.counts[place] for row in part) for place in Outcome] for part in by_pace]
    expected = [(row.counts[Outcome.DONE], _known(row.counts)) for row in (by_pace[0] if by_pace else [])]
    return OptionResult(
        name,
        _known(counts[0]) if counts else 0,
        _within([part[Outcome.DONE] for part in counts]),
        _within([part[Outcome.OVERFLOW] for part in counts]),
        _within([part[Outcome.TRUNCATED] for part in counts]),
        _within([part[Outcome.TIMED_OUT] for part in counts]),
        _within([sum(part[item] for item in _OTHER) for part in counts]),
        _within([Seconds(math.fsum(row.seconds for row in part)) for part in by_pace]),
        _within([math.fsum(row.usd for row in part) for part in by_pace]),
        sum(known > 0 for _, known in expected),
        sum(known > 0 and done >= SERVED_WELL * known for done, known in expected),
    )


def _known(counts: Sequence[int]) -> int:
    return sum(counts) - counts[Outcome.UNKNOWN]


def _within(values: Sequence[float]) -> Within:
    return Within(values[0], min(values), max(values)) if values else Within(0, 0, 0)


def _each(
    replayed: Iterable[Replayed], names: Sequence[str], people: Sequence[Person]
) -> tuple[tuple[OptionResult, ...], ...]:
    by_person: dict[str, list[Replayed]] = {}
    for item in replayed:
        by_person.setdefault(item.person, []).append(item)
    return tuple(options(by_person.get(item.person, ()), names) for item in people) if names else ()
