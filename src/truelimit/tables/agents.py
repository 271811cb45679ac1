"""When agents whose configuration is not read give up by themselves, with the version and the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truelimit.domain.agent import AgentDefaults, Timeout
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.tables import files
from truelimit.tables.fields import known_keys, number, rows, text, whole
from truelimit.units import Seconds

_FILE = "agents.toml"
_KEYS = {"id", "name", "version", "first_byte_s", "whole_s", "attempts", "source"}
_MOST = 86_400  # s


def agent_defaults() -> tuple[AgentDefaults, ...]:
    """Return how long each agent of the table waits, and how often it tries. Raises TableError for a bad row."""
    table = files.row("", _FILE.removesuffix(".toml")) or {}
    known_keys(_FILE, table, {"agent"})
    return tuple(_defaults(row) for row in rows(_FILE, table, "agent"))


def _defaults(row: Mapping[str, Any]) -> AgentDefaults:
    known_keys(_FILE, row, _KEYS)
    name, version, source = (text(_FILE, row, key) for key in ("name", "version", "source"))
    where = said("default of {agent} {version} ({source})", agent=name, version=version, source=source)
    basis = Basis.MEASURED if source.startswith("measured") else Basis.SPECIFIED
    timers = tuple(
        Timeout(f"{row['id']}: {key}", Known(seconds, where, basis), SetBy.AGENT_DEFAULT, bounds)
        for key, bounds in (("first_byte_s", "headers"), ("whole_s", "request"))
        if key in row and (seconds := Seconds(number(_FILE, row, key, most=_MOST)))
    )
    tries = whole(_FILE, row, "attempts", most=100) if "attempts" in row else 1
    return AgentDefaults(text(_FILE, row, "id"), name, version, timers, Known(tries, where, basis))
