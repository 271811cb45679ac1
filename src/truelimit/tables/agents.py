"""When agents give up by themselves, timer by timer, with the version that was looked at and the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truelimit.domain.agent import AgentDefaults, AgentTimer, Timeout
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.tables import files
from truelimit.tables.fields import known_keys, number, one_of, rows, text, whole
from truelimit.units import Seconds

_FILE = "agents.toml"
_KEYS = {"id", "name", "version", "timer"}
_TIMER_KEYS = {"name", "bounds", "seconds", "attempts", "source"}
_BOUNDS = ("headers", "events", "request")
_MOST = 86_400  # s


def agent_defaults() -> tuple[AgentDefaults, ...]:
    """Return how long each agent of the table waits, and how often it tries. Raises TableError for a bad row."""
    table = files.row("", _FILE.removesuffix(".toml")) or {}
    known_keys(_FILE, table, {"agent"})
    return tuple(_defaults(row) for row in rows(_FILE, table, "agent"))


def _defaults(row: Mapping[str, Any]) -> AgentDefaults:
    known_keys(_FILE, row, _KEYS)
    agent, name, version = (text(_FILE, row, key) for key in ("id", "name", "version"))
    timers = rows(_FILE, row, "timer") if "timer" in row else []
    return AgentDefaults(agent, name, version, tuple(_timer(name, version, item) for item in timers))


def _timer(agent: str, version: str, row: Mapping[str, Any]) -> AgentTimer:
    known_keys(_FILE, row, _TIMER_KEYS)
    source = text(_FILE, row, "source")
    where = said("default of {agent} {version} ({source})", agent=agent, version=version, source=source)
    basis = Basis.MEASURED if source.startswith("measured") else Basis.SPECIFIED
    seconds = Known(Seconds(number(_FILE, row, "seconds", most=_MOST)), where, basis)
    timer = Timeout(text(_FILE, row, "name"), seconds, SetBy.AGENT_DEFAULT, one_of(_FILE, row, "bounds", _BOUNDS))
    return AgentTimer(timer, Known(whole(_FILE, row, "attempts", most=100), where, basis))
