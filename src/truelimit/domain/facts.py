"""One immutable picture of everything that was examined, and the stacks in it."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.domain.agent import Agent, Route, Timeout
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Missing
from truelimit.domain.rates import PublishedRates
from truelimit.domain.server import Definition, Server
from truelimit.domain.session import Call, Session


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was read. ``proxies`` are timers that the user named; ``live`` says that servers were asked."""

    agents: tuple[Agent, ...] = ()
    servers: tuple[Server, ...] = ()
    sessions: tuple[Session, ...] = ()
    models: tuple[ModelHeader, ...] = ()
    machine: Machine = UNKNOWN_MACHINE
    published: tuple[PublishedRates, ...] = ()
    proxies: tuple[Timeout, ...] = ()
    missing: tuple[Missing, ...] = ()
    examined: tuple[str, ...] = ()
    live: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """One model as one agent reaches it: agent and route, server and definition, the machine, its calls.

    ``calls`` belong to this route only, in order of time. Any part may be None when it was not found.
    """

    model: str
    agent: Agent | None
    route: Route | None
    server: Server | None
    definition: Definition | None
    header: ModelHeader | None
    machine: Machine
    calls: tuple[Call, ...] = ()
    sessions: tuple[Session, ...] = ()
    published: tuple[PublishedRates, ...] = ()
    proxies: tuple[Timeout, ...] = ()
