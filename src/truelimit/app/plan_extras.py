"""What a plan says beside memory and rates: loading, old conversations, energy, other models in the same memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.app.machines import rated_power
from truelimit.app.plan_parts import Drafts, ModelPlan, Rate, Wait
from truelimit.domain.calculation import Term, calculate
from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing, worst
from truelimit.limits.host_link import copy_calculation
from truelimit.limits.rate_case import rate_case
from truelimit.perf.energy import Energy, energy_of_answer
from truelimit.perf.load_time import load_calculation, load_interval, restore_calculation
from truelimit.perf.rates.speculation import speculation_gain
from truelimit.perf.residency import Residency, Resident, residency
from truelimit.units import Bytes, BytesPerSecond, to_gb_per_s

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack


def load(made: ModelPlan, disk: Known[BytesPerSecond]) -> Wait:
    """Return how long a cold load takes: all weights once from the drive."""
    weights = Known(made.need.weights, said("the weights above"), made.need.calculation.basis)
    counted = load_calculation(weights, disk, None)
    low, high = load_interval(float(counted.result), disk)
    return Wait(float(counted.result), low, high, counted)


def restore(made: ModelPlan, machine: Machine) -> Wait | None:
    """Return how long it takes to bring a whole context back from the server's prompt cache; None without one.

    A conversation larger than that cache is not kept at all, so it is read anew.
    """
    kept = made.need.kv_cache + made.need.state
    if not made.need.prompt_cache or kept > made.need.prompt_cache:
        return None
    stored = Known(Bytes(kept), said("KV cache and state above"), Basis.DERIVED)
    within = _half_of_memory(machine)
    if machine.pool(PoolKind.VRAM):
        counted = copy_calculation(machine, "cache", stored)
    elif within is not None:
        counted = restore_calculation(stored, within)
    else:
        return None
    return Wait(float(counted.result), float(counted.result) / 2, float(counted.result) * 4, counted)


def _half_of_memory(machine: Machine) -> Known[BytesPerSecond] | None:
    """A copy within one memory reads and writes it: half of its bandwidth."""
    device = machine.accelerators[0] if machine.accelerators else None
    told = device.bandwidth if device else None
    if told is None:
        return None
    return Known(
        BytesPerSecond(told.value / 2), said("half of {where}", where=told.where), worst((told.basis, Basis.ASSUMED))
    )


def drafts(made: ModelPlan, planned: Stack) -> Drafts | None:
    """Return what the layers for drafting that a model brings would gain (multi-token prediction); None without any."""
    layers = planned.header.get("nextn_predict_layers") if planned.header else None
    case, plain = rate_case(planned), made.decode[0][1]
    if not isinstance(layers, int) or layers < 1 or case is None or plain is None or made.fits is False:
        return None
    gain = speculation_gain(case)
    counted = calculate(
        "tokens_a_pass * rate",
        "tokens/s",
        Term("tokens_a_pass", gain.usual, "", gain.source, Basis.REPORTED),
        Term("rate", round(plain.value, 2), "tokens/s", said("the rate of writing at depth 0, above"), plain.basis),
    )
    rate = Rate(float(counted.result), plain.low * gain.least, plain.high * gain.most, Basis.ASSUMED)
    return Drafts(layers, rate, counted, gain.source)


def energy(made: ModelPlan, machine: Machine, answer: int) -> Energy | Missing:
    """Return the energy of one answer after a prompt that fills the context, or why it is not known."""
    power, rate = rated_power(machine), made.decode[-1][1]
    if power is None:
        return Missing("energy", said("the rated power of this machine is not known"))
    if rate is None or made.prefill_seconds is None:
        return Missing("energy", said("how fast it reads and writes is not known"))
    where = said("{context:,} tokens read and {answer:,} written", context=made.wanted.context, answer=answer)
    writing = Known(rate.value, said("the rate of writing at full depth, above"), rate.basis)
    count = 1 if made.wanted.split == "tensor" else max(1, len(machine.accelerators))
    return energy_of_answer(power, made.prefill_seconds[0], answer, writing, where, count)


def residents(made: ModelPlan, others: tuple[tuple[str, int | None], ...]) -> Residency | None:
    """Return which models stay loaded together, this one loaded last; None where nothing is asked or known.

    Each of the others comes with its name and what it takes, in bytes. Over several devices the room is what they
    hold of this model as it is placed.
    """
    if not others or made.room is None:
        return None
    found = [Resident(name, size) for name, size in others if size is not None]
    return residency([*found, Resident(made.model, made.total)], made.room.pool)


def of_boxes(machine: Machine) -> tuple[str, ...]:
    """Return what is to know of machines that are joined: by what, and what the table notes of them."""
    if machine.boxes < 2:
        return ()
    link = machine.link
    joined = (
        said(
            "{boxes} boxes, joined by {link} of {rate:,.4g} GB/s each way ({where})",
            boxes=machine.boxes,
            link=link.name,
            rate=to_gb_per_s(link.bandwidth.value),
            where=link.bandwidth.where,
        )
        if link is not None
        else said(
            "what joins the {boxes} boxes is not told: the rates leave out the time between them", boxes=machine.boxes
        )
    )
    return (joined, *(said("of this machine: {note}", note=note) for note in machine.notes))
