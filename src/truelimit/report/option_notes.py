"""What goes with the options of a verdict, in lines; what several options share is said once, with their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.message import joined, said
from truelimit.report import within
from truelimit.report.numbers import size

if TYPE_CHECKING:
    from truelimit.workload.options import Result


def option_notes(results: Sequence[Result]) -> tuple[str, ...]:
    """Return a line for each option with what is true of it alone, then one for each note that several share."""
    told = [(item.option.name, _told(item)) for item in results]  # two options may have one name
    names: dict[str, list[str]] = {}
    for name, notes in told:
        for note in dict.fromkeys(notes):
            names.setdefault(note, []).append(name)
    own = [
        said("{option}: {notes}", option=name, notes=joined("; ", alone))
        for name, notes in told
        if (alone := [note for note in notes if len(names[note]) == 1])
    ]
    return (*own, *(_shared(note, who, len(told)) for note, who in names.items() if len(who) > 1))


def _shared(note: str, names: Sequence[str], options: int) -> str:
    if len(names) == options:
        return said("all of them: {note}", note=note)
    return said("{note} [{names}]", note=note, names=joined("; ", names))


def _told(item: Result) -> list[str]:
    option = item.option
    told = [*([option.idle] if option.idle else []), *([option.price_of] if option.price_of else []), *option.notes]
    told += _memory(item)
    if item.done_as_is is not None:
        told.append(said("without the fix {share} % complete on it", share=within.share(item.done_as_is, item.known)))
    if item.other.high:
        told.append(said("{why}: {share} %", why=_other(item), share=within.share(item.other, item.known)))
    if item.sent is not None and item.sent.cached:
        told.append(
            said(
                "earlier tokens count as held by its cache: {usd:,.2f} USD a month where it holds none",
                usd=item.sent.uncached,
            )
        )
    if item.usd_month is None:
        told.append(said("its power is not known: not in its cost"))
    if option.basis:
        told.append(said("rates: {basis}", basis=option.basis))
    return told


def _memory(item: Result) -> list[str]:
    """What the stack that an option is about takes of its memory."""
    stack = item.option.legs[-1].stack if item.option.legs else None
    if stack is None or stack.memory_need is None:
        return []
    need = size(stack.memory_need)
    if stack.memory_there is None:
        return [said("takes {need} of memory", need=need)]
    return [said("takes {need} of the {there} for it", need=need, there=size(stack.memory_there))]


def _other(item: Result) -> str:
    """Why else a request is not taken: a model that does not fit, or work that must not leave the house."""
    stacks = [leg.stack for leg in item.option.legs]
    if not all(stack.fits for stack in stacks):
        return said("the model does not fit")
    if any(stack.ends <= 0 for stack in stacks):
        return said("the model is gone")
    return said("must not leave the house")
