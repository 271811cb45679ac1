"""Replays every option on the work and compares: what completes, how long one waits, what it costs, what it unlocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from truelimit.units import HOUR, MONTHS_A_YEAR, WEEKS_A_YEAR
from truelimit.workload.classes import MULTI_FILE
from truelimit.workload.columns import Flags
from truelimit.workload.legs import Work, replay_legs
from truelimit.workload.options import Kind, Leg, Option, Result, Sent, Within
from truelimit.workload.replay import Replayed
from truelimit.workload.stack import Outcome

_SPARED = (Kind.NOTHING, Kind.FIX, Kind.BY_HAND, Kind.SETTING, Kind.FILE, Kind.GATEWAY, Kind.CLOUD)
WATTS_A_KILOWATT = 1000
WEEKS_A_MONTH = WEEKS_A_YEAR / MONTHS_A_YEAR
YEARS = 3.0  # that a thing is reckoned to last
_TOLD = {Outcome.OVERFLOW, Outcome.TRUNCATED, Outcome.TIMED_OUT, Outcome.DONE, Outcome.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Money:
    """What turns replays into hours a week and USD: weeks of recorded work, price of power, years to reckon with."""

    weeks: float
    usd_per_kwh: float = 0.30
    years: float = YEARS

    @property
    def a_month(self) -> float:
        """Months' worth of the recorded work: what turns its USD into USD a month."""
        return WEEKS_A_MONTH / self.weeks


@dataclass(frozen=True, slots=True)
class _Seen:
    """One option's replays: at the expected rates first, then at both ends, and with unknown privacy the other way."""

    option: Option
    runs: tuple[Replayed, ...]

    def counts(self, wanted: Callable[[Replayed], Flags]) -> Within:
        found = [int(np.count_nonzero(wanted(run))) for run in self.runs]
        return Within(found[0], min(found), max(found)) if found else Within(0, 0, 0)

    def done(self) -> list[Flags]:
        return [run.outcome == Outcome.DONE for run in self.runs]


def results(
    work: Work, options: Sequence[Option], money: Money, progress: Callable[[int], None] | None = None
) -> tuple[Result, ...]:
    """Return the result of each option, in order of cost: free ones first, as they come; unknown prices last.

    ``progress`` is told how many options are replayed.
    """
    found = []
    for number, item in enumerate(options, start=1):
        seen = _Seen(item, _runs(work, item))
        found.append((_result(work, seen, money), seen.done()))
        if progress is not None:
            progress(number)
    ordered = sorted(found, key=lambda pair: (pair[0].cost is None, pair[0].cost or 0.0))
    return _with_unlocks(ordered, len(work.asked))


def _runs(work: Work, item: Option) -> tuple[Replayed, ...]:
    if not item.legs:
        return ()
    closed = [replay_legs(work, item.legs, pace) for pace in (0, -1, 1)]
    opened = [replay_legs(work, item.open_legs, pace) for pace in (0, -1, 1)] if item.open_legs else []
    return (*closed, *opened)


def _result(work: Work, seen: _Seen, money: Money) -> Result:
    item = seen.option
    hours = [float(run.seconds.sum(dtype=np.float64)) / HOUR / money.weeks for run in seen.runs]
    within = Within(hours[0], min(hours), max(hours)) if hours else Within(0.0, 0.0, 0.0)
    bought = _bought(seen, money)
    month = _usd_month(seen, bought, money)
    cost = None if item.usd_now is None else item.usd_now + (month or 0.0) * MONTHS_A_YEAR * money.years
    return Result(
        item,
        int(np.count_nonzero(work.columns.known)) if seen.runs else 0,
        seen.counts(lambda run: run.outcome == Outcome.DONE),
        seen.counts(lambda run: run.outcome == Outcome.OVERFLOW),
        seen.counts(lambda run: run.outcome == Outcome.TRUNCATED),
        seen.counts(lambda run: run.outcome == Outcome.TIMED_OUT),
        seen.counts(_otherwise),
        within,
        item.usd_now,
        month,
        Within(0, 0, 0),
        _as_is(work, item.as_is),
        cost,
        bought,
        _sent(work, seen, money),
    )


