"""How fast data goes between main memory and a card: what the link is told to carry, and what copies reach of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import BytesPerSecond, from_gb_per_s

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine
    from truelimit.units import Bytes

# What joins cards or boxes among themselves says nothing of the way to main memory.
_AMONG_CARDS = re.compile(r"nvlink|nvswitch|infinity|xe link|ethernet|gbe|infiniband|connectx|rdma", re.IGNORECASE)
# 16 lanes x 16 GT/s x 128/130 / 8: the link of most desktops since 2020.
_USUAL = Known(
    from_gb_per_s(31.5), said("assumed, since none is told: PCIe 4.0 with 16 lanes, 31.5 GB/s"), Basis.ASSUMED
)
# Drivers' copies reach about 80 %: 25 of the 31.5 GB/s of PCIe 4.0 with 16 lanes.
_SHARE = 0.8
_SHARE_SOURCE = said("what drivers' copies reach of a link")


def host_link(machine: Machine) -> Known[BytesPerSecond]:
    """Return what the link between main memory and a card carries in one direction: the machine's own where told."""
    link = machine.link
    if link is None or machine.boxes > 1 or _AMONG_CARDS.search(link.name):
        return _USUAL
    where = said("{link}: {where}", link=link.name, where=link.bandwidth.where)
    return Known(link.bandwidth.value, where, link.bandwidth.basis)


def copy_rate(machine: Machine) -> float:
    """Return what copies between main memory and a card reach, in bytes per second."""
    return host_link(machine).value * _SHARE


def copy_calculation(machine: Machine, name: str, size: Known[Bytes]) -> Calculation:
    """Return the seconds to copy so many bytes between main memory and a card; ``name`` is the term of the bytes."""
    link = host_link(machine)
    return calculate(
        f"{name} / (link * link_share)",
        "s",
        Term(name, size.value, "bytes", size.where, size.basis),
        Term("link", link.value, "bytes/s", link.where, link.basis),
        Term("link_share", _SHARE, "", _SHARE_SOURCE, Basis.ASSUMED),
    )
