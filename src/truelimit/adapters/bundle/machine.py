"""The machine in a bundle: its memory, chip and system as JSON. The machine's own name is not among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truelimit.adapters.bundle.redact import Redactor
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Bytes

_LARGEST = 2**60
_MOST_POOLS = 64


def machine_json(machine: Machine, redact: Redactor) -> dict[str, Any]:
    """Return a machine as JSON; sizes in bytes, each with source and basis."""
    return {
        "chip": _known(machine.chip, redact),
        "operating_system": _known(machine.operating_system, redact),
        "swap_used": _known(machine.swap_used, redact),
        "pools": [
            {
                "name": redact.title(pool.name) or pool.kind.value,
                "kind": pool.kind.value,
                **{key: _known(getattr(pool, key), redact) for key in ("capacity", "usable", "free")},
            }
            for pool in machine.pools
        ],
    }


def _known(known: Known[Any] | None, redact: Redactor) -> dict[str, Any] | None:
    if known is None:
        return None
    value = redact.title(known.value) if isinstance(known.value, str) else known.value
    return {"value": value, "where": known.where, "basis": known.basis.value}


def machine_of(value: object) -> Machine | None:
    """Return the machine that such JSON describes, or None where it is no such JSON."""
    if not isinstance(value, dict) or not isinstance(value.get("pools"), list):
        return None
    pools = tuple(pool for item in value["pools"][:_MOST_POOLS] if (pool := _pool(item)) is not None)
    chip, system = _text(value.get("chip")), _text(value.get("operating_system"))
    return Machine(None, chip, system, pools, _size(value.get("swap_used")))


def _pool(value: object) -> MemoryPool | None:
    item: Mapping[str, object] = value if isinstance(value, dict) else {}
    capacity, name, kind = _size(item.get("capacity")), item.get("name"), item.get("kind")
    if capacity is None or not isinstance(name, str) or kind not in set(PoolKind):
        return None
    return MemoryPool(name[:80], PoolKind(str(kind)), capacity, _size(item.get("usable")), _size(item.get("free")))


def _size(value: object) -> Known[Bytes] | None:
    found = _parts(value)
    number = found[0] if found else None
    if found is None or isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < _LARGEST:
        return None
    return Known(Bytes(number), found[1], found[2])


def _text(value: object) -> Known[str] | None:
    found = _parts(value)
    if found is None or not isinstance(found[0], str) or not found[0]:
        return None
    return Known(found[0][:80], found[1], found[2])


def _parts(value: object) -> tuple[object, str, Basis] | None:
    item: Mapping[str, object] = value if isinstance(value, dict) else {}
    where, basis = item.get("where"), item.get("basis")
    if not isinstance(where, str) or basis not in set(Basis):
        return None
    return item.get("value"), where[:200], Basis(str(basis))
