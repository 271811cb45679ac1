"""Join what all edges found into one picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.domain.facts import Facts
from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

if TYPE_CHECKING:
    from truelimit.app.ports import Evidence
    from truelimit.domain.agent import Timeout
    from truelimit.domain.measurements import Measurement
    from truelimit.domain.rates import PublishedRates


@dataclass(frozen=True, slots=True)
class Given:
    """What the user or the shipped tables add to the evidence."""

    machine: Machine | None = None
    proxies: tuple[Timeout, ...] = ()
    published: tuple[PublishedRates, ...] = ()
    live: bool = False
    measurements: tuple[Measurement, ...] = ()


def join(evidence: Iterable[Evidence], given: Given) -> Facts:
    """Return the facts of all evidence; a machine that the user named wins over one that was found."""
    parts = tuple(evidence)
    found = [part.machine for part in parts if part.machine is not None]
    machine = given.machine or (found[0] if found else UNKNOWN_MACHINE)
    missing = [item for part in parts for item in part.missing]
    if machine is UNKNOWN_MACHINE:
        missing.append(Missing(said("the machine's memory"), said("no evidence names it; give it with --machine")))
    return Facts(
        agents=tuple(item for part in parts for item in part.agents),
        servers=tuple(item for part in parts for item in part.servers),
        sessions=tuple(item for part in parts for item in part.sessions),
        models=tuple(item for part in parts for item in part.models),
        machine=machine,
        published=given.published,
        proxies=given.proxies,
        missing=tuple(dict.fromkeys(missing)),
        examined=tuple(dict.fromkeys(item for part in parts for item in part.examined)),
        live=given.live,
        measurements=given.measurements,
    )
