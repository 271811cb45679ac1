"""The verdict on hardware: the options in order of cost, and one sentence that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.domain.calculation import Calculation
from truelimit.domain.message import Message, counted, joined, said
from truelimit.domain.provenance import Missing
from truelimit.workload.confusion import Confusion
from truelimit.workload.judge import YEARS
from truelimit.workload.options import Kind, Result
from truelimit.workload.trust import Trust

_HARDWARE = {Kind.MACHINE, Kind.TWO}
_FREE = {Kind.NOTHING, Kind.FIX, Kind.BY_HAND, Kind.SETTING, Kind.FILE}
_DEARER = 1.1  # times: what a provider's cache saves below this is not worth a name
_LITTLE = 0.05  # of the requests: what a machine adds below this is little
_NO_WAIT = 0.05  # h a week: less is not worth a name
_AS_QUICK = 1.1  # times the hours of the quickest: a replay tells no more apart


@dataclass(frozen=True, slots=True)
class WorkVerdict:
    """What the replay of the work says. ``tail`` requests are a question of routing, ``tail_many`` of them multi-file.

    ``tail_private`` of them must not leave the house, of ``tail_unsaid`` nobody said whether they may.
    ``unknown`` names what is not known. ``validation`` compares the replay of today's stack with what was recorded, and
    ``trust`` is what that says of all numbers here. ``parts`` are those of the sentence, for where there is room for a
    list. ``years`` are those over which the months of an option add up to its cost.
    """

    model: str
    sentence: str
    results: tuple[Result, ...]
    calculations: tuple[Calculation, ...]
    validation: Confusion | None
    requests: int
    sessions: int
    weeks: float
    span_days: float
    tail: int
    tail_many: int
    unknown: tuple[Missing, ...] = ()
    tail_private: int = 0
    tail_unsaid: int = 0
    trust: Trust = Trust.HIGH
    parts: tuple[str, ...] = ()
    years: float = YEARS


@dataclass(frozen=True, slots=True)
class Tail:
    """Requests that are a question of routing: ``many`` of them edit many files, ``private`` ones must stay.

    Of ``unsaid`` ones nobody said whether they may leave the house.
    """

    requests: int
    many: int = 0
    private: int = 0
    unsaid: int = 0

    @property
    def may_leave(self) -> int:
        """Those that are not known to be private."""
        return self.requests - self.private


@dataclass(frozen=True, slots=True)
class Choice:
    """The answers: today, the first and the surest that are free and can be had, hardware, the best cloud route.

    ``machine`` completes the most, then is the cheapest of those that make one wait the least; ``bought_alone`` is the
    most that any machine completes with the configuration of today, None where that was not replayed. ``tried``: there
    was a machine among the options.
    """

    today: Result
    free: Result
    surest: Result
    machine: Result | None
    cloud: Result | None
    bought_alone: float | None
    tried: bool = True


def choose(results: Sequence[Result]) -> Choice | None:
    """Return the answers among results, or None where today's stack could not be replayed."""
    told = [item for item in results if item.option.legs and item.option.shipped]
    today = next((item for item in told if item.option.kind is Kind.NOTHING), None)
    if today is None:
        return None
    free = [item for item in told if item.option.kind in _FREE]
    priced = [item for item in told if item.option.kind in _HARDWARE and item.usd_now is not None]
    alone = [item.done_as_is.value for item in priced if item.done_as_is is not None]
    return Choice(
        today,
        max(free, key=lambda item: item.done.value),  # the first of equals: they are in order of cost
        max(free, key=lambda item: (item.done.value, item.done.low)),
        _best_machine(priced),
        max((item for item in told if item.option.kind is Kind.CLOUD), key=_route, default=None),
        max(alone, default=None),
        any(item.option.kind is Kind.MACHINE for item in results),
    )


def _best_machine(priced: Sequence[Result]) -> Result | None:
    """What completes the most; of those as quick as the quickest, within what a replay tells apart, the cheapest."""
    most = max(((item.done.value, item.done.low) for item in priced), default=None)
    able = [item for item in priced if (item.done.value, item.done.low) == most]
    quickest = min((item.hours_week.value for item in able), default=0.0)
    near = [item for item in able if item.hours_week.value <= max(_AS_QUICK * quickest, quickest + _NO_WAIT)]
    return min(near, key=lambda item: (item.cost or 0.0, item.hours_week.value), default=None)


def _route(item: Result) -> tuple[float, ...]:
    return item.done.value, item.done.high, -(item.usd_month or 0.0)


def sentence(found: Choice, tail: Tail, trust: Trust = Trust.HIGH) -> Message:
    """Return the one sentence: what to do first, whether hardware changes anything, what is left to route.

    Where the replay of today's stack does not tell what was recorded, that is said first.
    """
    parts = joined("; ", parts_of(found, tail))
    if trust is Trust.LOW:
        return guess(parts)
    return said("{parts}.", parts=parts)


