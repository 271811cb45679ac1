"""Reads the log of a model server: Ollama with its own runner, Ollama with llama-server, or llama-server alone.

The three are told apart by content. Nothing of what users wrote is kept, and no value that may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import lru_cache
from pathlib import Path

from truelimit.adapters.files.server_log_dates import dated
from truelimit.adapters.files.server_log_fold import read_lines
from truelimit.adapters.files.server_log_loads import Loads
from truelimit.adapters.files.server_log_ollama import LoggedDevice, OllamaLines, SystemMemory, Tier
from truelimit.adapters.files.server_log_slog import slog_time
from truelimit.adapters.files.server_log_store import EventStore
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Engine, Event, ServerKind
from truelimit.units import Bytes

_SNIFF = 1 << 18
_OLLAMA = re.compile(
    rb"OLLAMA_HOST|\[GIN\] \d{4}/|msg=\"Listening on "
    rb"|source=(?:routes|sched|server|runner|images|llama_server|types)\.go:"
)
_LLAMA_SERVER = re.compile(
    rb"(?m)^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] (?:srv|slot|cmn|llama)|^(?:srv|slot) +\w+: "
    rb"|llama_model_loader: |main: server is "
)
_BUILD = re.compile(rb"build(?:_info)?: +(?:b(\d+)-(\w+)|(\d+) \((\w+)\))")
_SLOG = re.compile(rb"time=(\S+) level=")


@dataclass(frozen=True, slots=True)
class ServerLog:
    """What one log file tells.

    ``kind`` is None for a file that is no server's log. ``environment`` holds OLLAMA_* and LLAMA_ARG_* settings that
    cannot be secret. ``counts`` says how many events of each kind were read, ``left_out`` how many older ones (or
    lines, by their sort) are not among ``events``, ``damaged`` how many lines could not be read. ``address`` is where
    a llama-server said that it listens. ``templates`` tells by model which way prompts are rendered (it decides what
    overflow does).
    """

    where: str
    kind: ServerKind | None
    version: Known[str] | None = None
    engine: Engine | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_where: str = ""
    tier: Tier | None = None
    devices: tuple[LoggedDevice, ...] = ()
    system_memory: SystemMemory | None = None
    prompt_cache: Known[Bytes] | None = None
    unified_kv: Known[bool] | None = None
    address: str | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    invalid_options: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    damaged: int = 0
    missing: tuple[Missing, ...] = ()
    examined: tuple[str, ...] = ()


def read_server_log(path: Path) -> ServerLog:
    """Return what a log tells. Never raises for what it finds.

    ``kind`` is None when the content is not that of a model server; then ``missing`` says why only where the file
    could not be read.
    """
    try:
        status = path.stat()
        return _read_once(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        why = said(
            "cannot be read: {strerror}; make it readable or name another with --log", strerror=error.strerror or error
        )
        return ServerLog(str(path), None, missing=(Missing(said("server log {path}", path=path), why),))


@lru_cache(maxsize=16)
def _read_once(path: Path, _changed: int, _size: int) -> ServerLog:
    """Read a file once, though several edges ask what it is. Raises OSError."""
    if not path.is_file():
        raise OSError(said("it is not a regular file"))
    sample = _sample(path)
    kind = _kind(sample)
    return ServerLog(str(path), None) if kind is None else _read(path, kind, sample)


def _sample(path: Path) -> bytes:
    """Return the beginning and the end of the file: enough to know it by."""
    with path.open("rb") as file:
        head = file.read(_SNIFF)
        size = file.seek(0, 2)
        file.seek(max(len(head), size - _SNIFF))
        sample = head + file.read(_SNIFF)
    if sample.startswith(b"\xff\xfe"):
        return sample.decode("utf-16", "replace").encode("utf-8", "replace")
    return sample


def _kind(sample: bytes) -> ServerKind | None:
    if _OLLAMA.search(sample):
        return ServerKind.OLLAMA
    return ServerKind.LLAMA_SERVER if _LLAMA_SERVER.search(sample) else None


def _read(path: Path, kind: ServerKind, sample: bytes) -> ServerLog:
    is_ollama = kind is ServerKind.OLLAMA
    parts = read_lines(path, _offset(sample), is_ollama=is_ollama)
    for part in (parts.tasks, parts.loads, parts.failures):
        part.end()
    parts.store.damaged += parts.finder.damaged
    parts.store.left_out.update(parts.finder.left_out)
    return _log(path, kind, parts.store, parts.loads, parts.ollama, None if is_ollama else _build(path, sample))


def _log(
    path: Path, kind: ServerKind, store: EventStore, loads: Loads, ollama: OllamaLines, build: Known[str] | None
) -> ServerLog:
    is_ollama = kind is ServerKind.OLLAMA
    return ServerLog(
        where=str(path),
        kind=kind,
        version=ollama.version if is_ollama else build,
        engine=ollama.engine if is_ollama else Engine.LLAMA_SERVER,
        environment=ollama.environment,
        environment_where=ollama.environment_where,
        tier=ollama.tier,
        devices=tuple(ollama.devices.values()),
        system_memory=ollama.system_memory,
        prompt_cache=Known(*loads.prompt_cache, Basis.REPORTED) if loads.prompt_cache else None,
        unified_kv=Known(*loads.unified, Basis.REPORTED) if loads.unified else None,
        address=loads.address,
        templates=ollama.templates,
        invalid_options=tuple(sorted(ollama.invalid_options)),
        events=dated(store.events()) if is_ollama else store.events(),
        counts=dict(store.counts),
        left_out=dict(store.left_out),
        damaged=store.damaged,
        missing=_missing(path, store),
        examined=(str(path),),
    )


def _missing(path: Path, store: EventStore) -> tuple[Missing, ...]:
    """Return what of the log is not among the events: nothing is dropped in silence."""
    found = []
    if store.damaged:
        found.append(
            Missing(
                said("{damaged} lines of {path}", damaged=store.damaged, path=path),
                said("they are cut, damaged or too long to be read"),
            )
        )
    if store.left_out:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(store.left_out.items()))
        found.append(
            Missing(
                said("older events of {path}: {kinds}", path=path, kinds=kinds),
                said("only the newest of each kind are kept"),
            )
        )
    return tuple(found)


def _build(path: Path, sample: bytes) -> Known[str] | None:
    """Return llama-server's build (``b10434``), or None; builds outside the project's own call themselves b0."""
    found = _BUILD.search(sample)
    number = (found[1] or found[3]).decode() if found else "0"
    return None if number == "0" else Known(f"b{number}", str(path), Basis.REPORTED)


def _offset(sample: bytes) -> timedelta | None:
    """Return the offset from UTC that slog lines show: access lines carry local time without one."""
    found = _SLOG.search(sample)
    time = slog_time(found[1].decode("ascii", "replace")) if found else None
    return None if time is None or time.tzinfo is UTC else time.utcoffset()
