"""The edges that fix and undo use, put together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from truelimit.adapters.agents.openclaw_gate import OpenClawGate
from truelimit.adapters.agents.openclaw_validator import OpenClawValidator
from truelimit.adapters.store.config_editor import Json5Editor
from truelimit.adapters.store.config_files import LocalFiles
from truelimit.adapters.store.data_dir import data_dir
from truelimit.adapters.store.ollama_definitions import definition_server
from truelimit.adapters.store.receipts import ReceiptFolder
from truelimit.app.doctor import diagnose
from truelimit.app.fix_ports import DefinitionServer, FixPorts, NotAskedError, ValidationResult
from truelimit.app.since import since
from truelimit.cli.wiring import gather
from truelimit.domain.diagnosis import Diagnosis, Hardware, Verdict
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.ports import Places
    from truelimit.domain.agent import Agent
    from truelimit.domain.facts import Facts


def fix_ports(places: Places, given: Given, network_seconds: float, facts: Facts) -> FixPorts:
    """Return the ports of a fix of what lies at ``places``."""
    started = datetime.now(UTC)

    def diagnose_again() -> Diagnosis:
        # Without a word on what is left out: the proof would take it for a fact that got lost.
        return diagnose(since(gather(places, given, network_seconds), started))

    def validate() -> ValidationResult:
        return _validate(facts, places)

    return FixPorts(
        LocalFiles(),
        ReceiptFolder(data_dir()),
        Json5Editor(),
        OpenClawGate(),
        definition_server() if given.live else _nobody,
        diagnose_again,
        validate,
    )


def _nobody(url: str) -> DefinitionServer:
    """With --home alone, what answers at an address on this machine is not the server of that home."""
    raise NotAskedError(
        said("{url} was not asked: only the files of that home are examined (name it with --ollama)", url=url)
    )


def undo_ports() -> FixPorts:
    """Return the ports of an undo: it reads no evidence and runs no validator."""
    nothing = Diagnosis(Verdict("", Hardware.UNKNOWN))
    not_asked = ValidationResult(ran=False, ok=None, text=said("not asked"))
    return FixPorts(
        LocalFiles(),
        ReceiptFolder(data_dir()),
        Json5Editor(),
        OpenClawGate(),
        definition_server(),
        lambda: nothing,
        lambda: not_asked,
    )


def _validate(facts: Facts, places: Places) -> ValidationResult:
    agent = next((item for item in facts.agents if item.config_files), None)
    if agent is None or places.isolated:
        return ValidationResult(
            ran=False, ok=None, text=said("no installed agent was asked: only its files are examined")
        )
    return OpenClawValidator(agent.generation, _root(agent), environment=places.environment)()


def _root(agent: Agent) -> str:
    return agent.config_files[0]
