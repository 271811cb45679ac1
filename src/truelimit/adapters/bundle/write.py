"""Writes a bundle: all evidence at the given places, without secrets and text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from truelimit import __version__
from truelimit.adapters.bundle import left_out
from truelimit.adapters.bundle.files import STATE, BundleFiles
from truelimit.adapters.bundle.forms import is_setting
from truelimit.adapters.bundle.machine import machine_json
from truelimit.adapters.bundle.named_files import write_logs, write_model_files, write_session_files
from truelimit.adapters.bundle.ollama_store import write_desktop, write_store
from truelimit.adapters.bundle.openclaw import write_openclaw
from truelimit.adapters.bundle.read import SCHEMA
from truelimit.adapters.bundle.read import read as read_bundle
from truelimit.adapters.bundle.recorded import Recorder
from truelimit.adapters.bundle.server_logs import lost_events, write_server_log
from truelimit.adapters.host.read import read_machine
from truelimit.adapters.servers.llama_server.read import read as read_llama_server
from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama.desktop import from_desktop
from truelimit.adapters.servers.ollama.live import ask
from truelimit.adapters.servers.ollama.logs import home_logs, read_logs
from truelimit.adapters.servers.ollama.read import outside_variables, store_folders, url_to_ask
from truelimit.app.ports import Deadline, Places
from truelimit.domain.message import said

_SERVER_LOG = re.compile(r"server(?:-\d{1,3})?\.log")


@dataclass(slots=True)
class Collected:
    """What a bundle holds and lacks. ``troubles`` name files of this machine: they are for its user alone."""

    kept: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    files: int = 0
    bytes: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether no evidence was found at all."""
        return not any(self.kept.values())


def write_bundle(places: Places, deadline: Deadline, root: Path) -> Collected:
    """Write all evidence at ``places`` into the empty folder ``root`` and return what was taken and left out.

    Live servers are asked within the deadline. Sources that cannot be read become troubles; raises OSError only where
    the bundle itself cannot be written.
    """
    files = BundleFiles(root)
    outside, _ = outside_variables(places)
    servers, served = _write_answers(places, outside, deadline, files)
    logs = _write_ollama_logs(places, files)
    kept: dict[str, int] = {
        said("servers that answered"): servers,
        said("installations of OpenClaw"): write_openclaw(places, files),
        said("logs of Ollama"): logs,
        said("models in Ollama's store"): sum(write_store(folder, files) for folder in _stores(places, outside)),
        said("files that you named"): len(places.logs) + len(places.sessions) + len(places.model_files),
    }
    write_desktop(from_desktop(places)[0], files)
    write_logs(places.logs, files)
    write_session_files(places.sessions, files)
    write_model_files((*places.model_files, *served), files)
    _write_environment(outside, files)
    _write_machine(places, deadline, files)
    files.json(f"{STATE}/bundle.json", {"schema": SCHEMA, "truelimit": __version__})
    files.text(left_out.NAME, left_out.page(files.redact))
    return Collected(
        kept, dict(sorted(files.redact.left_out.items())), files.troubles, len(files.written), files.size()
    )


def _write_answers(
    places: Places, outside: env.Environment, deadline: Deadline, files: BundleFiles
) -> tuple[int, tuple[Path, ...]]:
    """Record what live servers answer; return how many did, and the model files of this machine that they serve."""
    recorder = Recorder(files.redact)
    url = url_to_ask(places, outside)
    with recorder.listening():
        answered = ask(url, deadline).answered if url else False
        servers = read_llama_server(replace(places, logs=()), deadline).servers
    if recorder.answers:
        files.json(f"{STATE}/live.json", recorder.answers)
    headers = (item.header for server in servers for item in server.definitions)
    return answered + len(servers), tuple(Path(header.where) for header in headers if header is not None)


def _write_ollama_logs(places: Places, files: BundleFiles) -> int:
    count = 0
    for path in home_logs(places):
        name = path.name if _SERVER_LOG.fullmatch(path.name) else f"server-{count + 100}.log"
        folder = "AppData/Local/Ollama" if path.parent.name == "Ollama" else ".ollama/logs"
        log = write_server_log(path, f"{folder}/{name}", files)
        if log is None:
            files.redact.drop("files among the logs that are no server's log")
            continue
        count += 1
        files.redact.drop(
            "events of logs that could not be written anew", lost_events(log, files.place(f"{folder}/{name}"))
        )
    return count


def _stores(places: Places, outside: env.Environment) -> tuple[Path, ...]:
    folders = store_folders(places, read_logs(places), outside)
    return tuple(folder for folder in folders if (folder / "manifests").is_dir())


def _write_environment(outside: env.Environment, files: BundleFiles) -> None:
    """Write Ollama's limits among the variables; addresses and folders of this machine are not among them."""
    kept = {
        name: known.value
        for name, known in outside.items()
        if name not in {env.HOST, env.MODELS} and is_setting(known.value)
    }
    if kept:
        files.json(f"{STATE}/environment.json", kept)


def _write_machine(places: Places, deadline: Deadline, files: BundleFiles) -> None:
    """Write this machine; of a home that is examined in isolation its logs tell the machine."""
    edges = (read_machine, read_bundle)
    machine = next((found for edge in edges if (found := edge(places, deadline).machine) is not None), None)
    if machine is not None:
        files.json(f"{STATE}/machine.json", machine_json(machine, files.redact))
