"""What else a person should know before applying: read from the facts, for exactly these changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.fixes.ideas import agent_of

if TYPE_CHECKING:
    from truelimit.domain.facts import Facts
    from truelimit.domain.findings import ConfigEdit
    from truelimit.fixes.change import DefinitionChange, Gate


def notices(
    facts: Facts, edits: Iterable[ConfigEdit], definitions: Iterable[DefinitionChange], gate: Gate
) -> tuple[str, ...]:
    """Return warnings: what a version does after an edit, pinned sessions, shared model files, several clients."""
    edits, definitions = tuple(edits), tuple(definitions)
    found = [*_after_edit(facts, edits, gate), *_pinned(facts, edits)]
    for change in definitions:
        found += _shared(change)
    return tuple(dict.fromkeys(found))


def _after_edit(facts: Facts, edits: tuple[ConfigEdit, ...], gate: Gate) -> Iterator[str]:
    for file in dict.fromkeys(edit.file for edit in edits):
        agent = agent_of(facts, file)
        if agent is not None:
            yield from gate.after_edit(agent.generation, tuple(edit.path for edit in edits if edit.file == file))


def _pinned(facts: Facts, edits: tuple[ConfigEdit, ...]) -> Iterator[str]:
    """A session that pins a model survives a change of the agent's model and keeps failing on the old one."""
    renamed = {
        edit.expected: edit.value for edit in edits if isinstance(edit.expected, str) and edit.value != edit.expected
    }
    for session in facts.sessions:
        pin = session.pinned_model
        new = next((value for old, value in renamed.items() if pin and (pin == old or pin.endswith(f"/{old}"))), None)
        if new is not None:
            yield said(
                "session {id} pins the model {pin} and will not use {new} until you choose it there",
                id=session.id,
                pin=pin,
                new=new,
            )


def _shared(change: DefinitionChange) -> Iterator[str]:
    others = [name for name in change.aliases if name != change.name]
    if others:
        yield said(
            "{change} shares its model file with {others}: one of them is in memory at a time, and a "
            "client that asks for another context makes the server unload and load again",
            change=change.name,
            others=", ".join(others),
        )
