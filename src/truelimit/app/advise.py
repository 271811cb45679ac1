"""Advise: which machine is worth its price for a profile, by the numbers of plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from truelimit.advice.nouns import Advice, Candidate, CloudCost, Performance
from truelimit.advice.profile import Job, Profile
from truelimit.advice.recommend import out_of_question, recommend
from truelimit.app.advise_memory import with_more_memory
from truelimit.app.machines import (
    Entry,
    cards_alone,
    is_stale,
    latest_price,
    main_memory,
    price_marks,
    usable_memory,
    watts,
)
from truelimit.domain.machine import Machine, Price
from truelimit.domain.message import said
from truelimit.units import Watts

Evaluate = Callable[[Machine, Job], Performance]
_QUIET = Watts(250)  # assumed: a box that draws no more can be cooled quietly; one that draws more is heard
CARDS_ALONE = said("the computer around the card is not in the price")


def advise(
    profile: Profile,
    entries: Iterable[Entry],
    today: Entry | None,
    evaluate: Evaluate,
    on: date,
    cloud: tuple[CloudCost, ...] = (),
    *,
    named: bool = False,
) -> Advice:
    """Return the advice. ``on`` is the day that prices are judged old by; ``evaluate`` plans one job on one machine.

    ``named``: the user chose the machines, so one that is no longer sold is looked at too, and marked.
    """
    owned = with_performances(candidate(today, on), today.machine, profile, evaluate) if today else None
    found = []
    for entry in entries:
        item = candidate(entry, on, named=named)
        out = out_of_question(item, profile, owned) is not None  # then planning it would tell nothing
        found.append(item if out else with_performances(item, entry.machine, profile, evaluate))
    roomier = None
    if today is not None and owned is not None:
        roomier = with_more_memory(
            owned, today.machine, profile, lambda item, machine: with_performances(item, machine, profile, evaluate)
        )
    return recommend(profile, owned, tuple(found), cloud, roomier)


def with_performances(item: Candidate, machine: Machine, profile: Profile, evaluate: Evaluate) -> Candidate:
    """Return a candidate with what its machine does with each job of the profile."""
    return replace(item, performances=tuple(evaluate(machine, job) for job in profile.jobs))


def candidate(entry: Entry, on: date, *, named: bool = False) -> Candidate:
    """Return a machine as a candidate: price with its marks, power, memory, what it runs."""
    machine = entry.machine
    price, power = price_of(machine), watts(machine)
    alone = cards_alone(machine)
    stale = price is not None and is_stale(price, on)
    notes = (*((CARDS_ALONE,) if alone else ()), *price_marks(machine, on))
    return Candidate(
        entry.id,
        machine.name or entry.id,
        price,
        stale,
        None if power is None else Watts(power),
        usable_memory(machine),
        tuple(system.lower() for system in entry.operating_systems),
        backends(machine),
        None if power is None else power <= _QUIET,
        (),
        notes,
        machine.no_longer_sold,
        len(machine.accelerators),
        alone,
        named,
        main_memory(machine),
    )


def backends(machine: Machine) -> tuple[str, ...]:
    """Return the backends of a machine's accelerators, each once."""
    return tuple(dict.fromkeys(name for item in machine.accelerators for name in item.backends))


def price_of(machine: Machine) -> Price | None:
    """Return what a machine costs, as every verb says it: see ``latest_price``."""
    return latest_price(machine)
