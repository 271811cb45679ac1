"""One immutable picture of everything that was examined, and the stacks in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine

if TYPE_CHECKING:
    from truelimit.domain.agent import Agent, Route, Timeout
    from truelimit.domain.estimates import Estimate, RateCase
    from truelimit.domain.measurements import Measurement
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.provenance import Missing
    from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
    from truelimit.domain.server import Definition, Server
    from truelimit.domain.session import Call, Session


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was read. ``proxies`` are timers that the user named; ``live`` says that servers were asked.

    ``measurements`` are kept runs of ``truelimit bench``, of whatever stack.
    """

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
    measurements: tuple[Measurement, ...] = ()


class Estimator(Protocol):
    """Estimates of speed from physics and a calibration. Each raises ValueError where a case cannot be estimated."""

    def decode(self, case: RateCase, depth: int, tokens: int) -> Estimate:
        """Return tokens/s while ``tokens`` are written after ``depth`` others."""
        ...

    def prefill(self, case: RateCase, tokens: int, depth: int) -> Estimate:
        """Return tokens/s while a prompt of ``tokens`` is read after ``depth`` others."""
        ...

    def decode_fit(self, case: RateCase) -> DecodeFit:
        """Return the two costs of a written token."""
        ...

    def prefill_fit(self, case: RateCase) -> PrefillFit:
        """Return the two costs of a prompt."""
        ...


@dataclass(frozen=True, slots=True)
class Stack:
    """One model as one agent reaches it: agent and route, server and definition, the machine, its calls.

    ``calls`` belong to this route only, in order of time. Any part may be None when it was not found.
    ``measurements`` are kept runs of benchmarks, of whatever stack. ``estimator`` tells speed where nothing was
    measured, on ``backend`` (None: the first that the device has), over devices split by ``split``.
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
    measurements: tuple[Measurement, ...] = ()
    estimator: Estimator | None = None
    backend: str | None = None
    split: str = "layer"
