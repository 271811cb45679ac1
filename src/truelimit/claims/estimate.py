"""The speed that a claim's case would have, by the engine of the plan, over the backends of the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.claims.known import Estimator, Guess
from truelimit.domain.claims import Claim, Quantity, Reading, Subject
from truelimit.domain.estimates import Estimate, RateCase
from truelimit.domain.facts import Stack
from truelimit.domain.machine import UNKNOWN_MACHINE
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Definition
from truelimit.limits import rates
from truelimit.limits.rates_at import read, written
from truelimit.limits.rates_estimated import Calibrated
from truelimit.perf.rates import Calibration

if TYPE_CHECKING:
    from truelimit.domain.rates import PublishedRates

_PROMPT = 512  # tokens of a prompt where the claim tells none
_UNSAID = {"cpu", "mlx"}  # backends that a claim about an accelerator does not mean unless it names them
_SPLIT = "tensor"  # the most generous, where the claim does not say how devices share a model
_WHERE = said("the claim")


def estimator(
    claim: Claim, subject: Subject, calibration: Calibration, series: tuple[PublishedRates, ...] = ()
) -> Estimator:
    """Return the estimator of a claim's machine; it gives None where no bandwidth is known.

    A claim seldom tells the backend: the value is the plan's, of the usual one, the interval spans all. What was
    measured on the user's own machine is left out: a claim speaks of all machines of its kind.
    """

    def estimate(quantity: Quantity, reading: Reading, context: int) -> Guess | None:
        stack = _stack(subject, reading, Calibrated(calibration), series)
        told = [(case.backend, _one(quantity, stack, case, context)) for case in _cases(claim, subject, reading)]
        found = {backend: item for backend, item in told if item is not None}
        if not found:
            return None
        every = tuple(found.values())
        return Guess(every[0], min(item.low for item in every), max(item.high for item in every), tuple(found))

    return estimate


def _stack(subject: Subject, reading: Reading, estimates: Calibrated, series: tuple[PublishedRates, ...]) -> Stack:
    """The model of a reading on the claim's machine; a size that stands for many models has no series of its own."""
    device = subject.device
    machine = UNKNOWN_MACHINE
    if device is not None:
        chip = Known(device.name, _WHERE, Basis.SPECIFIED)
        machine = replace(machine, chip=chip, accelerators=(device,) * subject.devices)
    definition = Definition(reading.family, _WHERE, quantization=reading.shape.quantization, header=reading.header)
    header = reading.header if reading.named else None
    return Stack(reading.family, None, None, None, definition, header, machine, published=series, estimator=estimates)


def _cases(claim: Claim, subject: Subject, reading: Reading) -> Iterator[RateCase]:
    device = subject.device
    if device is None:
        return
    named = [name for name in claim.backends if name in device.backends]
    able = [name for name in device.backends if name not in _UNSAID]
    able = ["metal"] if "metal" in able else able  # Vulkan on a Mac (MoltenVK) is erratic; who means it says so
    for backend in named or able or device.backends:
        split = claim.split or _SPLIT if subject.devices > 1 else "layer"
        yield RateCase(reading.shape, device, backend, devices=subject.devices, split=split, flash_attention=True)


def _one(quantity: Quantity, stack: Stack, case: RateCase, context: int) -> Estimate | None:
    if quantity is Quantity.PREFILL:
        reads = rates.reading(stack, None, case)
        return read(reads, context or _PROMPT) if reads is not None else None
    writes = rates.writing(stack, None, case)
    return written(writes, context) if writes is not None else None
