"""A llama-server as its log shows it, and a log that belongs to a server that answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from truelimit.adapters.servers.llama_server.model_file import header_at
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Definition, Engine, ModelLoaded, Server, ServerKind, ServerSettings

if TYPE_CHECKING:
    from truelimit.adapters.files.server_log import ServerLog

T = TypeVar("T")


def server_of(log: ServerLog, *, with_files: bool) -> tuple[Server, tuple[Missing, ...]]:
    """Return the server that a log shows, by its last load, and what could not be had."""
    load = last_load(log)
    definitions: tuple[Definition, ...] = ()
    missing: tuple[Missing, ...] = ()
    if load is not None and load.model is not None:
        header, missing = header_at(Path(load.model)) if with_files else (None, ())
        definitions = (Definition(name=load.model, where=load.where, header=header),)
    server = Server(
        kind=ServerKind.LLAMA_SERVER,
        name=log.where,
        version=log.version,
        engine=Engine.LLAMA_SERVER,
        settings=_settings(log, load),
        definitions=definitions,
        events=log.events,
    )
    return server, missing


def last_load(log: ServerLog) -> ModelLoaded | None:
    """Return the last load of the log, or None."""
    return next((event for event in reversed(log.events) if isinstance(event, ModelLoaded)), None)


def is_log_of(log: ServerLog, server: Server) -> bool:
    """Return whether the log is that of this live server: same port, else the same model file."""
    if log.address is not None and server.url is not None:
        return _port(log.address) == _port(server.url)
    load = last_load(log)
    if load is None or load.model is None:
        return False
    return any(_base(load.model) == _base(definition.name) for definition in server.definitions)


def merged(live: Server, logs: Sequence[ServerLog]) -> Server:
    """Return the live server with the settings and events that its logs add; what it says itself stands."""
    settings, events = live.settings, list(live.events)
    for log in logs:
        settings = _filled(settings, _settings(log, last_load(log)))
        events += log.events
    return replace(live, settings=settings, events=tuple(events), version=live.version or logs[-1].version)


def _settings(log: ServerLog, load: ModelLoaded | None) -> ServerSettings:
    if load is None:
        return ServerSettings(prompt_cache=log.prompt_cache, unified_kv=log.unified_kv)
    where = load.where
    return ServerSettings(
        parallel=_known(load.slots, where),
        unified_kv=log.unified_kv,
        kv_type=_known(load.kv_type, where),
        kv_type_v=_known(load.kv_type_v, where),
        flash_attention=_known(load.flash_attention, where),
        batch=_known(load.batch, where),
        ubatch=_known(load.ubatch, where),
        prompt_cache=log.prompt_cache,
    )


def _known(value: T | None, where: str) -> Known[T] | None:
    return None if value is None else Known(value, where, Basis.REPORTED)


def _filled(settings: ServerSettings, more: ServerSettings) -> ServerSettings:
    """Return the settings with those that were not known taken from the other."""
    found = {item.name: getattr(more, item.name) for item in fields(more) if getattr(settings, item.name) is None}
    return replace(settings, **found)


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _base(path: str) -> str:
    return PurePosixPath(PureWindowsPath(path).as_posix()).name
