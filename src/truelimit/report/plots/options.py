"""Which options a figure shows, and their names and prices: a shop of sixty machines would hide the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.advice.pareto import front
from truelimit.report.language import Language
from truelimit.report.language_numbers import usd
from truelimit.workload.options import Kind, Result

MOST = 16
_FREE = {Kind.NOTHING, Kind.FIX, Kind.BY_HAND, Kind.SETTING, Kind.FILE, Kind.GATEWAY}


@dataclass(frozen=True, slots=True)
class Pick:
    """The options that are shown, those on the Pareto front among them, and how many more there are."""

    shown: tuple[Result, ...]
    on_front: tuple[Result, ...]
    more: int


def picked(results: Sequence[Result], most: int = MOST) -> Pick:
    """Return what a person named, what changes settings alone, what no other beats, then the others in order of cost.

    No more than ``most`` are shown.

    Options that could not be replayed come last.
    """
    told = [item for item in results if item.option.legs and item.known]
    best = front([item for item in told if item.cost is not None], _scores)
    free = [item for item in told if item.option.kind in _FREE]
    named = [item for item in told if item.option.named]
    ordered = [*named, *free, *best, *told, *results]
    chosen = list({id(item): item for item in ordered}.values())[:most]
    kept = {id(item) for item in chosen}
    shown = tuple(item for item in results if id(item) in kept)
    return Pick(shown, tuple(item for item in best if id(item) in kept), len(results) - len(shown))


def _scores(item: Result) -> tuple[float, ...]:
    return -(item.cost or 0.0), item.done.value


def title_of(say: Language, item: Result) -> str:
    """Return the name of an option; one that cannot be had yet says so."""
    name = say.word(item.option.name)
    return name if item.option.shipped else say.gettext("{option} (not yet shipped)", option=name)


def price(say: Language, value: float | None) -> str:
    """Return a price in USD; nothing to pay is free, no dated price is not known."""
    if value is None:
        return say.gettext("price not known")
    return usd(say, value) if value else say.gettext("free")


def price_now(say: Language, item: Result) -> str:
    """Return what an option costs at once, or a month where only that costs."""
    if item.usd_now == 0 and item.usd_month:
        return say.gettext("{usd} a month", usd=usd(say, item.usd_month))
    return price(say, item.usd_now)
