"""What a verdict offers where nobody names it: machines worth a look, and providers' models that can do the work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from truelimit.advice.profile import Job, Profile
from truelimit.app.advise import advise, price_of
from truelimit.app.advise_jobs import performance
from truelimit.app.replay_stacks import elsewhere
from truelimit.domain.message import said
from truelimit.perf.cloud_cost import UnknownPriceError, cost
from truelimit.units import MINUTE, Seconds, Tokens, Usd

if TYPE_CHECKING:
    from truelimit.app.machines import Entry
    from truelimit.domain.cloud import CloudModel
    from truelimit.domain.facts import Stack

# Those that people name when they ask for hardware: a large unified memory of three makers, cards, a server.
ASKED_FOR = (
    "framework-desktop-128",
    "dgx-spark",
    "mac-studio-m3-ultra-96",
    "threadripper-2x-rx-7900-xtx",
    "mi300x-server",
)
_CLOUDS = 3
_ANSWER = 500  # tokens, to compare prices by


def worth_a_look(
    stack: Stack, deepest: int, entries: Sequence[Entry], on: date, budget: float | None
) -> tuple[Entry, ...]:
    """Return the machines on the shortlist for this model and its longest prompt, then those that people ask for.

    What is no longer sold is not among them: nobody named it.
    """
    job = Job(stack.model, Tokens(deepest))
    profile = Profile(
        said("the work"), (job,), Usd(budget) if budget is not None else None, deadline=Seconds(5.0 * MINUTE)
    )
    found = advise(
        profile,
        entries,
        None,
        lambda machine, item: performance(elsewhere(stack, machine), machine, item, profile.deadline),
        on,
    )
    listed = [item.candidate.id for item in found.shortlist]
    wanted = [*listed, *(name for name in ASKED_FOR if name not in listed)]
    by_id: dict[str, Entry] = {}
    for entry in entries:  # a machine and its chip may share an id: the machine comes first
        by_id.setdefault(entry.id, entry)
    offered = (by_id[name] for name in wanted if name in by_id)
    return within_budget((entry for entry in offered if entry.machine.no_longer_sold is None), budget)


def within_budget(entries: Iterable[Entry], budget: float | None) -> tuple[Entry, ...]:
    """Return the machines that cost no more than the budget; one without a price stays, as nobody knows."""
    found = []
    for entry in entries:
        price = price_of(entry.machine)
        if budget is None or price is None or price.usd <= budget:
            found.append(entry)
    return tuple(found)


def able(models: Iterable[CloudModel], deepest: int, on: date) -> tuple[CloudModel, ...]:
    """Return the cheapest providers' models, there on a day and to stay, that hold the longest prompt and an answer."""
    priced = []
    for model in models:
        if model.is_shut_down(on) or model.deprecated is not None or model.context is None:
            continue
        if model.context.value <= deepest + _ANSWER:
            continue
        try:
            usd = float(cost(model, deepest, 0, _ANSWER, on).result)
        except UnknownPriceError:
            continue
        priced.append((usd, model.id, model))
    return tuple(model for _, _, model in sorted(priced, key=lambda item: item[:2])[:_CLOUDS])
