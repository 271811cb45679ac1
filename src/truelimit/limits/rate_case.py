"""The case that the speed of a stack is estimated for: its model's shape, device, backend and settings."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from truelimit.domain.estimates import ModelShape, RateCase
from truelimit.domain.machine import Accelerator, DeviceKind
from truelimit.domain.same import Same
from truelimit.limits.need import memory_settings
from truelimit.perf.rates import shape_of
from truelimit.perf.weights import weights

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader

DEFAULT_BATCH = 512  # tokens of a physical batch, llama.cpp's default


def rate_case(stack: Stack) -> RateCase | None:
    """Return the case of a stack on its devices; None where the devices or the model's shape are not known."""
    devices, header = stack.machine.accelerators, stack.header
    if not devices or header is None:
        return None
    settings = memory_settings(stack, 1)
    quantization = stack.definition.quantization if stack.definition and not header.tensors else None
    try:
        shape = _shape(Same(header), quantization, settings.cache.kv_type_k)
    except ValueError:
        return None
    return RateCase(
        shape,
        devices[0],
        backend_of(devices[0], stack.backend),
        devices=len(devices),
        split=stack.split,
        link=stack.machine.link,
        flash_attention=settings.flash_attention,
        kv_type=settings.cache.kv_type_k,
        ubatch=None if settings.cache.ubatch == DEFAULT_BATCH else settings.cache.ubatch,
    )


def shape_at(header: ModelHeader, quantization: str) -> ModelShape | None:
    """Return the shape of a model in a quantisation with a 16-bit cache; None where its layout is not known."""
    try:
        return _shape_at(Same(header), quantization)
    except ValueError:
        return None


@lru_cache(64)
def _shape_at(of: Same[ModelHeader], quantization: str) -> ModelShape:
    return shape_of(of.value, quantization=quantization)


@lru_cache(128)
def _shape(of: Same[ModelHeader], quantization: str | None, kv_type: str) -> ModelShape:
    """The shape of a header, scaled to the length of its file where no table of tensors tells it."""
    header = of.value
    shape = shape_of(header, quantization=quantization, kv_type=kv_type)
    if header.tensors or not header.file_bytes:
        return shape
    scale = weights(header).value / shape.weights_bytes
    return replace(shape, weights_bytes=shape.weights_bytes * scale, read_bytes=shape.read_bytes * scale)


def backend_of(device: Accelerator, asked: str | None) -> str:
    """Return the backend asked, else the first that the device has, else the one of its vendor."""
    usual = {"nvidia": "cuda", "apple": "metal", "amd": "vulkan", "intel": "vulkan"}
    if asked or device.backends:
        return asked or device.backends[0]
    return "cpu" if device.kind is DeviceKind.CPU else usual.get(device.vendor.lower(), "vulkan")
