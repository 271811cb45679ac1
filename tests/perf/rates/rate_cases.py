"""Chips and models made up for the tests of rates, and a small calibration."""

from __future__ import annotations

from truelimit.domain.estimates import ModelShape, RateCase
from truelimit.domain.machine import Accelerator, DeviceKind, Link
from truelimit.domain.provenance import Basis, Known
from truelimit.units import BytesPerSecond, OperationsPerSecond, Seconds, Watts

GB = 1000.0**3
TERA = 1000.0**4


def chip(
    bandwidth: float = 1000 * GB,
    rate: float = 300 * TERA,
    *,
    vendor: str = "nvidia",
    family: str = "nvidia-ada",
    power: float | None = 300.0,
    name: str = "a card",
    kind: DeviceKind = DeviceKind.DISCRETE,
) -> Accelerator:
    """Return a chip with a bandwidth and a matrix rate (int8 for NVIDIA, half of it in 16 bits elsewhere)."""
    fp16 = Known(OperationsPerSecond(rate / 2), "datasheet", Basis.SPECIFIED)
    int8 = Known(OperationsPerSecond(rate), "datasheet", Basis.SPECIFIED)
    return Accelerator(
        "chip",
        name,
        vendor,
        family,
        kind,
        Known(BytesPerSecond(bandwidth), "datasheet", Basis.SPECIFIED),
        fp16=fp16,
        int8=int8 if vendor == "nvidia" else None,
        power=Known(Watts(power), "datasheet", Basis.SPECIFIED) if power else None,
    )


def shape(read: float = 4.5 * GB, *, sparse: bool = False, kv: float = 131072.0, quant: str = "Q4_K_M") -> ModelShape:
    """Return a shape like an 8B's, or a sparse one whose token reads a tenth of what is stored."""
    parameters = read * 8 / 4.8 * (10 if sparse else 1)
    return ModelShape(
        "a model",
        "llama",
        parameters,
        parameters / 10 if sparse else parameters,
        read * (10 if sparse else 1),
        read,
        quant,
        layers=32,
        attention_layers=32,
        attention_width=262144.0,
        kv_bytes_per_token=kv,
        layer_parameters=0.93 * parameters / (10 if sparse else 1),
    )


def case(device: Accelerator | None = None, of: ModelShape | None = None, **more: object) -> RateCase:
    """Return a case of llama.cpp on CUDA."""
    fields = {"backend": "cuda", "flash_attention": True} | more
    return RateCase(of or shape(), device or chip(), **fields)  # type: ignore[arg-type]


def link(rate: float = 12.5 * GB, latency: float = 50e-6) -> Link:
    """Return a link of 100 Gbit/s."""
    return Link(
        "100 GbE",
        Known(BytesPerSecond(rate), "stated", Basis.SPECIFIED),
        Known(Seconds(latency), "stated", Basis.SPECIFIED),
    )
