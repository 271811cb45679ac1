"""What a plan has to say beside its numbers: what its rates rest on, and what of the wish means nothing here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.machine import PoolKind
from truelimit.domain.message import said
from truelimit.limits.rates_at import held_back

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Wanted
    from truelimit.domain.machine import Machine
    from truelimit.domain.provenance import Known
    from truelimit.limits.paces import Reading, Writing
    from truelimit.units import Tokens


def notes(
    machine: Machine, native: Known[Tokens] | None, wanted: Wanted, reads: Reading | None, writes: Writing | None
) -> tuple[str, ...]:
    """Return the notes of a plan, each once."""
    found = [*(reads.notes if reads else ()), *(writes.notes if writes else ())]
    found += held_back(writes, wanted.context) if writes else ()
    if native is not None and wanted.context > native.value:
        found.append(
            said(
                "the model was trained for {native:,} tokens: what lies beyond is memory without use",
                native=native.value,
            )
        )
    return tuple(dict.fromkeys([*found, *_offload(machine, wanted)]))


def _offload(machine: Machine, wanted: Wanted) -> Iterator[str]:
    """Why asking for a part in main memory changes nothing, where it does not."""
    kinds = {pool.kind for pool in machine.pools}
    if not wanted.offload or not kinds or kinds >= {PoolKind.VRAM, PoolKind.RAM}:
        return
    if PoolKind.VRAM in kinds:
        yield said("a part in main memory changes nothing here: how much main memory there is beside is not known")
    else:
        yield said("a part in main memory changes nothing here: no accelerator has memory of its own")
