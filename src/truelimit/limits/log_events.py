"""The events of a log by their kind: most questions are about a few kinds, and most events are of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from truelimit.domain.server import Event
from truelimit.limits.remembered import Remembered

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack

E = TypeVar("E", bound=Event)

_Placed = list[tuple[int, Event]]
_FEW = 100  # events, of one turn say: sorting them out would take longer, and push what is known of logs out


def of_kinds(events: Sequence[Event], *kinds: type[E]) -> list[E]:
    """Return the events of these kinds in their order, as a search with ``isinstance`` finds them."""
    if len(events) <= _FEW:
        return [event for event in events if isinstance(event, kinds)]
    by_kind = _by_kind(events)
    found = [placed for kind, placed in by_kind.items() if issubclass(kind, kinds)]
    if len(found) == 1:
        return [event for _, event in found[0]]  # type: ignore[misc]
    placed = sorted((item for part in found for item in part), key=_place)
    return [event for _, event in placed]  # type: ignore[misc]


def stack_events(stack: Stack, *kinds: type[E]) -> list[E]:
    """Return the events of these kinds in the log of the stack's server, in their order; none without a server."""
    return of_kinds(stack.server.events, *kinds) if stack.server is not None else []


def _place(item: tuple[int, Event]) -> int:
    return item[0]


def _sorted_out(events: Sequence[Event]) -> dict[type[Event], _Placed]:
    found: dict[type[Event], _Placed] = {}
    for index, event in enumerate(events):
        kind = type(event)
        if kind in found:
            found[kind].append((index, event))
        else:
            found[kind] = [(index, event)]
    return found


_by_kind = Remembered(_sorted_out)
