"""Several devices: layers one after the other, tensors together, boxes over a link.

Layers split over devices are read one device at a time: the bandwidth of one counts, whatever their number (measured:
0.73 to 0.80 of one card's ceiling for a 70B on two to eight consumer cards). Tensors split over devices are read
together, and after each layer the devices exchange the activations twice (one all-reduce after attention, one after
the feed-forward).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truelimit.domain.estimates import RateCase

_EXCHANGES_PER_LAYER = 2
_BYTES_PER_VALUE = 2
_LATENCY = {"nvlink": 5e-6, "pcie": 20e-6, "ethernet": 60e-6, "thunderbolt": 60e-6, "rdma": 10e-6}
_DEFAULT_LATENCY = 30e-6
_DEFAULT_WIDTH = 5120


def reading_devices(case: RateCase) -> int:
    """Return how many devices read weights and cache at the same time."""
    return case.devices if case.split == "tensor" else 1


def link_seconds(case: RateCase, tokens: int = 1) -> float:
    """Return the seconds that ``tokens`` spend between devices: exchanges of each layer, or one hop a device."""
    if case.devices < 2 or case.link is None:
        return 0.0
    latency = case.link.latency.value if case.link.latency else latency_of(case.link.name)
    moved = tokens * _DEFAULT_WIDTH * _BYTES_PER_VALUE / case.link.bandwidth.value
    if case.split == "tensor":
        return _EXCHANGES_PER_LAYER * (case.shape.layers or 1) * (latency + moved)
    return (case.devices - 1) * (latency + moved)


def latency_of(link: str) -> float:
    """Return the seconds of one small message over a link by its name: assumed where nobody measured it."""
    lower = link.lower()
    return next((seconds for name, seconds in _LATENCY.items() if name in lower), _DEFAULT_LATENCY)
