"""A machine as a plan asks for it: so many devices of its kind."""

from __future__ import annotations

from dataclasses import replace

from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.message import said


def with_devices(machine: Machine, count: int | None) -> Machine:
    """Return the machine with ``count`` of its devices; None leaves it as it is.

    Each has memory of its own kind and size: the first ones where it has more, copies of the last one where it has
    fewer. Main memory stays as it is. Raises ValueError where devices share one unified memory that cannot be copied.
    """
    own = [pool for pool in machine.pools if pool.kind is not PoolKind.RAM]
    if count is None or (count == len(own) and count == len(machine.accelerators)):
        return machine
    if not own:
        if count == 1:
            return machine
        raise ValueError(
            said(
                "{machine} has no accelerator with memory of its own to count",
                machine=machine.name or said("this machine"),
            )
        )
    rest = [pool for pool in machine.pools if pool.kind is PoolKind.RAM]
    pools = [own[min(index, len(own) - 1)] for index in range(count)]
    named = [replace(pool, name=f"{pool.name} {index}" if count > 1 else pool.name) for index, pool in enumerate(pools)]
    chips = machine.accelerators
    devices = tuple(chips[min(index, len(chips) - 1)] for index in range(count)) if chips else ()
    unified = own[0].kind is PoolKind.UNIFIED
    return replace(
        machine, pools=(*named, *rest), accelerators=devices, boxes=count if unified else machine.boxes, power=None
    )
