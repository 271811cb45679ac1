"""Homes with an OpenClaw configuration, and the agent that is read from them."""

from __future__ import annotations

import json
from pathlib import Path

from truelimit.adapters.agents.openclaw.agent import read_agent
from truelimit.adapters.agents.openclaw.places import installations
from truelimit.app.ports import Evidence, Places
from truelimit.domain.agent import Agent, Route, Timeout

FEB = "2026.2.17"
SEP = "2026.9.6"


def write_home(home: Path, config: object, version: str | None = None, folder: str = ".openclaw") -> Path:
    """Write a configuration (a text as it is, anything else as JSON with the version stamped) and return its file."""
    file = home / folder / "openclaw.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(config, dict) and version is not None:
        config = {**config, "meta": {"lastTouchedVersion": version}}
    file.write_text(config if isinstance(config, str) else json.dumps(config, indent=2), encoding="utf-8")
    return file


def evidence(home: Path, **environment: str) -> Evidence:
    """Return what the first installation's configuration gives."""
    found = installations(Places(home, isolated=not environment, environment=environment))
    return read_agent(found[0], isolated=True)


def agent(home: Path, config: object, version: str | None = None) -> Agent:
    """Return the agent of a configuration written into ``home``."""
    write_home(home, config, version)
    return evidence(home).agents[0]


def ollama(models: list[dict[str, object]] | None = None, **more: object) -> dict[str, object]:
    """Return a configuration with an Ollama provider and the primary model ``ollama/m``."""
    provider = {"baseUrl": "http://127.0.0.1:11434", "api": "ollama", "models": models or [], **more}
    return {
        "models": {"providers": {"ollama": provider}},
        "agents": {"defaults": {"model": {"primary": "ollama/m"}}},
    }


def entry(**more: object) -> dict[str, object]:
    """Return a model entry with the id ``m``."""
    return {"id": "m", "name": "M", **more}


def route(home: Path, config: object, version: str | None = None, ref: str | None = None) -> Route:
    """Return the route of the primary model, or of ``ref``."""
    routes = agent(home, config, version).routes
    return next(item for item in routes if (item.is_primary if ref is None else item.ref == ref))


def timers(found: Route) -> dict[str, Timeout]:
    """Return the timers of a route by name."""
    return {timeout.name: timeout for timeout in found.timeouts}
