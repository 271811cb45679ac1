"""Diagnose: facts to stacks, ladders, incidents, findings and a verdict. Pure."""

from __future__ import annotations

from truelimit.app.verdict import verdict
from truelimit.domain.diagnosis import Diagnosis
from truelimit.domain.facts import Facts
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.provenance import Missing
from truelimit.domain.session import Incident
from truelimit.limits.stacks import stacks
from truelimit.limits.view import StackView, view
from truelimit.rules.registry import run

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
    findings.sort(key=lambda finding: (_ORDER[finding.severity], not finding.incidents))
    incidents = tuple(incident for item in seen for incident in item.incidents)
    return Diagnosis(
        verdict(seen, tuple(findings)),
        tuple(item.ladders for item in seen),
        tuple(sorted(incidents, key=_when)),
        tuple(findings),
        _once(missing),
        facts.examined,
    )


def _when(incident: Incident) -> tuple[bool, float]:
    return incident.time is None, incident.time.timestamp() if incident.time else 0.0


def _once(missing: list[Missing]) -> tuple[Missing, ...]:
    by_fact: dict[str, Missing] = {}
    for item in missing:
        by_fact.setdefault(item.fact, item)
    return tuple(by_fact.values())
