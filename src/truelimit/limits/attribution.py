"""Which events of a server's log concern which model and which calls.

A log names the model only where it loads one. What follows belongs to that model until another is loaded; of the
stacks that share a model, an event belongs to the one whose call was running then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.server import Event, ModelLoaded, Server
from truelimit.limits.names import same_digest, same_model, stem
from truelimit.limits.timeline import busy_in, instant

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack


def concerns(event: ModelLoaded, stack: Stack) -> bool:
    """Return whether the load is of this stack's model, or of one that the log doesn't let us name."""
    if event.model is None or stack.server is None:
        return True
    if names_model(event.model, stack):
        return True
    others = (item for item in stack.server.definitions if item is not stack.definition)
    return not any(
        _is(event.model, item.name, item.digest, item.header.where if item.header else "") for item in others
    )


def names_model(text: str, stack: Stack) -> bool:
    """Return whether a name, path or digest in a log means this stack's model, or one that shares its file."""
    definition = stack.definition
    if same_model(text, stack.model) or (stack.route is not None and same_model(text, stack.route.model)):
        return True
    where = (definition.header.where if definition and definition.header else "") or (
        stack.header.where if stack.header else ""
    )
    if definition is None:
        return bool(where) and _is(text, stack.model, None, where)
    return _is(text, definition.name, definition.digest, where) or any(
        same_model(text, name) for name in definition.same_blob
    )


def _is(text: str, name: str, digest: str | None, where: str) -> bool:
    if same_model(text, name) or same_digest(text, digest) or same_digest(text, where):
        return True
    file = stem(text)
    return file.count("sha256") == 0 and bool(file) and file in {stem(where), stem(name)}


def share_events(server: Server, stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """Return the stacks that share a server, each with the events of the log that concern it and nobody else."""
    shares: list[list[Event]] = [[] for _ in stacks]
    owners = list(range(len(stacks)))
    owners_of: dict[str | None, list[int]] = {}  # a log names few models, and loads each many times
    for event in server.events:
        if isinstance(event, ModelLoaded):
            if event.model not in owners_of:
                owners_of[event.model] = [i for i, stack in enumerate(stacks) if concerns(event, stack)]
            owners = owners_of[event.model]
            for index in owners:
                shares[index].append(event)
        elif owners:
            shares[owners[0] if len(owners) == 1 else _owner(event, stacks, owners)].append(event)
    return tuple(
        replace(stack, server=replace(stack.server or server, events=tuple(share)))
        for stack, share in zip(stacks, shares, strict=True)
    )


def _owner(event: Event, stacks: Sequence[Stack], owners: Sequence[int]) -> int:
    """The stack whose call was running, else the first with calls, else the first."""
    if event.time is not None:
        time = instant(event.time)
        for index in owners:
            if busy_in(stacks[index].calls).at(time):
                return index
    return next((index for index in owners if busy_in(stacks[index].calls)), owners[0])
