"""Edits of the agent's own keys that give it a window: the entry's keys, an entry where there is none, a cap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.domain.findings import ABSENT, ConfigEdit, Edit
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.domain.agent import ConfigPath, Route

_WHY = said("the agent must believe what the server gives")
_WHY_ENTRY = said("a model without an entry gets a window that is not its own")


def window_edits(route: Route, context: int, name: str | None = None) -> list[Edit]:
    """Return the edits of the agent's own keys. Empty where there is neither an entry nor a place for one.

    ``name`` is the model's new name on the server, where it gets one: an added entry must hold it.
    """
    cap = _cap_edit(route, context)
    if route.configured.listed:
        return [*_entry_keys(route, context), *cap]
    return [*_new_entry(route, context, name or route.model), *cap]


def _entry_keys(route: Route, context: int) -> list[Edit]:
    if route.model_place is None:
        return []
    numbers, place = route.configured.numbers, route.model_place
    return [
        ConfigEdit(place.file, (*place.path, *_keys(key)), numbers.get(key, ABSENT), context, _WHY)
        for key in route.window_keys
        if numbers.get(key) != context
    ]


def _new_entry(route: Route, context: int, name: str) -> list[Edit]:
    """An entry needs an id and a name; everything else has defaults in both generations that were read."""
    place = route.model_place
    if place is None or not route.configured.provider_lists_models:
        return []
    entry: dict[str, object] = {"id": name, "name": name}
    for key in route.window_keys:
        _put(entry, _keys(key), context)
    return [ConfigEdit(place.file, place.path, ABSENT, entry, _WHY_ENTRY)]


def _put(entry: dict[str, object], keys: ConfigPath, value: int) -> None:
    *parents, last = (str(key) for key in keys)
    for key in parents:
        below = entry.setdefault(key, {})
        if not isinstance(below, dict):
            return
        entry = below
    entry[last] = value


def _cap_edit(route: Route, context: int) -> list[Edit]:
    """A cap over all models, which lowers what the agent believes and nothing else."""
    place = route.agent_context_place
    if route.agent_context_source != "agent-cap" or place.line is None or route.agent_context.value >= context:
        return []
    why = said("the cap lowers what the agent believes, not what the server allocates")
    return [ConfigEdit(place.file, place.path, route.agent_context.value, context, why)]


def _keys(dotted: str) -> ConfigPath:
    return tuple(dotted.split("."))


def adds_entry(edits: list[Edit]) -> bool:
    """Return whether an edit adds an entry for a model that had none."""
    return any(isinstance(edit, ConfigEdit) and isinstance(edit.value, Mapping) for edit in edits)
