"""The plan: every fix that may be written, in order, with its diff; and why the others are not in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.findings import ABSENT, Applicability, ConfigEdit, DefinitionEdit, Finding, Severity
from truelimit.domain.message import joined, said
from truelimit.fixes.change import (
    DefinitionChange,
    FileChange,
    FixPlan,
    Gate,
    ManualStep,
    PlannedFix,
    Refusal,
    TextEditor,
    shown_path,
)
from truelimit.fixes.files import EditRefused, change_of
from truelimit.fixes.ideas import conflicts, gather, objections
from truelimit.fixes.notices import notices
from truelimit.fixes.outlook import Prospect, outlook
from truelimit.fixes.probes import probes
from truelimit.fixes.together import comes_from

if TYPE_CHECKING:
    from truelimit.domain.facts import Facts
    from truelimit.domain.server import Definition, Server


def plan(
    findings: Iterable[Finding],
    facts: Facts,
    texts: Mapping[str, str],
    editor: TextEditor,
    gate: Gate,
    *,
    prospects: Sequence[Prospect] = (),
    allow_unsafe: bool = False,
    only: Collection[str] = (),
) -> FixPlan:
    """Return the plan for these findings.

    ``texts`` holds the configuration files as they are now (UTF-8, undecoded line ends). ``only`` limits the plan to
    findings with these codes. A fix that has one impossible edit is refused whole: half of it could do harm.
    """
    findings = tuple(findings)
    ideas = gather(item for item in findings if not only or item.code in only)
    writable = [fix for fix in ideas if fix.edits and fix.applicability is not Applicability.MANUAL]
    held = tuple(fix for fix in writable if fix.applicability is Applicability.UNSAFE and not allow_unsafe)
    sound, refused = _screened([fix for fix in writable if fix not in held], facts, texts, gate)
    files, accepted, impossible = _files(sound, texts, editor)
    definitions = _definitions(accepted, facts)
    return _completed(
        FixPlan(
            fixes=accepted,
            definitions=definitions,
            files=files,
            held=held,
            refused=(*refused, *impossible),
            manual=_manual(ideas, accepted),
            blocked=tuple(_blocked(definitions, facts)),
            failing_before=tuple((item.code, item.model) for item in findings if item.severity is Severity.FAILS),
        ),
        facts,
        gate,
        prospects,
    )


def _completed(made: FixPlan, facts: Facts, gate: Gate, prospects: Sequence[Prospect]) -> FixPlan:
    """Return the plan with what it will lead to: warnings, outlooks (with what else is needed), probes."""
    edits = tuple(edit for change in made.files for edit in change.edits)
    concerned = {model for _, model in made.resolves}
    relevant = tuple(item for item in prospects if item.model in concerned)
    outlooks = tuple(outlook(prospect, edits) for prospect in relevant)
    return replace(
        made,
        outlooks=outlooks,
        warnings=notices(facts, edits, made.definitions, gate),
        probes=probes(made.definitions, relevant),
    )


def _screened(
    fixes: Sequence[PlannedFix], facts: Facts, texts: Mapping[str, str], gate: Gate
) -> tuple[list[PlannedFix], list[Refusal]]:
    """Return the fixes without objection or conflict, and the others with the reason."""
    created = frozenset(
        (edit.server, edit.name) for fix in fixes for edit in fix.edits if isinstance(edit, DefinitionEdit)
    )
    refused: list[Refusal] = []
    for fix in fixes:
        reasons = objections(fix, facts, texts, gate, created)
        if reasons:
            refused.append(Refusal(fix, joined("; ", reasons)))
    sound = [fix for fix in fixes if all(item.fix is not fix for item in refused)]
    clashing = conflicts(sound)
    return [fix for fix in sound if all(item.fix is not fix for item in clashing)], [*refused, *clashing]


def _files(
    fixes: Sequence[PlannedFix], texts: Mapping[str, str], editor: TextEditor
) -> tuple[tuple[FileChange, ...], tuple[PlannedFix, ...], list[Refusal]]:
    """Return the changed files, the fixes in them, and the fixes with an impossible edit (left out whole)."""
    fixes = tuple(fixes)
    refused: list[Refusal] = []
    while True:
        try:
            return _changes(fixes, texts, editor), fixes, refused
        except EditRefused as error:
            guilty = [fix for fix in fixes if _asked_for(error.edit, fix)]
            refused += [Refusal(fix, str(error)) for fix in guilty]
            fixes = tuple(fix for fix in fixes if fix not in guilty)


def _asked_for(edit: ConfigEdit, fix: PlannedFix) -> bool:
    return any(isinstance(own, ConfigEdit) and comes_from(edit, own) for own in fix.edits)


def _changes(fixes: Sequence[PlannedFix], texts: Mapping[str, str], editor: TextEditor) -> tuple[FileChange, ...]:
    edits = [edit for fix in fixes for edit in fix.edits if isinstance(edit, ConfigEdit)]
    made = (
        change_of(file, texts[file], [edit for edit in edits if edit.file == file], editor)
        for file in dict.fromkeys(edit.file for edit in edits)
    )
    return tuple(change for change in made if change is not None)


def _definitions(fixes: Sequence[PlannedFix], facts: Facts) -> tuple[DefinitionChange, ...]:
    """Return the definitions to create, each once, a base before what is made from it."""
    unique: dict[tuple[str, str], DefinitionChange] = {}
    for fix in fixes:
        for edit in fix.edits:
            if isinstance(edit, DefinitionEdit):
                unique.setdefault((edit.server, edit.name), _definition(edit, facts))
    ordered: list[DefinitionChange] = []
    waiting = list(unique.values())
    while waiting:
        made_later = {(change.server, change.name) for change in waiting}
        ready = [item for item in waiting if (item.server, item.base) not in made_later or item.base == item.name]
        ordered += ready or waiting
        waiting = [item for item in waiting if ready and item not in ready]
    return tuple(ordered)


def _definition(edit: DefinitionEdit, facts: Facts) -> DefinitionChange:
    server = server_of(facts, edit.server)
    known = server.definitions if server else ()
    base: Definition | None = next((item for item in known if item.name == edit.base), None)
    replaces = any(item.name == edit.name for item in known)
    aliases = tuple(dict.fromkeys((edit.base, *(base.same_blob if base else ()))))
    return DefinitionChange(edit.server, edit.name, edit.base, dict(edit.parameters), edit.why, replaces, aliases)


def server_of(facts: Facts, name: str) -> Server | None:
    """Return the server with this URL or name, or None."""
    return next((item for item in facts.servers if name in {item.url, item.name}), None)


def _blocked(definitions: Iterable[DefinitionChange], facts: Facts) -> Iterable[str]:
    for name in dict.fromkeys(change.server for change in definitions):
        server = server_of(facts, name)
        if server is None or not server.live:
            yield said(
                "the server {name} did not answer, so no definition can be made there: start it and run again",
                name=name,
            )


def _manual(ideas: Iterable[PlannedFix], accepted: Collection[PlannedFix]) -> tuple[ManualStep, ...]:
    """Return the steps of manual fixes (their edits as instructions) and the steps that go with accepted ones."""
    steps: list[ManualStep] = []
    for fix in ideas:
        by_hand = fix.applicability is Applicability.MANUAL or not fix.edits
        if by_hand:
            steps += [ManualStep(fix.title, _instruction(edit)) for edit in fix.edits]
        if by_hand or fix in accepted:
            steps += [ManualStep(fix.title, step) for step in fix.steps]
    return tuple(dict.fromkeys(steps))


def _instruction(edit: ConfigEdit | DefinitionEdit) -> str:
    if isinstance(edit, DefinitionEdit):
        return said(
            "create {edit} from {base} with {parameters} on {server} ({why})",
            edit=edit.name,
            base=edit.base,
            parameters=dict(edit.parameters),
            server=edit.server,
            why=edit.why,
        )
    action = "remove" if edit.value is ABSENT else "set"
    value = "" if edit.value is ABSENT else said(" to {edit!r}", edit=edit.value)
    return said(
        "{action} {path} in {file}{value} ({why})",
        action=action,
        path=shown_path(edit.path),
        file=edit.file,
        value=value,
        why=edit.why,
    )
