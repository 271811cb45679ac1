"""Kept measurements as rates: which of them speak of a stack, and how much each is to be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from truelimit.domain.estimates import Tier
from truelimit.domain.measurements import MeasuredMachine, MeasuredModel, Measurement
from truelimit.domain.message import said
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.addresses import address_of
from truelimit.limits.names import same_model, stem
from truelimit.limits.published import same_chip

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine

Fit = TypeVar("Fit", PrefillFit, DecodeFit)
_SAME_SIZE = 0.05  # of parameters, of bytes: what two ways of counting may differ by


def measured_rates(
    measurements: Iterable[Measurement],
    model_name: str,
    url: str | None,
    machine: Machine | None = None,
    quantization: str | None = None,
) -> tuple[PrefillFit | None, DecodeFit | None]:
    """Return the fits measured of this model at this address, each of the latest run that has one; else None.

    Without a ``url`` the machine must be the one that was measured. ``quantization`` None: any. A whole run comes
    before a partial one. Where each fit comes from, with its date, is in its ``where``.
    """
    fitting = [
        item
        for item in measurements
        if same_name(item.model.name, model_name)
        and _same_quantization(item.model.quantization, quantization)
        and _same_place(item, url, machine)
    ]
    ordered = best_first(fitting)
    prefill = next((_dated(item.prefill, item) for item in ordered if item.prefill is not None), None)
    decode = next((_dated(item.decode, item) for item in ordered if item.decode is not None), None)
    return prefill, decode


def tier_of(item: Measurement, machine: Machine, model: MeasuredModel) -> Tier | None:
    """Return how near a measurement is to a stack: this machine and model, this machine alone, or None."""
    if not on_machine(item.machine, machine):
        return None
    return Tier.THIS_STACK if same_measured_model(item.model, model) else Tier.THIS_MACHINE


def matching(
    measurements: Iterable[Measurement], machine: Machine, model: MeasuredModel
) -> tuple[tuple[Tier, Measurement], ...]:
    """Return the measurements of this machine with their tiers: the same model first, then the latest whole ones."""
    found = [(tier, item) for item in best_first(measurements) if (tier := tier_of(item, machine, model)) is not None]
    return tuple(sorted(found, key=lambda pair: pair[0] is not Tier.THIS_STACK))


def best_first(measurements: Iterable[Measurement]) -> Sequence[Measurement]:
    """Return whole runs before partial ones, the latest first among each."""
    latest = sorted(measurements, key=lambda item: item.taken, reverse=True)
    return sorted(latest, key=lambda item: item.partial)


def machine_mark(machine: Machine | None) -> MeasuredMachine:
    """Return what a measurement keeps of a machine: id, chip, largest pool."""
    if machine is None:
        return MeasuredMachine()
    pools = [pool.capacity.value for pool in machine.pools]
    return MeasuredMachine(machine.id, machine.chip.value if machine.chip else None, max(pools, default=None))


def on_machine(mark: MeasuredMachine, machine: Machine) -> bool:
    """Return whether a measurement was taken on this machine: ids equal, else the same chip and memory."""
    here = machine_mark(machine)
    if mark.id is not None and here.id is not None:
        return mark.id == here.id
    if mark.chip is None or here.chip is None or not same_chip(mark.chip, here.chip):
        return False
    return _near(mark.memory_bytes, here.memory_bytes)


def same_measured_model(one: MeasuredModel, other: MeasuredModel) -> bool:
    """Return whether two are the same model: shape and quantization where both are known, else the name."""
    if not _same_quantization(one.quantization, other.quantization):
        return False
    known = one.parameters is not None and other.parameters is not None
    if known and one.architecture and other.architecture:
        return one.architecture == other.architecture and _near(one.parameters, other.parameters)
    return same_name(one.name, other.name)


def same_name(one: str, other: str) -> bool:
    """Return whether two names mean one model: as servers compare them, or as files (folder and ending aside)."""
    return same_model(one, other) or stem(one) == stem(other)


def _same_quantization(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one.upper() == other.upper()


def _near(one: float | None, other: float | None) -> bool:
    return one is None or other is None or abs(one - other) <= _SAME_SIZE * max(one, other)


def _same_place(item: Measurement, url: str | None, machine: Machine | None) -> bool:
    if url is not None and item.server.url is not None:
        here, there = address_of(url), address_of(item.server.url)
        return here is not None and here == there
    return machine is not None and on_machine(item.machine, machine)


def _dated(fit: Fit, item: Measurement) -> Fit:
    return replace(
        fit,
        where=said(
            "{tool} of {taken}, {where}: {where2}",
            tool=item.tool,
            taken=item.taken[:10],
            where=item.where,
            where2=fit.where,
        ),
    )
