"""The story of 18 February 2026, 11:15, end to end: what the demo says, number for number."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.cli.main import main
from truelimit.domain.calculation import evaluate

GIB = 2**30
PROMPT, LABEL, NATIVE = 146_760, 131_072, 262_144
REF = "ollama/qwen3-coder-30b:v-128k"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    stage(folder)
    return folder


@pytest.fixture
def document(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return run_json(capsys, "doctor", "--home", str(home), status=1)


@pytest.fixture
def incident(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = document["incidents"]
    assert isinstance(only, dict)
    return only


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str, status: int) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def finding(document: dict[str, Any], code: str) -> dict[str, Any]:
    (only,) = (item for item in document["findings"] if item["code"] == code)
    assert isinstance(only, dict)
    return only


def ladder(document: dict[str, Any], budget: str) -> dict[str, Any]:
    (only,) = document["ladders"]
    assert only["model"] == REF
    found = only[budget]
    assert isinstance(found, dict)
    return found


def rung(found: dict[str, Any], name: str) -> dict[str, Any]:
    (only,) = (item for item in found["rungs"] if item["name"] == name)
    assert isinstance(only, dict)
    return only


def result(item: dict[str, Any], part: str) -> float:
    """Return the result of the calculation whose formula holds ``part``, done again from its own terms."""
    (only,) = (calc for calc in item["calculations"] if part in calc["formula"])
    again = evaluate(only["formula"], {term["name"]: term["value"] for term in only["terms"]})
    assert again == pytest.approx(only["result"])
    return float(again)


def test_what_bound_and_by_whom_it_was_set(document: dict[str, Any]) -> None:
    context = ladder(document, "context")
    binding = context["binding"]
    assert (binding["value"], binding["kind"], binding["set_by"]) == (LABEL, "label", "agent-config")
    assert "contextWindow" in binding["where"]
    (definition,) = context["tied_with"]
    assert (definition["value"], definition["kind"], definition["set_by"]) == (LABEL, "label", "server-definition")
    native = rung(context, "native")
    assert (native["value"], native["kind"], native["basis"]) == (NATIVE, "physical", "measured")
    label = finding(document, "CTX001")
    assert label["origin"] == "name-label"
    assert result(label, "native_context - limit") == NATIVE - LABEL


def test_the_rivals_are_excluded_with_reasons(document: dict[str, Any]) -> None:
    reasons = {item["origin"]: item["reason"] for item in finding(document, "CTX001")["excluded"]}
    rivals = {"launcher-constant", "discovered-default", "sibling-inheritance", "agent-cap", "fallback-constant"}
    assert rivals <= set(reasons)
    assert "16,384" in reasons["launcher-constant"]
    assert "8,192" in reasons["launcher-constant"]
    assert "ollama-local" in reasons["launcher-constant"]


def test_three_attempts_at_the_header_wall_were_no_crash(document: dict[str, Any], incident: dict[str, Any]) -> None:
    assert incident["time"].startswith("2026-02-18T11:15:03")
    assert (incident["cause"], incident["explained"]) == ("prefill-exceeds-wall", True)
    assert (incident["attempts"], incident["hidden_attempts"]) == (3, 2)
    assert incident["prompt_tokens"] == PROMPT
    assert incident["seconds"] == pytest.approx(908, abs=0.1)
    assert incident["attempt_seconds"] == pytest.approx(302.7, abs=0.1)
    wall = ladder(document, "time")["binding"]
    assert (wall["name"], wall["value"], wall["set_by"]) == ("node-fetch-headers", 300, "client-library")
    assert "no key" in rung(ladder(document, "time"), wall["name"])["note"]
    assert "no crash" in finding(document, "TIM001")["message"]
    assert "No key of this version moves" in finding(document, "TIM002")["message"]


def test_the_rates_are_those_that_the_incident_implies(incident: dict[str, Any]) -> None:
    assert result(incident, "prompt_tokens / attempt_seconds") == pytest.approx(PROMPT / 302.67, rel=1e-3)
    assert result(incident, "(attempts * attempt_seconds)") == pytest.approx(PROMPT / 908.02, rel=1e-3)
    assert result(incident, "prompt_tokens - served_context") == PROMPT - LABEL
    assert result(incident, "floor(2 * wall") == 96_094, "300 s are a context of so many tokens at this rate"


def test_the_advice_of_the_error_text_cannot_help(document: dict[str, Any]) -> None:
    retries = finding(document, "TIM003")
    assert (
        "Raising agents.defaults.timeoutSeconds, as this agent's own error text advises, cannot help"
        in (retries["message"])
    )
    assert result(retries, "duration / attempts") == pytest.approx(302.67, abs=0.01)
    resumed = finding(document, "TIM004")
    assert "each should have gone on where the last one stopped" in resumed["message"]


def test_no_hardware_for_memory_and_what_a_cold_prompt_costs(document: dict[str, Any]) -> None:
    verdict = document["verdict"]
    assert verdict["hardware"] == "not-needed"
    memory = result(verdict, "weights + kv_cache")
    (kv,) = (
        term
        for calc in verdict["calculations"]
        if calc["formula"].startswith("weights")
        for term in calc["terms"]
        if term["name"] == "kv_cache"
    )
    assert kv["value"] == 24 * GIB
    assert memory / GIB == pytest.approx(41.6, abs=0.05)
    assert ladder(document, "memory")["pool_bytes"] == 48 * GIB
    assert ladder(document, "memory")["headroom_bytes"] > 0
    cold = result(verdict, "a * prompt")
    assert cold == pytest.approx(673, abs=1)
    assert cold > PROMPT / 400, "a constant 400 tokens/s flatters it"
    assert f"{cold:,.0f} s" in verdict["sentence"]


def test_the_fix_holds_both_sides_and_says_what_it_only_moves(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = home / ".openclaw" / "openclaw.json"
    before = config.read_bytes()
    plan = run_json(capsys, "fix", "--home", str(home), status=1)["plan"]
    assert config.read_bytes() == before
    (made,) = plan["definitions"]
    assert (made["name"], made["from"]) == ("qwen3-coder-30b:v-256k", "qwen3-coder-30b:v-128k")
    assert made["parameters"] == {"num_ctx": NATIVE}
    diff = plan["files"][0]["diff"]
    for added in ('id: "qwen3-coder-30b:v-256k"', "contextWindow: 262144, // it is the 128k one"):
        assert re.search(rf"^\+.*{re.escape(added)}", diff, re.MULTILINE), added
    (outlook,) = plan["outlooks"]
    assert (outlook["served_context"], outlook["agent_context"]) == (NATIVE, NATIVE)
    assert outlook["moves_failure"], "the larger window alone would only fail at the wall instead"
    assert any("300 s" in need for need in outlook["needs"])


def test_memory_at_the_full_context_beside_a_model_with_twice_the_heads(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("plan", "qwen3-coder:30b", "--home", str(home), "--context", str(NATIVE))
    found = run_json(capsys, *arguments, status=0)
    assert found["native_context"] == NATIVE
    assert found["memory"]["kv_cache_bytes"] == 24 * GIB
    assert found["memory"]["fits"] is True
    assert main([*arguments, "--beside", "llama-3-8b", "--width", "120", "--no-color"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"Qwen3 Coder 30B A3B Instruct +98,304 +4 +24\.0 GiB", said)
    assert re.search(r"LLaMA-3 8B +131,072 +8 +32\.0 GiB", said)


@pytest.fixture(scope="module")
def told() -> str:
    """The demo as a person reads it, line breaks aside."""
    captured = io.StringIO()
    with contextlib.redirect_stdout(captured):
        assert main(["demo", "--no-color"]) == 0
    return " ".join(captured.getvalue().split())


@pytest.mark.parametrize(
    "fact",
    [
        "146,760 tokens",
        "131,072 tokens is no limit of this model: it was trained for 262,144",
        "3 attempts (2 hidden)",
        "302.7 s on average",
        "No hardware is needed for memory",
        "A cold prompt of 146,760 tokens takes 673 s",
        "launcher-constant: not Ollama's launcher",
        "as this agent's own error text advises, cannot help",
        "a larger window alone only moves this failure from overflow to timeout",
        "24.0 GiB",
        "LLaMA-3 8B",
    ],
)
def test_the_demo_tells_it_in_words(told: str, fact: str) -> None:
    assert fact.lower() in told.lower()


def test_each_part_of_the_demo_is_there_in_its_order(told: str) -> None:
    parts = (
        "The incident of 18 February 2026, 11:15",
        "Incidents (1)",
        "CTX001",
        "The plan makes 2 changes",
        "LLaMA-3 8B",
    )
    places = [told.index(part) for part in parts]
    assert places == sorted(places)
