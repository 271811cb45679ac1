"""From findings to fixes: one fix for all findings that ask for the same edits, and what speaks against one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.findings import ABSENT, Applicability, ConfigEdit, DefinitionEdit, Edit, Finding, FixIdea
from truelimit.domain.message import said
from truelimit.fixes.change import Gate, PlannedFix, Refusal, shown_path
from truelimit.fixes.together import go_together

if TYPE_CHECKING:
    from truelimit.domain.agent import Agent, ConfigPath
    from truelimit.domain.facts import Facts

Place = tuple[str | int, ...]


def gather(findings: Iterable[Finding]) -> tuple[PlannedFix, ...]:
    """Return the fixes that findings propose, each once.

    Ideas with the same edits and steps are one fix, resolved together; it is as safe as its least safe idea.
    """
    merged: dict[object, PlannedFix] = {}
    for finding in findings:
        if finding.fix is None:
            continue
        identity = _identity(finding.fix)
        key = (finding.code, finding.model)
        known = merged.get(identity)
        if known is None:
            idea = finding.fix
            merged[identity] = PlannedFix(idea.title, idea.applicability, (key,), idea.edits, idea.steps)
        else:
            safety = max(known.applicability, finding.fix.applicability, key=_RANK.__getitem__)
            merged[identity] = replace(known, applicability=safety, resolves=(*known.resolves, key))
    return tuple(merged.values())


_RANK = {Applicability.SAFE: 0, Applicability.UNSAFE: 1, Applicability.MANUAL: 2}


def objections(
    fix: PlannedFix, facts: Facts, texts: Mapping[str, str], gate: Gate, created: frozenset[tuple[str, str]]
) -> tuple[str, ...]:
    """Return why a fix must not be written: unread or read-only files, unknown keys or parameters, missing bases.

    ``created`` are definitions (server, name) that the plan itself makes.
    """
    found: list[str] = []
    for edit in fix.edits:
        if isinstance(edit, ConfigEdit):
            found += _config_objections(edit, facts, texts, gate)
        else:
            found += _definition_objections(edit, facts, gate, created)
    return tuple(dict.fromkeys(found))


def conflicts(fixes: Iterable[PlannedFix]) -> tuple[Refusal, ...]:
    """Return a refusal for every fix that pushes a key to another value than a second fix does.

    Edits that go together (two new entries of one list) do not. A key also conflicts with one that holds it: replacing
    a whole entry and editing inside it.
    """
    fixes = tuple(fixes)
    refused: list[Refusal] = []
    for fix in fixes:
        reasons = [
            _clash(mine, theirs, other) for other in fixes if other is not fix for mine, theirs in _pairs(fix, other)
        ]
        reason = next((text for text in reasons if text), None)
        if reason:
            refused.append(Refusal(fix, reason))
    return tuple(refused)


def place(edit: Edit) -> Place:
    """Return what an edit pushes: file and key, or server and definition."""
    if isinstance(edit, ConfigEdit):
        return (edit.file, *edit.path)
    return (edit.server, "definition " + edit.name)


def goal(edit: Edit) -> object:
    """Return where an edit pushes it."""
    if isinstance(edit, ConfigEdit):
        return (edit.expected, edit.value)
    return (edit.base, dict(edit.parameters))


def agent_of(facts: Facts, file: str) -> Agent | None:
    """Return the agent whose configuration a file belongs to, or None."""
    return next((agent for agent in facts.agents if file in agent.config_files), None)


def _identity(idea: FixIdea) -> object:
    return (repr([(place(edit), goal(edit)) for edit in idea.edits]), idea.steps, idea.title if not idea.edits else "")


def _pairs(fix: PlannedFix, other: PlannedFix) -> Iterator[tuple[Edit, Edit]]:
    return ((mine, theirs) for mine in fix.edits for theirs in other.edits)


def _clash(mine: Edit, theirs: Edit, other: PlannedFix) -> str | None:
    here, there = place(mine), place(theirs)
    if isinstance(mine, ConfigEdit) and isinstance(theirs, ConfigEdit) and go_together(mine, theirs):
        return None
    if here == there:
        if goal(mine) == goal(theirs):
            return None
        return said(
            'conflict with "{title}": {mine} here, {theirs} there; decide for one of them',
            title=other.title,
            mine=_shown(mine),
            theirs=_shown(theirs),
        )
    shorter = min(len(here), len(there))
    if here[:shorter] == there[:shorter]:
        return said(
            'conflict with "{title}": {mine} and {theirs} hold one another; apply one, run again',
            title=other.title,
            mine=_shown(mine),
            theirs=_shown(theirs),
        )
    return None


def _shown(edit: Edit) -> str:
    if isinstance(edit, DefinitionEdit):
        return said(
            "{edit} from {base} with {parameters}", edit=edit.name, base=edit.base, parameters=dict(edit.parameters)
        )
    return said(
        "{path} = {text}",
        path=shown_path(edit.path),
        text=said("(removed)") if edit.value is ABSENT else repr(edit.value),
    )


def _config_objections(edit: ConfigEdit, facts: Facts, texts: Mapping[str, str], gate: Gate) -> Iterator[str]:
    agent = agent_of(facts, edit.file)
    if edit.file not in texts:
        yield said("{file} could not be read as text, so it is not written", file=edit.file)
    if agent is None:
        yield said(
            "{file} belongs to no agent that was found, so its version is unknown and nothing is written there",
            file=edit.file,
        )
        return
    if agent.read_only:
        yield said("{file} must not be written: {read_only}", file=edit.file, read_only=agent.read_only)
    for path in _written_paths(edit.path, edit.value):
        if not gate.accepts(agent.generation, path):
            yield said(
                "{agent} {version} does not know the key {path} ({file}): it would refuse the whole file",
                agent=agent.name,
                version=agent.version.value if agent.version else agent.generation,
                path=shown_path(path),
                file=edit.file,
            )


def _written_paths(path: ConfigPath, value: object) -> Iterator[ConfigPath]:
    """Yield each key that an edit brings in; removing one brings in none."""
    if value is ABSENT:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _written_paths((*path, str(key)), item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _written_paths((*path, index), item)
    if not isinstance(value, Mapping) or not value:
        yield path


def _definition_objections(
    edit: DefinitionEdit, facts: Facts, gate: Gate, created: frozenset[tuple[str, str]]
) -> Iterator[str]:
    for name, value in edit.parameters.items():
        if not gate.accepts_parameter(name):
            yield said(
                "{name} is no parameter of a model definition: the server would store it without a word", name=name
            )
        if isinstance(value, bool) or not isinstance(value, int):
            yield said(
                "{name} must be a whole number, not {value!r}: the server would store it and then fail to load",
                name=name,
                value=value,
            )
        elif name == "num_ctx" and value < 256:
            yield said("num_ctx {value} is too small: the server turns it into a context of a few tokens", value=value)
    server = next((item for item in facts.servers if edit.server in {item.url, item.name}), None)
    names = {item.name for item in server.definitions} if server else set()
    if server and server.definitions and edit.base not in names and (edit.server, edit.base) not in created:
        yield said(
            "{base} does not exist on {server}: creating from it would start a download",
            base=edit.base,
            server=edit.server,
        )
