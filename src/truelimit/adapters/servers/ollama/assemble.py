"""One server of all that was found of an Ollama."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama import eras
from truelimit.adapters.servers.ollama.address import url_of
from truelimit.adapters.servers.ollama.merge import merged_definitions
from truelimit.adapters.servers.ollama.models import by_model
from truelimit.adapters.servers.ollama.settings import Background, settings
from truelimit.adapters.servers.ollama.tier import tier_of_log
from truelimit.domain.message import said
from truelimit.domain.provenance import Known, Missing
from truelimit.domain.server import Definition, Engine, Loaded, Server, ServerKind, ServerSettings

if TYPE_CHECKING:
    from truelimit.adapters.files.server_log import ServerLog
    from truelimit.adapters.servers.ollama.live import Live
    from truelimit.adapters.servers.ollama.logs import Logs
    from truelimit.adapters.servers.ollama.store import Stored


@dataclass(frozen=True, slots=True)
class Parts:
    """What was found of one Ollama. ``url`` is the address that was asked, None when none was."""

    live: Live
    stores: tuple[Stored, ...]
    logs: Logs
    variables: env.Environment
    url: str | None

    @property
    def is_something(self) -> bool:
        """Whether there is any trace of a server."""
        return self.live.answered or bool(self.logs.logs) or any(store.definitions for store in self.stores)


def assemble(parts: Parts) -> tuple[Server, tuple[Missing, ...]]:
    """Return the server, and what could not be known of it or is contradictory."""
    log = parts.logs.newest
    version, no_version = _version(parts.live, log)
    definitions, contradictions = merged_definitions(parts.live, parts.stores)
    text = version.value if version else None
    tier = tier_of_log(log, text, parts.variables)
    background = Background(text, _engine(parts.live, text, log), tier, definitions)
    in_force, unknown = settings(parts.variables, background)
    in_force = _as_logged(in_force, log)
    server = Server(
        kind=ServerKind.OLLAMA,
        name=parts.live.url if parts.live.answered else _traces(parts),
        url=parts.url or _logged_url(log),
        version=version,
        engine=background.engine,
        live=parts.live.answered,
        settings=in_force,
        definitions=tuple(by_model(item, parts.variables, background, in_force) for item in definitions),
        loaded=tuple(_with_definition(item, definitions, in_force) for item in parts.live.loaded),
        events=parts.logs.events,
    )
    return server, (*no_version, *contradictions, *unknown)


def is_stale(live: Live, log: ServerLog | None) -> bool:
    """Return whether the log is of another version than the server that runs."""
    return bool(live.version and log and log.version and live.version.value != log.version.value)


def _version(live: Live, log: ServerLog | None) -> tuple[Known[str] | None, tuple[Missing, ...]]:
    known = live.version or (log.version if log else None)
    if known is None:
        return None, (Missing(said("version of Ollama"), said("no server answers, and no log names it")),)
    missing: list[Missing] = []
    if eras.parse_version(known.value) is None:
        why = said(
            "{where}: {known!r} is no release; defaults of its code are not known",
            where=known.where,
            known=known.value[:40],
        )
        missing.append(Missing(said("version of Ollama"), why))
    if is_stale(live, log) and log and log.version:
        why = said(
            "{where} is of {version}, {known} runs: settings may have changed since",
            where=log.version.where,
            version=log.version.value,
            known=known.value,
        )
        missing.append(Missing(said("log of the Ollama that runs"), why))
    return known, tuple(missing)


def _engine(live: Live, version: str | None, log: ServerLog | None) -> Engine | None:
    """Return the engine by version, else by the shape of the answers, else by what the log shows."""
    return eras.era(version) or live.engine or (log.engine if log else None)


def _as_logged(in_force: ServerSettings, log: ServerLog | None) -> ServerSettings:
    """Return the settings with what the engine itself said at its last load."""
    if log is None:
        return in_force
    return replace(
        in_force,
        prompt_cache=log.prompt_cache or in_force.prompt_cache,
        unified_kv=log.unified_kv or in_force.unified_kv,
    )


def _traces(parts: Parts) -> str:
    """Return the place of the traces of a server that was not asked or did not answer."""
    stores = [name for store in parts.stores for name in store.examined]
    return (stores or list(parts.logs.examined) or ["Ollama"])[0]


def _logged_url(log: ServerLog | None) -> str | None:
    host = log.environment.get(env.HOST) if log else None
    return url_of(host) if host else None


def _with_definition(loaded: Loaded, definitions: tuple[Definition, ...], in_force: ServerSettings) -> Loaded:
    """Return the loaded model with what its definition and the server's settings add."""
    header = next((item.header for item in definitions if item.name == loaded.name), None)
    native = header.native_context if header else None
    return replace(loaded, native_context=native, slots=in_force.parallel)
