"""What a chip's datasheet gives: bandwidth, matrix rate, and how much power stands behind the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import TERA, OperationsPerSecond

if TYPE_CHECKING:
    from truelimit.domain.machine import Accelerator

_INT8_VENDOR = "nvidia"
# Chips without a stated matrix rate: operations for each byte of bandwidth, by family; the fit takes up what is wrong.
_OPERATIONS_PER_BYTE = 60.0
_CPU_OPERATIONS_PER_BYTE = 20.0
_WATTS_PER_TERA = 1.0  # the density that counts as one: 1 W for each tera operation per second


class NoBandwidthError(ValueError):
    """A chip whose bandwidth is not known: no rate can be told."""


def bandwidth(device: Accelerator) -> Known[float]:
    """Return the memory's bandwidth in bytes/s. Raises NoBandwidthError where it is not known."""
    found = device.bandwidth
    if found is None or found.value <= 0:
        raise NoBandwidthError(
            said("{device}: its memory bandwidth is not known, so no rate can be told", device=device.name)
        )
    return Known(float(found.value), found.where, found.basis)


def matrix_rate(device: Accelerator) -> Known[float]:
    """Return the dense matrix rate that prompts follow, in operations/s.

    NVIDIA's int8 rate (llama.cpp multiplies quantised weights in it, and 16-bit rates differ between cards of one
    chip), twice the 16-bit rate elsewhere. Where none is stated: assumed from the bandwidth (ASSUMED). Raises
    NoBandwidthError where that is not known either.
    """
    if device.vendor == _INT8_VENDOR and device.int8 is not None:
        return Known(float(device.int8.value), device.int8.where, device.int8.basis)
    if device.fp16 is not None:
        where = said("2 x 16-bit rate: {where}", where=device.fp16.where)
        return Known(2.0 * device.fp16.value, where, device.fp16.basis)
    ratio = _CPU_OPERATIONS_PER_BYTE if device.kind == "cpu" else _OPERATIONS_PER_BYTE
    known = bandwidth(device)
    where = said("no matrix rate is known: {ratio:g} operations for each byte of bandwidth", ratio=ratio)
    return Known(OperationsPerSecond(ratio * known.value), where, Basis.ASSUMED)


def power_density(device: Accelerator) -> float:
    """Return watts for each tera operation per second of the matrix rate; 1.0 where either is not known.

    A large chip in a small power budget cannot hold the clock that its rate is stated at.
    """
    if device.power is None or matrix_rate(device).basis is Basis.ASSUMED:
        return _WATTS_PER_TERA
    return device.power.value / (matrix_rate(device).value / TERA)