def guess(parts: str) -> Message:
    """Return what is said of work that the replay of today's stack does not tell."""
    return said("A guess, since the replay of today's stack does not tell what was recorded: {parts}.", parts=parts)


def parts_of(found: Choice, tail: Tail) -> tuple[str, ...]:
    """Return the parts of the sentence: what to do first, hardware with and without that, what is left to route."""
    return tuple(part for part in (_first(found), _hardware(found), _alone(found), _routing(found, tail)) if part)


def _first(found: Choice) -> Message:
    today, free = found.today, found.free
    if free.done.value > today.done.value:
        what = said("Do this first, it is free ({option})", option=free.option.name)
        if free.option.kind is Kind.FIX:
            what = said("Run truelimit fix first, it is free")
        text = said("{what}: {of} complete instead of {before:,.0f}", what=what, of=_of(free), before=today.done.value)
        if found.surest.done.low > free.done.low:
            sure = found.surest
            text += said(", and surely {sure:,.0f} with {option}", sure=sure.done.low, option=sure.option.name)
        return text
    if today.done.low == today.known:
        return counted(
            "Change nothing: the one request completes", "Change nothing: all {count} requests complete", today.known
        )
    return said("Nothing that is free completes more of this work ({of} complete today)", of=_of(today))


def _of(item: Result) -> Message:
    done, known = item.done, item.known
    whole = counted("{done:,.0f} of {count} request", "{done:,.0f} of {count} requests", known, done=done.value)
    if done.low == done.high:
        return whole
    return said(
        "{whole} ({low:,.0f} to {high:,.0f} over the interval of the rates)", whole=whole, low=done.low, high=done.high
    )


def _hardware(found: Choice) -> Message:
    machine, free = found.machine, found.surest
    if machine is None and not found.tried:
        return said("no machine was tried: none that may hold this work is within what was asked")
    if machine is None:
        return said("no machine with a known price could be replayed")
    more = machine.done.value - free.done.value
    saved = free.hours_week.value - machine.hours_week.value
    what = said("{machine}, {usd:,.0f} USD", machine=machine.option.name, usd=machine.usd_now)
    if machine.option.cards == 1:
        what = said("{price} for the card alone", price=what)
    elif machine.option.cards:
        what = said("{price} for the cards alone", price=what)
    if more < 0:  # what it refuses is not waited for: that is no time saved
        return said(
            "no hardware that was tried completes as much: the best, {what}, completes {of}", what=what, of=_of(machine)
        )
    waits = said("saves no waiting worth a name")
    if saved >= _NO_WAIT:
        waits = said("saves {saved:,.1f} h of waiting a week", saved=saved)
    elif not more:
        return said("no hardware completes more than that, and none saves waiting worth a name")
    if not more:
        return said(
            "no hardware completes more than that: {what}, the cheapest of the quickest, {waits}",
            what=what, waits=waits,
        )  # fmt: skip
    if more < _LITTLE * max(1, machine.known):
        return said(
            "hardware changes little: {what}, completes {more:,.0f} more and {waits}", what=what, more=more, waits=waits
        )
    return said("{what}, completes {more:,.0f} more and {waits}", what=what, more=more, waits=waits)


def _alone(found: Choice) -> str:
    """Hardware without the fix: what was bought for nothing."""
    if found.bought_alone is None or found.free.done.value <= found.today.done.value:
        return ""
    if found.bought_alone > found.today.done.value:
        return ""
    return said("bought without the fix, no machine completes more than today")


def _routing(found: Choice, tail: Tail) -> str:
    if not tail.requests:
        return said("nothing is left to route")
    text = counted("the tail of {count} request", "the tail of {count} requests", tail.requests)
    if tail.many:
        text += said(" ({many:,} of them edits of 5 or more files)", many=tail.many)
    text += said(" is a question of routing")
    cloud = found.cloud
    if not tail.may_leave:
        return text + said(": all of it is private and stays here")
    if cloud is None or cloud.usd_month is None:
        return text
    text += said(": {route}", route=cloud.option.name)
    if tail.unsaid:
        text += said(", if they may leave the house")
    text += said(", for {usd:,.2f} USD a month", usd=cloud.usd_month) if cloud.usd_month else said(", for nothing")
    if cloud.sent is not None and cloud.sent.uncached > _DEARER * (cloud.usd_month or 0.0):
        text += said(" ({usd:,.2f} where its cache holds nothing)", usd=cloud.sent.uncached)
    saved = found.surest.hours_week.value - cloud.hours_week.value
    if saved >= _NO_WAIT:
        text += said(", and {saved:,.1f} h of waiting a week less", saved=saved)
    if tail.private:
        text += counted("; {count} private one stays here", "; {count} private ones stay here", tail.private)
    return text
