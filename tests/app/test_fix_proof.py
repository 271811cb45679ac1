"""The proof: rules again, the agent's validator, and the server's own word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.fix_world import MODEL, NEW_NAME, OLD_NAME, MemoryServer, World, prospect, world
from truelimit.app.fix import apply, make_plan
from truelimit.app.fix_ports import PromptRefusal, ServerError, ValidationResult
from truelimit.app.fix_proof import Outcome, Proof, prove
from truelimit.app.fix_receipt import ReceiptState
from truelimit.domain.diagnosis import Diagnosis
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.provenance import Basis, Missing
from truelimit.domain.rates import PrefillFit
from truelimit.units import Tokens

_FAST = PrefillFit(1 / 4000, 0.0, None, Tokens(200000), 3, "log", Basis.MEASURED)
_SLOW = PrefillFit(1 / 400, 0.0, None, Tokens(200000), 3, "log", Basis.MEASURED)


def _proof(one: World, fit: PrefillFit | None = None) -> Proof:
    plan = make_plan(one.diagnosis(), one.facts(), one.ports, prospects=[prospect(prefill=fit)])
    receipt = apply(plan, one.ports)
    return prove(plan, receipt, one.ports)


def _outcomes(proof: Proof) -> list[Outcome]:
    return [check.outcome for check in proof.checks]


def test_everything_proven_with_a_real_prompt_that_is_affordable(tmp_path: Path) -> None:
    one = world(tmp_path)
    proof = _proof(one, _FAST)
    assert proof.complete
    assert proof.holds
    assert proof.receipt.state is ReceiptState.PROVEN
    assert "144,179 tokens in one prompt; the old limit was 131,072" in proof.checks[-1].text
    assert one.ports.receipts.all()[0].proof == tuple(str(check) for check in proof.checks)


def test_a_prompt_that_takes_too_long_is_counted_instead(tmp_path: Path) -> None:
    one = world(tmp_path, server=MemoryServer(refused=PromptRefusal(300000, 262144)))
    proof = _proof(one, _SLOW)
    assert proof.complete
    assert "would take about 360 s" in proof.checks[-1].text
    assert "refuses only above 262,144" in proof.checks[-1].text
    assert "read_prompt" not in one.server.acts


def test_what_can_neither_be_read_nor_counted_is_not_proven(tmp_path: Path) -> None:
    proof = _proof(world(tmp_path))
    assert proof.holds
    assert not proof.complete
    assert _outcomes(proof)[-1] is Outcome.NOT_PROVEN
    assert "its time is unknown" in proof.checks[-1].text


def test_a_server_that_refuses_at_the_old_limit_fails(tmp_path: Path) -> None:
    proof = _proof(world(tmp_path, server=MemoryServer(refused=PromptRefusal(300000, 131072))))
    assert not proof.holds
    assert proof.receipt.state is ReceiptState.APPLIED


def test_a_prompt_cut_by_the_server_is_not_proven(tmp_path: Path) -> None:
    proof = _proof(world(tmp_path, server=MemoryServer(counted=65538)), _FAST)
    assert _outcomes(proof)[-1] is Outcome.NOT_PROVEN


def test_a_server_that_loads_the_old_context_fails(tmp_path: Path) -> None:
    proof = _proof(world(tmp_path, server=MemoryServer(lies="old context")), _FAST)
    assert not proof.holds
    assert "reports 131,072 tokens, not 262,144" in proof.checks[2].text
    assert len(proof.checks) == 3


@pytest.mark.parametrize(("native", "holds"), [(262_144, True), (131_072, False)])
def test_a_listed_context_above_the_trained_one_proves_nothing(tmp_path: Path, native: int, *, holds: bool) -> None:
    """Ollama 0.11.4 lists the num_ctx that it was asked for, and serves what the model was trained for."""
    one = world(tmp_path)
    plan = make_plan(one.diagnosis(), one.facts(), one.ports, prospects=[prospect(native=Tokens(native))])
    proof = prove(plan, apply(plan, one.ports), one.ports)
    assert proof.holds is holds
    assert f"trained for{'' if holds else f' {native:,}: it serves no more'}" in proof.checks[2].text


@pytest.mark.parametrize(("name", "unloads"), [(OLD_NAME, False), ("deleted:name", True)])
def test_a_model_in_memory_under_another_name_of_the_same_file(tmp_path: Path, name: str, *, unloads: bool) -> None:
    one = world(tmp_path, server=MemoryServer(in_memory={name: 262144}, listed_as=name))
    proof = _proof(one, _FAST)
    assert proof.complete
    assert ("shares its model file" in proof.checks[2].text) is not unloads
    assert ("unload" in one.server.acts) is unloads


class _Forgetful(dict[str, int]):
    def __setitem__(self, key: str, value: int) -> None:
        """Keep nothing."""


def test_a_model_that_is_never_listed_fails(tmp_path: Path) -> None:
    one = world(tmp_path)
    one.server.in_memory = _Forgetful()
    proof = _proof(one, _FAST)
    assert "does not list" in proof.checks[2].text
    assert not proof.holds


@pytest.mark.parametrize("act", ["load", "loaded", "read_prompt"])
def test_a_server_that_dies_during_the_proof_fails_it_without_raising(tmp_path: Path, act: str) -> None:
    one = world(tmp_path)

    def die(name: str) -> None:
        if name == act:
            raise ServerError("connection lost")

    one.server.act = die
    proof = _proof(one, _FAST)
    assert not proof.holds
    assert "connection lost" in proof.checks[-1].text


def test_the_validators_word_counts(tmp_path: Path) -> None:
    one = world(tmp_path)
    one.validation[0] = ValidationResult(True, False, "Unrecognized key")
    assert _outcomes(_proof(one))[0] is Outcome.FAILED
    two = world(tmp_path / "two")
    two.validation[0] = ValidationResult(False, None, "not installed")
    assert _outcomes(_proof(two))[0] is Outcome.NOT_PROVEN


def _with_findings(one: World, *findings: Finding, missing: tuple[Missing, ...] = ()) -> Proof:
    plan = one.plan
    receipt = apply(plan, one.ports)
    after = replace(one.diagnosis(), findings=findings, missing=missing)
    ports = replace(one.ports, diagnose_again=lambda: after)
    return prove(plan, receipt, ports)


def _finding(code: str, model: str = MODEL, severity: Severity = Severity.FAILS) -> Finding:
    return Finding(code, "name", severity, "message", model)


def test_a_finding_that_stays_or_a_new_failure_fails_the_proof(tmp_path: Path) -> None:
    stays = _with_findings(world(tmp_path / "a"), _finding("CTX001", severity=Severity.NOTE))
    assert "CTX001 on ollama/qwen3-coder-30b:v-128k is still there" in stays.checks[1].text
    fresh = _with_findings(world(tmp_path / "b"), _finding("MEM004", f"ollama/{NEW_NAME}"))
    assert "MEM004" in fresh.checks[1].text
    assert fresh.checks[1].outcome is Outcome.FAILED
    note = _with_findings(world(tmp_path / "c"), _finding("MEM004", severity=Severity.NOTE))
    assert note.checks[1].outcome is Outcome.PASSED
    same = _with_findings(world(tmp_path / "d"), _finding("CTX001", f"ollama/{NEW_NAME}"))
    assert same.checks[1].outcome is Outcome.FAILED


def test_an_old_failure_that_follows_its_model_is_no_new_one(tmp_path: Path) -> None:
    one = world(tmp_path)
    one.extra.append(_finding("TIM001"))
    proof = _with_findings(one, _finding("TIM001", f"ollama/{NEW_NAME}"))
    assert proof.checks[1].outcome is Outcome.PASSED


def test_findings_gone_because_facts_are_gone_prove_nothing(tmp_path: Path) -> None:
    proof = _with_findings(world(tmp_path), missing=(Missing("openclaw.json", "unreadable"),))
    assert proof.checks[1].outcome is Outcome.NOT_PROVEN
    assert "openclaw.json" in proof.checks[1].text


def test_facts_that_were_missing_before_do_not_count(tmp_path: Path) -> None:
    one = world(tmp_path)
    missing = (Missing("a log", "none"),)
    plan = make_plan(replace(one.diagnosis(), missing=missing), one.facts(), one.ports)
    receipt = apply(plan, one.ports)

    def again() -> Diagnosis:
        return replace(one.diagnosis(), missing=missing)

    proof = prove(plan, receipt, replace(one.ports, diagnose_again=again))
    assert proof.checks[1].outcome is Outcome.PASSED
