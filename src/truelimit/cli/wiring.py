"""The one place that puts edges and use cases together."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from truelimit.app.examine import Given, join
from truelimit.app.ports import Deadline, Evidence, Places, Reader
from truelimit.app.since import since
from truelimit.cli.evidence import since as evidence_since
from truelimit.domain.facts import Facts, Stack
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.domain.server import ServerKind

OLLAMA, LLAMA_SERVER = ServerKind.OLLAMA, ServerKind.LLAMA_SERVER


def gather(places: Places, given: Given, network_seconds: float) -> Facts:
    """Return all facts at ``places``, spending at most ``network_seconds`` on the network together."""
    from truelimit.adapters.bundle.read import opened

    deadline = Deadline(network_seconds)
    with opened(places) as here:
        evidence = [_guarded(name, read, here, deadline) for name, read in _readers()]
        evidence = [_with_named(part, places) for part in evidence]
        evidence.append(_model_files(here))
        evidence.append(_unclaimed(here, evidence))
    return join(evidence, given)


def gather_since(args: Namespace, places: Places, given: Given) -> Facts:
    """Return the facts that the arguments ask for: without what happened before the last fix, unless they say else."""
    facts = gather(places, given, args.network_seconds)
    files = tuple(file for agent in facts.agents for file in agent.config_files)
    found = evidence_since(args, files)
    return facts if found is None else since(facts, found.moment, found.why)


def _readers() -> Iterator[tuple[str, Reader]]:
    from truelimit.adapters.agents.openclaw.read import read as openclaw
    from truelimit.adapters.bundle.read import read as bundle
    from truelimit.adapters.servers.llama_server.read import read as llama_server
    from truelimit.adapters.servers.ollama.read import read as ollama
    from truelimit.cli.this_machine import read as read_machine

    yield "OpenClaw", openclaw
    yield "bundle", bundle
    yield "Ollama", ollama
    yield "llama-server", llama_server
    yield said("this machine"), read_machine


def _guarded(name: str, read: Reader, places: Places, deadline: Deadline) -> Evidence:
    """One edge must not take the others down: a fault in it is reported as missing evidence."""
    try:
        return read(places, deadline)
    except OSError as error:
        return Evidence(missing=(Missing(name, said("could not be read: {error}", error=error)),))
    except Exception as error:
        import os

        if os.environ.get("TRUELIMIT_DEBUG"):
            raise
        return Evidence(
            missing=(Missing(name, said("a fault of truelimit while reading it: {name}", name=type(error).__name__)),)
        )


def _with_named(part: Evidence, places: Places) -> Evidence:
    """Mark the servers whose address the user gave."""
    kinds = {kind for kind, given in ((OLLAMA, places.ollama), (LLAMA_SERVER, places.servers)) if given}
    servers = tuple(replace(s, named=True) if s.live and s.kind in kinds else s for s in part.servers)
    return replace(part, servers=servers)


def _model_files(places: Places) -> Evidence:
    from truelimit.adapters.files.gguf import GgufError, read_header

    models, missing = [], []
    for path in places.model_files:
        try:
            models.append(read_header(path))
        except (GgufError, OSError) as error:
            missing.append(Missing(said("model file {path}", path=path), str(error)))
    return Evidence(models=tuple(models), missing=tuple(missing), examined=tuple(str(p) for p in places.model_files))


def _unclaimed(places: Places, evidence: list[Evidence]) -> Evidence:
    """Files that the user named and nobody recognised."""
    seen = " ".join(text for part in evidence for text in part.examined)
    seen += " ".join(f"{item.fact} {item.why}" for part in evidence for item in part.missing)
    lost = [path for path in (*places.logs, *places.sessions) if not _named(path, seen)]
    why = said("not recognised as a log or transcript of OpenClaw, Ollama or llama-server")
    return Evidence(missing=tuple(Missing(str(path), why) for path in lost))


def _named(path: Path, seen: str) -> bool:
    return str(path) in seen or path.name in seen


def machine_at(places: Places) -> Machine:
    """Return this machine, or the one that the evidence at ``places`` tells of."""
    from truelimit.adapters.bundle.read import read as bundle
    from truelimit.adapters.servers.ollama.read import read as ollama
    from truelimit.cli.this_machine import read as read_machine
    from truelimit.tables.identify import identified

    deadline = Deadline(0.0)
    readers: tuple[Reader, ...] = (bundle, ollama) if places.isolated else (read_machine,)
    found = [evidence.machine for read in readers if (evidence := read(places, deadline)).machine is not None]
    return identified(found[0] or UNKNOWN_MACHINE) if found else UNKNOWN_MACHINE


def served_stack(name: str, places: Places, given: Given, network_seconds: float) -> Stack | None:
    """Return the stack of a model that an Ollama server or store at ``places`` knows by this name, or None.

    It is the stack that the doctor looks at: with the server's settings, log and the calls of agents.
    """
    from truelimit.adapters.servers.ollama.read import read as ollama
    from truelimit.limits.names import same_model
    from truelimit.limits.stacks import stacks

    known = _guarded("Ollama", ollama, places, Deadline(network_seconds)).servers
    if not any(same_model(item.name, name) for server in known for item in server.definitions):
        return None
    facts = gather(places, given, network_seconds)
    for stack in stacks(facts):
        if stack.definition is not None and same_model(stack.definition.name, name):
            return stack
    for server in facts.servers:
        for item in server.definitions:
            if same_model(item.name, name):
                return Stack(item.name, None, None, server, item, item.header, facts.machine, published=facts.published)
    return None
