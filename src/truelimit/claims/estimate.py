"""The speed that a claim's case would have, as the program estimates it, over the backends of the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from truelimit.claims.known import Estimator
from truelimit.domain.claims import Claim, Quantity, Reading, Subject
from truelimit.domain.estimates import Estimate, RateCase
from truelimit.perf.rates import Calibration, NoBandwidthError, decode_estimate, prefill_estimate

_PROMPT = 512  # tokens of a prompt where the claim tells none
_UNSAID = {"cpu", "mlx"}  # backends that a claim about an accelerator does not mean unless it names them
_SPLIT = "tensor"  # the most generous, where the claim does not say how devices share a model


def estimator(claim: Claim, subject: Subject, calibration: Calibration) -> Estimator:
    """Return the estimator of a claim's machine; it gives None where no bandwidth is known.

    A claim seldom tells the backend: the value is that of the fastest, the interval spans all of them.
    """

    def estimate(quantity: Quantity, reading: Reading, context: int) -> Estimate | None:
        try:
            found = [_one(quantity, case, context, calibration) for case in _cases(claim, subject, reading)]
        except NoBandwidthError:
            return None
        if not found:
            return None
        best = max(found, key=lambda item: item.value)
        return replace(best, low=min(item.low for item in found), high=max(item.high for item in found))

    return estimate


def _cases(claim: Claim, subject: Subject, reading: Reading) -> Iterator[RateCase]:
    device = subject.device
    if device is None:
        return
    named = [name for name in claim.backends if name in device.backends]
    able = [name for name in device.backends if name not in _UNSAID]
    able = ["metal"] if "metal" in able else able  # Vulkan on a Mac (MoltenVK) is erratic; who means it says so
    for backend in named or able or device.backends:
        split = claim.split or _SPLIT
        yield RateCase(reading.shape, device, backend, devices=subject.devices, split=split)


def _one(quantity: Quantity, case: RateCase, context: int, calibration: Calibration) -> Estimate:
    if quantity is Quantity.PREFILL:
        return prefill_estimate(case, context or _PROMPT, 0, calibration)
    return decode_estimate(case, context, calibration)
