"""What the edges must offer to the use cases, and what the use cases hand to them."""

from __future__ import annotations

import time
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.agent import Agent
    from truelimit.domain.machine import Machine
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.provenance import Missing
    from truelimit.domain.server import Server
    from truelimit.domain.session import Session


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look.

    ``home`` is the person's home folder. ``isolated``: only what lies under ``home`` and what the other fields name
    is examined: no live server, no environment, no memory of this machine (the contract of ``--home``).
    ``environment`` is the process environment to honour (empty when isolated). ``ollama`` and ``servers`` are URLs
    that the user named; an empty ``ollama`` with ``isolated`` False means the usual address.
    ``logs``, ``sessions`` and ``model_files`` are extra files, told apart by content.
    """

    home: Path
    isolated: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    ollama: str | None = None
    servers: tuple[str, ...] = ()
    logs: tuple[Path, ...] = ()
    sessions: tuple[Path, ...] = ()
    model_files: tuple[Path, ...] = ()


class Deadline:
    """A bound on the time of all network work together."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one edge found: parts of the picture, what it looked at, and what it could not have."""

    agents: tuple[Agent, ...] = ()
    servers: tuple[Server, ...] = ()
    sessions: tuple[Session, ...] = ()
    models: tuple[ModelHeader, ...] = ()
    machine: Machine | None = None
    missing: tuple[Missing, ...] = ()
    examined: tuple[str, ...] = ()


class Reader(Protocol):
    """An edge that looks at one kind of thing. It never raises for what it finds: it reports it as missing."""

    def __call__(self, places: Places, deadline: Deadline) -> Evidence:
        """Return what was found at ``places``, ending within ``deadline`` where the network is asked."""
        ...
