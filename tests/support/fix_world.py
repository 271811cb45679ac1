"""A small world to fix: a configuration with comments, a server of definitions in memory, one finding with its fix."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from truelimit.adapters.agents.openclaw_gate import OpenClawGate
from truelimit.adapters.store.config_editor import Json5Editor
from truelimit.adapters.store.config_files import LocalFiles
from truelimit.adapters.store.durable import Fault, no_fault
from truelimit.adapters.store.receipts import ReceiptFolder
from truelimit.app.fix import make_plan
from truelimit.app.fix_ports import FixPorts, PromptRefusal, ServerError, ValidationResult
from truelimit.domain.agent import Agent
from truelimit.domain.diagnosis import Diagnosis, Hardware, Verdict
from truelimit.domain.facts import Facts
from truelimit.domain.findings import Applicability, ConfigEdit, DefinitionEdit, Edit, Finding, FixIdea, Severity
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Definition, Server, ServerKind
from truelimit.domain.session import Session
from truelimit.fixes.change import FixPlan
from truelimit.fixes.outlook import Prospect
from truelimit.units import Tokens

URL = "http://127.0.0.1:11434"
OLD_NAME = "qwen3-coder-30b:v-128k"
NEW_NAME = "qwen3-coder-30b:v-256k"
MODEL = f"ollama/{OLD_NAME}"
ENTRY = ("models", "providers", "ollama", "models", 0)
PRIMARY = ("agents", "defaults", "model", "primary")
CONFIG = """\
// my agent: do not touch
{
  gateway: { mode: "local", auth: { mode: "token", token: "s3cret-t0ken" } },
  models: { providers: { ollama: {
    baseUrl: "http://127.0.0.1:11434/v1", apiKey: "${OLLAMA_API_KEY}", // from the environment
    models: [
      { id: "qwen3-coder-30b:v-128k", name: "Qwen3 Coder", contextWindow: 131072, maxTokens: 8192, },
    ],
  } } },
  agents: { defaults: { model: { primary: "ollama/qwen3-coder-30b:v-128k" } } },
}
"""


class Killed(BaseException):
    """The process dies here: nothing of ours runs any more."""


@dataclass
class MemoryServer:
    """Definitions in memory; ``act`` is called before each act and may raise. ``lies`` names one: see the tests."""

    models: dict[str, dict[str, object]] = field(default_factory=lambda: {OLD_NAME: {"num_ctx": 131072}})
    act: Callable[[str], None] = lambda _: None
    lies: str = ""
    in_memory: dict[str, int] = field(default_factory=dict)
    refused: PromptRefusal | None = None
    counted: int | None = None
    acts: list[str] = field(default_factory=list)
    listed_as: str = ""

    def _begin(self, act: str) -> None:
        self.acts.append(act)
        self.act(act)

    def digest(self, name: str) -> str | None:
        self._begin("digest")
        held = self.models.get(name)
        return None if held is None else hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()

    def parameters(self, name: str) -> Mapping[str, object]:
        self._begin("parameters")
        return self.models[name]

    def create(self, name: str, base: str, parameters: Mapping[str, int]) -> None:
        self._begin("create")
        if self.lies == "create says success":
            return
        held: dict[str, object] = {**self.models[base], **parameters}
        if self.lies == "number stored as text":
            held["num_ctx"] = str(held["num_ctx"])
        self.models[name] = held
        if self.lies == "error after success":
            raise ServerError("error in the stream")

    def copy(self, source: str, destination: str) -> None:
        self._begin("copy")
        if self.lies != "copy says success":
            self.models[destination] = dict(self.models[source])

    def delete(self, name: str) -> None:
        self._begin("delete")
        if name not in self.models:
            raise ServerError(f"there is no {name}")
        del self.models[name]

    def load(self, name: str, context: int | None, seconds: float) -> None:
        self._begin("load")
        if name not in self.models:
            raise ServerError(f"there is no {name}")
        if self.listed_as in self.in_memory:
            return
        self.in_memory[name] = (
            131072 if self.lies == "old context" else context or int(str(self.models[name]["num_ctx"]))
        )

    def unload(self, name: str) -> None:
        self._begin("unload")
        self.in_memory.clear()

    def loaded(self) -> Mapping[str, int]:
        self._begin("loaded")
        return self.in_memory

    def read_prompt(self, name: str, tokens: int, context: int | None, seconds: float) -> int:
        self._begin("read_prompt")
        return tokens if self.counted is None else self.counted

    def refusal(self, name: str, tokens: int, context: int | None) -> PromptRefusal | None:
        self._begin("refusal")
        return self.refused


@dataclass
class World:
    """One machine in a folder."""

    folder: Path
    config: Path
    server: MemoryServer
    ports: FixPorts
    validation: list[ValidationResult]
    extra: list[Finding]

    @property
    def plan(self) -> FixPlan:
        """The plan for the world as it is."""
        return make_plan(self.diagnosis(), self.facts(), self.ports)

    def facts(self, **server: object) -> Facts:
        """What was read: one agent, one live server."""
        version = Known("2026.2.17", "package.json", Basis.REPORTED)
        agent = Agent("openclaw", version, "2026.2", (str(self.config),))
        definitions = tuple(Definition(name, "api") for name in self.server.models)
        live = Server(ServerKind.OLLAMA, URL, URL, live=True, definitions=definitions)
        session = Session("s1", "openclaw", "sessions.json", pinned_model=MODEL)
        return Facts(agents=(agent,), servers=(live,), sessions=(session,), live=True)

    def edits(self) -> tuple[Edit, ...]:
        """The edits of the fix: a new definition, the window, the names."""
        file, why = str(self.config), "test"
        return (
            DefinitionEdit(URL, NEW_NAME, OLD_NAME, {"num_ctx": 262144}, why),
            ConfigEdit(file, (*ENTRY, "contextWindow"), 131072, 262144, why),
            ConfigEdit(file, (*ENTRY, "id"), OLD_NAME, NEW_NAME, why),
            ConfigEdit(file, PRIMARY, MODEL, f"ollama/{NEW_NAME}", why),
        )

    def diagnosis(self) -> Diagnosis:
        """One finding while the window is the old one."""
        found = list(self.extra)
        if b"contextWindow: 131072" in self.config.read_bytes():
            fix = FixIdea("Raise the context", Applicability.SAFE, self.edits())
            found.append(Finding("CTX001", "label-caps-context", Severity.FAILS, "capped", MODEL, fix=fix))
        return Diagnosis(Verdict("a verdict", Hardware.NOT_NEEDED), findings=tuple(found))

    def state(self) -> tuple[object, ...]:
        """What must be the old or the new, whole: bytes, mode, definitions (our backups aside), no remnants."""
        names = {
            name: dict(held) for name, held in self.server.models.items() if not name.startswith("truelimit-backup")
        }
        remnants = sorted(item.name for item in self.config.parent.iterdir())
        return (self.config.read_bytes(), self.config.stat().st_mode, names, remnants)

    def backups(self) -> list[str]:
        """Names of copies left on the server."""
        return [name for name in self.server.models if name.startswith("truelimit-backup")]


def world(folder: Path, fault: Fault = no_fault, config: str = CONFIG, server: MemoryServer | None = None) -> World:
    """Return a world in a folder; ``fault`` is called before each act on a disk."""
    home = folder / "home" / ".openclaw"
    home.mkdir(parents=True, exist_ok=True)
    path = home / "openclaw.json"
    if not path.exists():
        path.write_bytes(config.encode("utf-8"))
        os.chmod(path, 0o640)  # noqa: PTH101
    server = server or MemoryServer()
    validation = [ValidationResult(True, True, "valid")]
    made: list[World] = []
    ports = FixPorts(
        files=LocalFiles(fault),
        receipts=ReceiptFolder(folder / "data", fault),
        editor=Json5Editor(),
        gate=OpenClawGate(),
        servers=lambda _: server,
        diagnose_again=lambda: made[0].diagnosis(),  # noqa: PLW0108 (made is filled below)
        validate_config=lambda: validation[0],
    )
    made.append(World(folder, path, server, ports, validation, []))
    return made[0]


def prospect(**fields: object) -> Prospect:
    """Return a prospect of the world's stack."""
    base: dict[str, object] = {
        "model": MODEL,
        "served_context": Tokens(262144),
        "agent_context": Tokens(262144),
        "old_limit": Tokens(131072),
        "server": URL,
        "served_name": OLD_NAME,
    }
    return Prospect(**{**base, **fields})  # type: ignore[arg-type]
