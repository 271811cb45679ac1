"""The options of a verdict, in the order in which people think of them: nothing, free ones, the cloud, machines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from datetime import date
from typing import TYPE_CHECKING

from truelimit.app.advise import CARDS_ALONE, price_of
from truelimit.app.machines import Entry, cards_alone, price_marks, rated_power
from truelimit.app.plan_quant import smaller
from truelimit.app.prospects import prospects
from truelimit.app.replay_stacks import Built, Terms, at_best, at_context, elsewhere, recorded, terms_of
from truelimit.app.replay_walls import (
    Walls,
    own_timers,
    safe_edits,
    safe_findings,
    timers_after,
    walls,
    without_keyless,
    without_silence,
    without_silence_of_agents,
)
from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import DeviceKind
from truelimit.domain.message import last_choice, said
from truelimit.domain.provenance import Basis
from truelimit.limits.need import memory_settings
from truelimit.limits.words import told
from truelimit.perf.kv_types import kv_type
from truelimit.workload.options import Kind, Leg, Option

if TYPE_CHECKING:
    from truelimit.domain.agent import Timeout
    from truelimit.domain.cloud import CloudModel
    from truelimit.domain.facts import Stack
    from truelimit.domain.findings import Finding
    from truelimit.limits.view import StackView
    from truelimit.workload.stack import AgentWalls

_RELAY = said("the gateway sends valid events while the prompt is read; not yet shipped")


@dataclass(frozen=True, slots=True)
class Offered:
    """What may be had: machines and providers' models, and whether a person named them.

    ``on`` is the day that prices and ends are judged by.
    """

    machines: tuple[Entry, ...] = ()
    clouds: tuple[CloudModel, ...] = ()
    on: date = date.min
    named_machines: bool = False
    named_clouds: bool = False


@dataclass(frozen=True, slots=True)
class Today:
    """The stack of today: what the doctor sees and finds, the same with devices and estimator, and its terms."""

    view: StackView
    stack: Stack
    findings: tuple[Finding, ...]
    deepest: int
    owned: Entry | None = None
    fixed_walls: Walls = field(default_factory=Walls)
    agents: tuple[AgentWalls, ...] = ()

    def terms(self, found: Walls) -> Terms:
        """Return the terms of this stack with some walls."""
        return terms_of(self.view, self.deepest, found, self.agents)


def today_of(
    view: StackView,
    stack: Stack,
    findings: Sequence[Finding],
    deepest: int,
    owned: Entry | None = None,
    agents: tuple[AgentWalls, ...] = (),
) -> Today:
    """Return the stack of today with the walls that its fix leaves, beside those of other agents."""
    left = walls(view, timers_after(view, safe_edits(view, findings)))
    return Today(view, stack, tuple(findings), deepest, owned, left, agents)


def free_options(today: Today) -> Iterator[Option]:
    """Yield what costs nothing: to do nothing, the fix, the step by hand, another cache type or file, the gateway."""
    view = today.view
    yield option("nothing", said("nothing"), Kind.NOTHING, recorded(view, today.stack, _as_it_is(today)))
    fixed = fixed_stack(today)
    titles = [item.fix.title for item in safe_findings(view, today.findings) if item.fix]
    if titles:
        made = option("fix", said("truelimit fix"), Kind.FIX, fixed)
        yield replace(made, notes=(*titles, *made.notes))
    yield from _by_hand(today)
    if not titles:
        yield from _larger(today, fixed)
    yield from _settings(today, fixed)
    if silence_binds(today):
        free = walls(view, without_silence(timers_after(view, safe_edits(view, today.findings))))
        relayed = replace(today, agents=without_silence_of_agents(today.agents))
        made = option("gateway", said("the gateway"), Kind.GATEWAY, fixed_stack(relayed, free))
        yield replace(made, shipped=False, notes=(_RELAY, *made.notes))


def _as_it_is(today: Today) -> Terms:
    return today.terms(walls(today.view, own_timers(today.view)))


def fixed_stack(today: Today, found: Walls | None = None) -> Built:
    """Return the stack of today once its fix is in, with other walls where they are given."""
    terms = today.terms(found or today.fixed_walls)
    context = _fixed_context(today)
    if context is None:
        return recorded(today.view, today.stack, terms)
    built = at_context(today.stack, "fixed", context, terms)
    if built.stack is None:
        return built
    before = recorded(today.view, today.stack, terms).stack
    return replace(built, stack=replace(built.stack, load=before.load if before else built.stack.load))


def _fixed_context(today: Today) -> int | None:
    found = prospects((today.view,), safe_findings(today.view, today.findings))
    return found[0].served_context if found else None


def _by_hand(today: Today) -> Iterator[Option]:
    """What a person can do about timers of a client library that no key moves: an upgrade without them."""
    after = timers_after(today.view, safe_edits(today.view, today.findings))
    free = without_keyless(after)
    if len(free) == len(after) or walls(today.view, free) == today.fixed_walls:
        return
    built = fixed_stack(today, walls(today.view, free))
    gone = told(item for item in after if item not in free and item.bounds != "compaction")
    made = option("by-hand", said("the fix and an agent that waits longer"), Kind.BY_HAND, built)
    yield replace(
        made, notes=(said("a step by hand: {remedy}; gone then: {gone}", remedy=_remedy(after), gone=gone), *made.notes)
    )


def _remedy(found: Sequence[Timeout]) -> str:
    """What the timers that no key moves say of a way past them."""
    ways = [last_choice(item.remedy) for item in found if item.place is None and item.remedy]
    return ways[0] if ways else said("a version of the agent without them")


def silence_binds(today: Today) -> bool:
    """Whether a timer that silence sets off can end the reading of a prompt here."""
    return min((today.fixed_walls.first, *(item.first for item in today.agents))) < math.inf


def _larger(today: Today, fixed: Built) -> Iterator[Option]:
    """The largest context that fits with the same cache and file, where no finding proposes it."""
    served = today.view.served
    built = at_best(_unlogged(today.stack), "context", today.terms(today.fixed_walls))
    if served is None or built.context is None or built.context <= max(served.value, fixed.context or 0):
        return
    name = said("a context of {context:,} tokens", context=built.context)
    made = option("context", name, Kind.SETTING, built)
    yield replace(made, notes=(said("the same cache and the same file; the server is told so"), *made.notes))


def _settings(today: Today, fixed: Built) -> Iterator[Option]:
    """A smaller cache, and the next smaller file: what each gives up is said."""
    terms, context = today.terms(today.fixed_walls), fixed.context
    if context is None:
        return
    if not kv_type(memory_settings(today.stack, context).cache.kv_type_k).is_quantized:
        built = at_best(_unlogged(today.stack), "q8_0", terms, "q8_0")
        made = option("kv-q8_0", said("the cache in q8_0"), Kind.SETTING, built)
        yield replace(made, notes=(said("keys and values rounded to 8 bits: rarely noticed"), *made.notes))
    for name, stack in smaller(today.stack)[:1]:
        made = option(
            f"weights-{name}", said("weights in {name}", name=name), Kind.FILE, at_best(_unlogged(stack), name, terms)
        )
        yield replace(made, notes=(said("another file; weights are rounded further"), *made.notes))


def _unlogged(stack: Stack) -> Stack:
    """The stack without the log of how it was loaded: that stands before any setting."""
    return elsewhere(stack, stack.machine)


def machine_options(today: Today, offered: Offered) -> Iterator[Option]:
    """Yield each machine with the fix in, and what it does with the configuration as it is."""
    for entry in offered.machines:
        yield replace(_machine(today, entry, offered.on), named=offered.named_machines)


def _machine(today: Today, entry: Entry, on: date) -> Option:
    there = elsewhere(today.stack, entry.machine)
    built = at_best(there, entry.id, today.terms(today.fixed_walls))
    made = priced(option(entry.id, entry.machine.name or entry.id, Kind.MACHINE, built), entry, on)
    served = today.view.served
    as_it_is = at_context(there, f"{entry.id} as configured", served.value, _as_it_is(today)) if served else None
    if as_it_is is None or as_it_is.stack is None:
        return made
    return replace(made, as_is=(Leg(as_it_is.stack),))


def priced(made: Option, entry: Entry, on: date) -> Option:
    """Return the option with the price, its date and what must be known of it on a day, and the power of a machine."""
    price = price_of(entry.machine)
    paid = said("{what}, {date}", what=said(price.what), date=price.date) if price else ""
    cards, power = _cards_priced(entry), rated_power(entry.machine)
    return replace(
        made,
        usd_now=price.usd if price else None,
        price_of=paid,
        watts=power.value if power else None,
        watts_of=power.where if power else "",
        watts_basis=power.basis if power else Basis.SPECIFIED,
        cards=cards,
        notes=(*made.notes, *((CARDS_ALONE,) if cards else ()), *price_marks(entry.machine, on)),
    )


def _cards_priced(entry: Entry) -> int:
    """Return how many cards a price is of, the computer around them apart; 0 where it is of the whole."""
    chips = entry.machine.accelerators
    is_card = entry.what == "accelerator" and chips[0].kind is DeviceKind.DISCRETE
    return len(chips) if is_card or cards_alone(entry.machine) else 0


def option(name: str, title: str, kind: Kind, built: Built) -> Option:
    """Return an option of one stack."""
    legs = (Leg(built.stack),) if built.stack is not None else ()
    return Option(name, title, kind, legs, basis=built.basis, notes=built.notes, unknown=built.unknown)
