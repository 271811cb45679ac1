"""The JSON that scripts rely on. Keys keep their names and meaning; new ones may be added."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.report.rates import rates_json

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.diagnosis import Diagnosis
    from truelimit.domain.findings import Finding, FixIdea
    from truelimit.domain.limits import Ladder, Ladders, Rung
    from truelimit.domain.session import Incident

DOCTOR = "truelimit.doctor/1"


def doctor(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as JSON text of schema truelimit.doctor/1."""
    codes = _codes(diagnosis.findings)
    return dump(
        {
            "schema": DOCTOR,
            "verdict": {
                "sentence": diagnosis.verdict.sentence,
                "parts": list(diagnosis.verdict.parts),
                "hardware": diagnosis.verdict.hardware.value,
                "reasons": list(diagnosis.verdict.reasons),
                "calculations": [calculation(item) for item in diagnosis.verdict.calculations],
            },
            "ladders": [_ladders(item) for item in diagnosis.ladders],
            "incidents": [_incident(item, codes.get(item.id, [])) for item in diagnosis.incidents],
            "findings": [finding(item) for item in diagnosis.findings],
            "missing": [{"fact": item.fact, "why": item.why} for item in diagnosis.missing],
            "examined": list(diagnosis.examined),
        }
    )


def dump(value: Mapping[str, object]) -> str:
    """Return JSON text with a stable layout. A number without a value (NaN, infinity) is null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value


def calculation(item: Calculation | None) -> dict[str, object] | None:
    """Return a calculation as CALC of the contract, or None."""
    if item is None:
        return None
    return {
        "terms": [
            {"name": t.name, "value": t.value, "unit": t.unit, "source": t.source, "basis": t.basis.value}
            for t in item.terms
        ],
        "formula": item.formula,
        "result": item.result,
        "unit": item.unit,
    }


def _ladders(item: Ladders) -> dict[str, object]:
    memory = item.memory
    return {
        "agent": item.agent or None,
        "model": item.model,
        "context": _ladder(item.context),
        "time": _ladder(item.time),
        "memory": {
            **_ladder(memory.ladder),
            "total_bytes": memory.total,
            "pool_bytes": memory.pool,
            "headroom_bytes": memory.headroom,
            "calculation": calculation(memory.calculation),
        },
        "rates": rates_json(item),
    }


def _ladder(item: Ladder) -> dict[str, object]:
    return {
        "binding": _rung(item.binding) if item.binding else None,
        "rungs": [_rung(rung) for rung in item.rungs],
        "overridden": [_rung(rung) for rung in item.overridden],
        "tied_with": [_rung(rung) for rung in item.tied],
    }


def _rung(item: Rung) -> dict[str, object]:
    return {
        "name": item.name,
        "value": item.value,
        "set_by": item.set_by.value,
        "kind": item.kind.value,
        "where": item.where,
        "basis": item.basis.value,
        "bounds": item.bounds,
        "note": item.note,
    }


def _codes(findings: tuple[Finding, ...]) -> dict[str, list[str]]:
    """The codes of the findings that explain an incident, by its name."""
    found: dict[str, list[str]] = {}
    for item in findings:
        for incident in item.incidents:
            codes = found.setdefault(incident, [])
            if item.code not in codes:
                codes.append(item.code)
    return found


def _incident(item: Incident, codes: list[str]) -> dict[str, object]:
    return {
        "id": item.id,
        "time": item.time.isoformat() if item.time else None,
        "session": item.session or None,
        "model": item.model,
        "cause": item.cause.value,
        "explained": item.explained,
        "attempts": item.attempts,
        "hidden_attempts": item.hidden_attempts,
        "prompt_tokens": item.prompt_tokens.value if item.prompt_tokens else None,
        "prompt_tokens_basis": item.prompt_tokens.basis.value if item.prompt_tokens else None,
        "seconds": item.seconds,
        "attempt_seconds": item.attempt_seconds,
        "calculation": calculation(item.calculation),
        "calculations": [calculation(calc) for calc in item.calculations],
        "reasons": list(item.reasons),
        "findings": codes,
        "where": item.where,
    }


def finding(item: Finding) -> dict[str, object]:
    """Return a finding as the contract has it, with evidence and excluded rivals beside it."""
    return {
        "code": item.code,
        "name": item.name,
        "severity": item.severity.value,
        "message": item.message,
        "model": item.model,
        "origin": item.origin.value if item.origin else None,
        "calculation": calculation(item.calculation),
        "calculations": [calculation(calc) for calc in item.calculations],
        "fix": _fix(item.fix),
        "evidence": list(item.evidence),
        "excluded": [{"origin": rival.origin.value, "reason": rival.reason} for rival in item.excluded],
        "incidents": list(item.incidents),
    }


def _fix(item: FixIdea | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "title": item.title,
        "applicability": item.applicability.value,
        "edits": len(item.edits),
        "steps": list(item.steps),
    }
