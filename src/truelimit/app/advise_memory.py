"""The machine of today with more main memory: where its cards are too small, that may do what a machine would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from truelimit.advice.done import held
from truelimit.advice.nouns import Candidate
from truelimit.advice.profile import Profile
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Bytes, from_gib

_TIMES = (2, 4)
_MOST = from_gib(256)  # assumed: what a desktop board with four slots takes


def with_more_memory(
    today: Candidate, machine: Machine, profile: Profile, perform: Callable[[Candidate, Machine], Candidate]
) -> Candidate | None:
    """Return the machine of today with two or four times its main memory, the least that holds more of the work.

    None where it has no main memory beside cards, or where more would hold no more. ``perform`` plans the profile on a
    machine. The rate of its main memory is taken as it is.
    """
    ram, cards = machine.pool(PoolKind.RAM), machine.pool(PoolKind.VRAM)
    if ram is None or cards is None:
        return None
    for times in _TIMES:
        size = Bytes(ram.capacity.value * times)
        if size > _MOST:
            return None
        found = perform(replace(today, main_memory=size), _with_ram(machine, ram, size))
        if held(found, profile) > held(today, profile):
            return found
    return None


def _with_ram(machine: Machine, ram: MemoryPool, size: Bytes) -> Machine:
    larger = replace(
        ram, capacity=Known(size, said("assumed: more main memory"), Basis.ASSUMED), usable=None, free=None
    )
    return replace(machine, pools=tuple(larger if pool is ram else pool for pool in machine.pools))