def _otherwise(run: Replayed) -> Flags:
    return np.isin(run.outcome, [code for code in Outcome if code not in _TOLD])


def _as_is(work: Work, legs: Sequence[Leg] | None) -> Within | None:
    if not legs:
        return None
    found = [int(np.count_nonzero(replay_legs(work, legs, pace).outcome == Outcome.DONE)) for pace in (0, -1, 1)]
    return Within(found[0], min(found), max(found))


def _bought(seen: _Seen, money: Money) -> float:
    """Return hours a week that one waits for what the option is about: the last of its stacks."""
    if not seen.runs:
        return 0.0
    seconds, picked = seen.runs[0].seconds, seen.option.legs[-1].picked
    return float((seconds if picked is None else seconds[picked]).sum(dtype=np.float64)) / HOUR / money.weeks


def _usd_month(seen: _Seen, hours: float, money: Money) -> float | None:
    """Tokens of a provider, and the power of a machine that is bought while one waits for it; None: not known."""
    item = seen.option
    if item.kind is Kind.CLOUD:  # where privacy is not known, the dearer case is told
        return max((float(run.usd.sum(dtype=np.float64)) for run in seen.runs), default=0.0) * money.a_month
    if item.kind in _SPARED:
        return 0.0
    if item.watts is None:
        return None
    return item.watts / WATTS_A_KILOWATT * hours * WEEKS_A_MONTH * money.usd_per_kwh


def _sent(work: Work, seen: _Seen, money: Money) -> Sent | None:
    """What a provider counts in the dearest of the replays; None where nothing goes to one."""
    if seen.option.kind is not Kind.CLOUD or not seen.runs:
        return None
    run = max(seen.runs, key=lambda item: float(item.usd.sum(dtype=np.float64)))
    paid, there = run.usd > 0, (seen.option.open_legs or seen.option.legs)[-1].stack
    if not paid.any():
        return None
    cached = float(run.cached[paid].sum(dtype=np.float64))
    new = float(work.columns.prompt[paid].sum(dtype=np.float64)) - cached
    output = float(work.columns.output[paid].sum(dtype=np.float64))
    prices = (there.usd_per_new, there.usd_per_cached, there.usd_per_output)
    uncached = ((new + cached) * there.usd_per_new + output * there.usd_per_output) * money.a_month
    return Sent(new, cached, output, prices, uncached)


def _with_unlocks(ordered: Sequence[tuple[Result, list[Flags]]], count: int) -> tuple[Result, ...]:
    """Count for each option what completes on it and on nothing cheaper; what cannot be had yet stands in no way."""
    none = np.zeros(count, bool)
    before, sure, maybe = none, none, none
    found = []
    for result, done in ordered:
        own, all_of, any_of = (
            (done[0], np.logical_and.reduce(done), np.logical_or.reduce(done)) if done else (none,) * 3
        )
        unlocks = Within(*(int(np.count_nonzero(x)) for x in (own & ~before, all_of & ~maybe, any_of & ~sure)))
        found.append(replace(result, unlocks=unlocks))
        if result.option.shipped:
            before, sure, maybe = before | own, sure | all_of, maybe | any_of
    return tuple(found)


def tail(work: Work, slow: Replayed, patience: float) -> Flags:
    """Return the requests that are a question of routing: edits of many files, and those that here do not surely end.

    ``slow`` is the replay at the slow end of the rates; who waits longer than ``patience`` seconds counts as well.
    """
    many = np.array([item.work_class in MULTI_FILE for item in work.asked], dtype=bool)
    unsure = (slow.outcome != Outcome.DONE) | (slow.seconds > patience)
    found: Flags = work.columns.known & (many | unsure)
    return found
