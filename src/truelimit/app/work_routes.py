"""Options that send the big requests elsewhere: to a provider's model, or to a second machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from truelimit.app.replay_cloud import cloud_stack
from truelimit.app.work_options import Offered, Today, fixed_stack, option, priced
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import Message, counted, said
from truelimit.workload.legs import replay_legs
from truelimit.workload.options import Kind, Leg, Option
from truelimit.workload.stack import Outcome

if TYPE_CHECKING:
    from datetime import date

    from truelimit.app.replay_stacks import Built
    from truelimit.domain.cloud import CloudModel
    from truelimit.workload.columns import Flags
    from truelimit.workload.legs import Work
    from truelimit.workload.stack import ReplayStack


def cloud_options(today: Today, offered: Offered, work: Work, away: Flags) -> Iterator[Option]:
    """Yield a route for each provider's model: the picked requests go there if they may, all others stay here.

    What nobody called private or not stays, and goes in the other case that is replayed; private work never goes.
    Where nothing may go, one option says why in place of routes with the numbers of this stack.
    """
    fixed = fixed_stack(today)
    never = np.array([item.private is True for item in work.asked], dtype=bool)
    if fixed.stack is not None and offered.clouds and not (away & ~never).any():
        why = _nothing_to_route(int(away.sum()))
        yield Option("cloud", said("a cloud route"), Kind.CLOUD, (), named=offered.named_clouds, idle=why)
        return
    for model in offered.clouds:
        there = cloud_stack(model, offered.on, takes_private=False)
        made = _route(fixed, there, model, _Routed(away, work.columns.private, never))
        yield replace(made, named=offered.named_clouds, price_of=_listed(model, offered.on))


def _listed(model: CloudModel, on: date) -> str:
    """Where a provider's list prices were read, and when the entry was last looked up."""
    held = model.prices_on(on)
    return said("list prices: {source}, looked up {day}", source=held.source, day=model.as_of) if held else ""


@dataclass(frozen=True, slots=True)
class _Routed:
    """The requests that a route is for, those that are taken as private, and those that were called so."""

    away: Flags
    private: Flags
    never: Flags


def _route(here: Built, there: Built, model: CloudModel, work: _Routed) -> Option:
    """Return the route to a provider's model; unknown privacy opens it in one of two cases."""
    id_, name = f"cloud-{model.id}", said("the big ones to {model}", model=model.name)
    if here.stack is None or there.stack is None:
        return Option(id_, name, Kind.CLOUD, (), unknown=there.unknown or here.unknown, notes=there.notes)
    opened = replace(there.stack, takes_private=True)
    unsaid = work.private & ~work.never & work.away
    open_notes = (_unsaid(int(unsaid.sum())),) if unsaid.any() else ()
    return Option(
        id_,
        name,
        Kind.CLOUD,
        _split(here.stack, there.stack, work.away & ~work.private),
        basis=there.basis,
        open_legs=_split(here.stack, opened, work.away & ~work.never) if unsaid.any() else None,
        notes=(*open_notes, *there.notes),
    )


def _unsaid(count: int) -> Message:
    return counted(
        "of {count} big request nobody said whether it may leave the house: it stays in the first number, and goes in "
        "the sum a month",
        "of {count} big requests nobody said whether they may leave the house: they stay in the first number, and go "
        "in the sum a month",
        count,
    )


def _nothing_to_route(big: int) -> Message:
    """Why no request goes anywhere else: there is no big one, or each of them is private."""
    if big:
        return counted(
            "nothing to route: the one big request is private and stays here",
            "nothing to route: all {count} big requests are private and stay here",
            big,
        )
    return said("nothing to route: no request edits 5 or more files, and on this stack each surely ends in time")


def _split(here: ReplayStack, there: ReplayStack, goes: Flags) -> tuple[Leg, ...]:
    """Some requests there and all others here; one leg where none goes."""
    return (Leg(here, ~goes), Leg(there, goes)) if goes.any() else (Leg(here),)


def two_options(today: Today, machines: Sequence[Option], work: Work, away: Flags, on: date) -> Iterator[Option]:
    """Yield two machines: a second one like today's; and today's for the small requests beside one for the big.

    ``on`` is the day that prices are judged by.
    """
    fixed = fixed_stack(today)
    if fixed.stack is None:
        return
    if today.owned is not None:
        both = replace(fixed, stack=replace(fixed.stack, slots=2 * fixed.stack.slots))
        name = said("a second machine like this one")
        if today.owned.machine.name:
            name = said("a second {machine}", machine=today.owned.machine.name)
        yield priced(option("two-of-today", name, Kind.TWO, both), today.owned, on)
    for item in machines:
        if not item.legs or not item.legs[0].stack.fits:
            continue
        name = said("this machine, and {machine} for the big ones", machine=item.name)
        pair = replace(item, id=f"beside-{item.id}", name=name, kind=Kind.TWO, as_is=None, named=False)
        goes = away & _better_there(work, fixed.stack, item.legs[0].stack)
        if not goes.any():
            why = _no_better(item.name) if away.any() else _nothing_to_route(0)
            yield replace(pair, legs=(), notes=(), basis="", idle=why)
            continue
        kept = int((away & ~goes).sum())
        notes = (*((_kept_here(kept),) if kept else ()), *pair.notes)
        yield replace(pair, legs=(Leg(fixed.stack, ~goes), Leg(item.legs[0].stack, goes)), notes=notes)


def _better_there(work: Work, here: ReplayStack, there: ReplayStack) -> Flags:
    """The requests that surely complete there, and that here do not or end later: only these are worth sending."""
    stays, slow, usual = (
        replay_legs(work, (Leg(stack),), pace) for stack, pace in ((here, 0), (there, -1), (there, 0))
    )
    done = (slow.outcome == Outcome.DONE) & (usual.outcome == Outcome.DONE)
    found: Flags = done & ((stays.outcome != Outcome.DONE) | (usual.seconds < stays.seconds))
    return found


def _no_better(machine: str) -> Message:
    return said("nothing to route: none of the big requests surely completes on {machine} and sooner", machine=machine)


def _kept_here(count: int) -> Message:
    return counted(
        "{count} big request would not surely complete there or sooner: it stays here",
        "{count} big requests would not surely complete there or sooner: they stay here",
        count,
    )
