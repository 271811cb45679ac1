"""Collecting in tests: a bundle of places, and the diagnosis of places as the command line makes it."""

from __future__ import annotations

from pathlib import Path

from truelimit.adapters.agents.openclaw.read import read as read_openclaw
from truelimit.adapters.bundle.read import opened
from truelimit.adapters.bundle.read import read as read_bundle
from truelimit.adapters.bundle.write import Collected, write_bundle
from truelimit.adapters.servers.llama_server.read import read as read_llama_server
from truelimit.adapters.servers.ollama.read import read as read_ollama
from truelimit.app.doctor import diagnose
from truelimit.app.examine import Given, join
from truelimit.app.ports import Deadline, Places
from truelimit.domain.diagnosis import Diagnosis
from truelimit.domain.facts import Facts
from truelimit.tables.loader import published_rates

READERS = (read_bundle, read_openclaw, read_ollama, read_llama_server)


def collect(places: Places, out: Path, seconds: float = 0.0) -> Collected:
    """Write a bundle of ``places`` to the new folder ``out``."""
    out.mkdir(parents=True)
    return write_bundle(places, Deadline(seconds), out)


def facts_at(places: Places, seconds: float = 0.0) -> Facts:
    """Return the facts at places; a bundle's recorded answers are used."""
    deadline = Deadline(seconds)
    with opened(places) as here:
        return join([read(here, deadline) for read in READERS], Given(published=published_rates()))


def diagnosis_of(places: Places) -> Diagnosis:
    """Return the diagnosis of places."""
    return diagnose(facts_at(places))


def essence(diagnosis: Diagnosis) -> dict[str, object]:
    """Return what must be the same at home and elsewhere: everything but names of files and sessions."""
    return {
        "verdict": diagnosis.verdict.sentence,
        "hardware": diagnosis.verdict.hardware,
        "bindings": [
            [
                (rung.name, rung.value, rung.set_by, rung.kind, rung.basis) if rung is not None else None
                for rung in (item.context.binding, item.time.binding, item.memory.ladder.binding)
            ]
            for item in diagnosis.ladders
        ],
        "rungs": [
            [(rung.name, rung.value, rung.basis) for rung in (*item.context.rungs, *item.time.rungs)]
            for item in diagnosis.ladders
        ],
        "memory": [(item.memory.total, item.memory.pool, item.memory.headroom) for item in diagnosis.ladders],
        "incidents": [
            (
                item.time,
                item.model,
                item.cause,
                item.explained,
                item.attempts,
                item.hidden_attempts,
                item.prompt_tokens and (item.prompt_tokens.value, item.prompt_tokens.basis),
                item.seconds,
                item.attempt_seconds,
                [calculation.result for calculation in item.calculations],
            )
            for item in diagnosis.incidents
        ],
        "findings": [
            (item.code, item.severity, item.origin, [calculation.result for calculation in item.calculations])
            for item in diagnosis.findings
        ],
    }
