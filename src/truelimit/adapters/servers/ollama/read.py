"""Ollama as evidence: what runs, what lies on disk, how it is set, what its logs tell."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama.address import url_of
from truelimit.adapters.servers.ollama.assemble import Parts, assemble, is_stale
from truelimit.adapters.servers.ollama.desktop import from_desktop
from truelimit.adapters.servers.ollama.live import Live, ask
from truelimit.adapters.servers.ollama.logs import Logs, journal_note, log_variables, read_logs
from truelimit.adapters.servers.ollama.machine_from_log import machine_from_log
from truelimit.adapters.servers.ollama.store import read_store
from truelimit.app.ports import Deadline, Evidence, Places
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Missing

SERVICE_MODELS = Path("/usr/share/ollama/.ollama/models")


def read(places: Places, deadline: Deadline, *, units: Path = env.UNITS, service: Path = SERVICE_MODELS) -> Evidence:
    """Return the Ollama at ``places`` as evidence: at most one server. Never raises for what it finds.

    ``units`` and ``service`` are where systemd's files and the service's store lie; they count when not isolated.
    """
    outside, gaps = outside_variables(places, units)
    url = url_to_ask(places, outside)
    live = ask(url, deadline) if url else Live(url="")
    # The files of this machine say nothing of a server on another one; a bundle's files belong to what was named.
    is_here = places.isolated or url is None or is_this_machine(url)
    logs = read_logs(places, with_home=is_here)
    slider, slider_gaps, slider_files = from_desktop(places) if is_here else ({}, (), ())
    folders = store_folders(places, logs, outside, service) if is_here else ()
    stores = tuple(read_store(folder) for folder in folders)
    variables = _variables(live, logs, env.merged(outside, slider) if is_here else {})
    gaps = (
        *live.missing,
        *(gap for store in stores for gap in store.missing),
        *logs.missing,
        *gaps,
        *slider_gaps,
        *(journal_note(places, units) if is_here and not logs.logs else ()),
    )
    examined = (
        *((live.url,) if live.answered else ()),
        *(name for store in stores for name in store.examined),
        *logs.examined,
        *slider_files,
    )
    return _evidence(places, Parts(live, stores, logs, variables, url), gaps, examined)


def is_this_machine(url: str) -> bool:
    """Return whether the address is loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _evidence(places: Places, parts: Parts, gaps: tuple[Missing, ...], examined: tuple[str, ...]) -> Evidence:
    if not parts.is_something:
        return Evidence(missing=gaps, examined=examined)
    server, unknown = assemble(parts)
    log = parts.logs.newest
    machine = machine_from_log(log) if log is not None and places.isolated else None
    return Evidence(servers=(server,), machine=machine, missing=(*gaps, *unknown), examined=examined)


def outside_variables(places: Places, units: Path = env.UNITS) -> tuple[env.Environment, tuple[Missing, ...]]:
    """Return the variables that are written outside the home: those of the service win over the shell's.

    Of a bundle they are those that it recorded.
    """
    if places.isolated:
        return env.named(places.environment, said("environment that the bundle recorded"), Basis.ASSUMED), ()
    service, gaps = env.from_systemd(units)
    return env.merged(service, env.from_shell(places)), gaps


def url_to_ask(places: Places, outside: env.Environment) -> str | None:
    """Return the address to ask, or None: a bundle is not asked unless an address was named with it."""
    if places.ollama:
        return url_of(places.ollama).removesuffix("/v1").removesuffix("/api")
    if places.isolated:
        return None
    host = outside.get(env.HOST)
    return url_of(host.value if host else None)


def store_folders(
    places: Places, logs: Logs, outside: env.Environment, service: Path = SERVICE_MODELS
) -> tuple[Path, ...]:
    """Return the stores of this machine, the one that log or variables name first; in a bundle only the home's."""
    folders = [places.home / ".ollama" / "models"]
    if not places.isolated:
        chosen = env.merged(log_variables(logs.newest), outside).get(env.MODELS)
        folders = [*([Path(chosen.value)] if chosen else []), *folders, service]
    return tuple(dict.fromkeys(folders))


def _variables(live: Live, logs: Logs, others: env.Environment) -> env.Environment:
    """Return the variables in force: the log of the server that really ran comes first."""
    log = logs.newest
    return env.merged(log_variables(log, keep_defaults=not is_stale(live, log)), others)
