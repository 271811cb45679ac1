"""Every rule on its cases: silent where it must be, firing with its message and numbers, silent after its fix."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.case_facts import facts
from truelimit.domain.calculation import Calculation, evaluate
from truelimit.domain.facts import Facts
from truelimit.domain.findings import Finding
from truelimit.limits.stacks import stacks
from truelimit.limits.view import view
from truelimit.rules.registry import RULES, run
from truelimit.rules.rule import apply

CASES = Path(__file__).parents[1] / "cases"


def _cases() -> list[Any]:
    found = []
    for rule in RULES:
        file = CASES / f"{rule.code}.toml"
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["case"] if file.exists() else []
        found += [pytest.param(rule, row, id=f"{rule.code}-{row['title']}") for row in rows]
    return found


def found_by(picture: Facts, code: str) -> list[Finding]:
    findings = [finding for stack in stacks(picture) for finding in run(view(stack))[0]]
    return [finding for finding in findings if finding.code == code]


@pytest.mark.parametrize(("rule", "case"), _cases())
def test_case(rule, case) -> None:  # type: ignore[no-untyped-def]
    findings = found_by(facts(case["facts"]), rule.code)
    if case["expect"] in {"passes", "fixed"}:
        assert findings == []
        return
    assert len(findings) == case.get("count", 1)
    finding = findings[0]
    assert case["message"] in finding.message
    assert finding.name == rule.name
    if "result" in case:
        assert finding.calculation is not None
        assert finding.calculation.result == pytest.approx(case["result"], rel=1e-6)
    if "origin" in case:
        assert finding.origin is not None
        assert finding.origin.value == case["origin"]
    if "applicability" in case:
        assert finding.fix is not None
        assert finding.fix.applicability.value == case["applicability"]
    assert all(redone(calculation) for calculation in finding.calculations)


def redone(item: Calculation) -> bool:
    """The printed formula over the printed terms gives the printed result."""
    return evaluate(item.formula, {term.name: term.value for term in item.terms}) == item.result


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_has_a_silent_and_a_firing_case(rule) -> None:  # type: ignore[no-untyped-def]
    rows = tomllib.loads((CASES / f"{rule.code}.toml").read_text(encoding="utf-8"))["case"]
    assert {"passes", "fires"} <= {row["expect"] for row in rows}


def test_no_rule_changes_the_facts() -> None:
    picture = facts({"native": 262_144, "num_ctx": 131_072, "model": "qwen3-coder-30b:v-128k"})
    before = repr(picture)
    for stack in stacks(picture):
        run(view(stack))
    assert repr(picture) == before


def test_a_rule_that_lacks_a_fact_says_which() -> None:
    picture = replace(facts({"agent_context": 131_072, "server": "none"}), servers=())
    seen = view(stacks(picture)[0])
    ctx002 = next(rule for rule in RULES if rule.code == "CTX002")
    found, absent = apply(ctx002, seen)
    assert found == ()
    assert absent
    assert "CTX002" in absent[0].why
