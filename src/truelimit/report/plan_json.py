"""A plan as JSON: the keys of the contract keep their names and meaning; new ones may be added."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from truelimit.app.plan_parts import Change, Drafts, ModelPlan, Outcome, Rate, Wait
from truelimit.domain.provenance import Missing
from truelimit.perf.placement_flags import placement_flags
from truelimit.report.as_json import calculation, dump

if TYPE_CHECKING:
    from truelimit.perf.energy import Energy
    from truelimit.perf.placement import Held, Placement
    from truelimit.perf.residency import Residency, Resident

PLAN = "truelimit.plan/1"


def plan(item: ModelPlan) -> str:
    """Return a plan as JSON text of schema truelimit.plan/1."""
    return dump(
        {
            "schema": PLAN,
            "model": item.model,
            "machine": item.machine,
            "native_context": item.native_context,
            "context": item.wanted.context,
            "beyond_native_context": item.beyond_native,
            "settings": asdict(item.settings),
            "memory": _memory(item),
            "placement": _placement(item.placement),
            "decode": _decode(item),
            "prefill": {"rate_at_0": rate(item.prefill_rate), "seconds": _seconds(item)},
            "drafting": _drafts(item.drafts),
            "largest_context": item.largest_context,
            "deadline": _deadline(item),
            "binding": _bound(item),
            "changes": [_change(change) for change in item.changes],
            "load_seconds": _wait(item.load),
            "restore_seconds": _wait(item.restore),
            "energy_joules": _energy(item.energy),
            "energy_missing": item.energy.why if isinstance(item.energy, Missing) else None,
            "residents": _residents(item.residents),
            "commands": [{"for": what, "command": command} for what, command in item.commands],
            "calculations": [calculation(calc) for calc in item.calculations],
            "machine_notes": list(item.machine_notes),
            "notes": [*item.need.notes, *item.notes, *(item.placement.notes if item.placement else ())],
        }
    )


def _decode(item: ModelPlan) -> list[dict[str, object]]:
    counted = item.decode_calculations or (None,) * len(item.decode)
    return [
        {"depth": depth, "rate": rate(value), "calculation": calculation(calc)}
        for (depth, value), calc in zip(item.decode, counted, strict=True)
    ]


def rate(value: Rate | None) -> dict[str, object] | None:
    """Return a rate as V of the contract, with what it rests on beside it; None where nothing is known."""
    if value is None:
        return None
    known: dict[str, object] = {"value": value.value, "low": value.low, "high": value.high, "basis": value.basis.value}
    return known | ({"tier": value.tier.value} if value.tier else {})


def _seconds(item: ModelPlan) -> dict[str, object] | None:
    if item.prefill_seconds is None:
        return None
    value, low, high, basis = item.prefill_seconds
    return rate(Rate(value, low, high, basis, item.prefill_tier))


def _memory(item: ModelPlan) -> dict[str, object]:
    need, room = item.need, item.room
    return {
        "weights_bytes": need.weights,
        "kv_cache_bytes": need.kv_cache,
        "state_bytes": need.state,
        "compute_bytes": need.compute,
        "total_bytes": item.total,
        "fits": item.fits,
        "headroom_bytes": room.headroom if room else None,
        "pool_bytes": room.pool if room else None,
        "pool": room.where if room else None,
        "prompt_cache_bytes": need.prompt_cache,
        "os_share_bytes": room.os_share if room else None,
    }


def _placement(placed: Placement | None) -> dict[str, object] | None:
    if placed is None:
        return None
    return {
        "mode": placed.mode.value,
        "fits": placed.fits,
        "blocks": placed.blocks,
        "devices": [_held(item) for item in placed.devices],
        "main_memory": _held(placed.host) if placed.host else None,
        "flags": list(placement_flags(placed)),
    }


def _held(item: Held) -> dict[str, object]:
    return {
        "name": item.place.name,
        "size_bytes": item.place.size.value,
        "first_block": item.first if item.last > item.first else None,
        "last_block": item.last - 1 if item.last > item.first else None,
        "experts_of_first_blocks": item.experts_of,
        "weights_bytes": item.weights,
        "kv_cache_bytes": item.kv_cache,
        "state_bytes": item.state,
        "compute_bytes": item.compute,
        "total_bytes": item.total,
        "headroom_bytes": item.left,
        "kept_free_bytes": item.place.kept_free,
    }


def _deadline(item: ModelPlan) -> dict[str, object] | None:
    if item.wanted.deadline is None:
        return None
    return {"seconds": item.wanted.deadline, "largest_prompt": item.deadline_prompt}


def _bound(item: ModelPlan) -> dict[str, object] | None:
    if item.bound is None:
        return None
    return {"name": item.bound.name, "usable_context": item.bound.usable, "limits": dict(item.bound.limits)}


def _change(item: Change) -> dict[str, object]:
    return {
        "change": item.title,
        "kind": item.kind.value,
        "cost": item.cost,
        "outcome": outcome(item.outcome),
        "own_decode_by_the_same_estimate": item.own_rate,
    }


def outcome(item: Outcome) -> dict[str, object]:
    """Return what a plan comes to, with units in the names."""
    return {
        "fits": item.fits,
        "headroom_bytes": item.headroom,
        "usable_context": item.usable,
        "largest_context": item.largest_context,
        "deadline_prompt": item.deadline_prompt,
        "prefill_seconds": item.prefill_seconds,
        "decode_tokens_per_s": item.decode_rate,
        "decode_tier": item.decode_tier.value if item.decode_tier else None,
    }


def _drafts(item: Drafts | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {"layers": item.layers, "rate": rate(item.rate), "calculation": calculation(item.calculation)}


def _wait(item: Wait | None) -> dict[str, object] | None:
    if item is None:
        return None
    counted = item.calculation
    known = {"value": item.seconds, "low": item.low, "high": item.high, "basis": counted.basis.value}
    return known | {"calculation": calculation(counted)}


def _energy(item: Energy | Missing | None) -> dict[str, object] | None:
    if item is None or isinstance(item, Missing):
        return None
    counted = item.calculation
    known = {"value": item.joules, "low": item.low, "high": item.high, "basis": counted.basis.value}
    return known | {"calculation": calculation(counted)}


def _residents(item: Residency | None) -> dict[str, object] | None:
    if item is None:
        return None

    return {
        "fits": item.fits,
        "total_bytes": item.total,
        "headroom_bytes": item.left,
        "kept": _named(item.kept),
        "evicted": _named(item.evicted),
    }


def _named(models: tuple[Resident, ...]) -> list[dict[str, object]]:
    return [{"model": model.name, "bytes": model.size} for model in models]
