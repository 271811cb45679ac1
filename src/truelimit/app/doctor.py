"""Diagnose: facts to stacks, ladders, incidents, findings and a verdict. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.app.verdict import verdict
from truelimit.domain.diagnosis import Diagnosis
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.limits.stacks import stacks
from truelimit.limits.view import StackView, view
from truelimit.limits.words import spoken
from truelimit.rules.registry import run

if TYPE_CHECKING:
    from truelimit.domain.facts import Facts
    from truelimit.domain.limits import Ladders
    from truelimit.domain.session import Incident

_ORDER = {severity: rank for rank, severity in enumerate(Severity)}


def diagnose(facts: Facts) -> Diagnosis:
    """Return what the doctor says of these facts."""
    return diagnose_views(facts, views(facts))


def views(facts: Facts) -> tuple[StackView, ...]:
    """Return the view of each stack in the facts."""
    return tuple(view(stack) for stack in stacks(facts))


def diagnose_views(facts: Facts, seen: tuple[StackView, ...]) -> Diagnosis:
    """Return the diagnosis of views that were made from these facts."""
    findings: list[Finding] = []
    missing: list[Missing] = list(facts.missing)
    for item in seen:
        found, absent = run(item)
        findings.extend(found)
        missing.extend(absent)
    if not seen and facts.examined:
        read = ", ".join(facts.examined[:3]) + (" ..." if len(facts.examined) > 3 else "")
        missing.append(
            Missing(said("a model"), said("what was read names none, and no server that serves one: {read}", read=read))
        )
    findings.sort(key=lambda finding: (_ORDER[finding.severity], not finding.incidents))
    incidents = tuple(incident for item in seen for incident in item.incidents)
    return Diagnosis(
        verdict(seen, tuple(findings)),
        tuple(_named(item.ladders) for item in seen),
        tuple(_told_incident(item) for item in sorted(incidents, key=_when)),
        tuple(_told_finding(item) for item in findings),
        _once(missing),
        facts.examined,
    )


def _named(ladders: Ladders) -> Ladders:
    """A log or transcript may not say which model it speaks of."""
    return ladders if ladders.model.strip() else replace(ladders, model=said("a model without a name"))


def _told_incident(incident: Incident) -> Incident:
    return replace(incident, reasons=tuple(spoken(reason) for reason in incident.reasons))


def _told_finding(finding: Finding) -> Finding:
    """The finding with timers named in words."""
    fix = finding.fix
    if fix is not None:
        fix = replace(fix, title=spoken(fix.title), steps=tuple(spoken(step) for step in fix.steps))
    evidence = tuple(spoken(text) for text in finding.evidence)
    return replace(finding, message=spoken(finding.message), evidence=evidence, fix=fix)


def _when(incident: Incident) -> tuple[bool, float]:
    return incident.time is None, incident.time.timestamp() if incident.time else 0.0


def _once(missing: list[Missing]) -> tuple[Missing, ...]:
    by_fact: dict[str, Missing] = {}
    for item in missing:
        by_fact.setdefault(item.fact, item)
    return tuple(by_fact.values())
