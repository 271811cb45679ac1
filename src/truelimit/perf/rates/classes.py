"""The classes that speed is fitted by: engine, quantisation, backend of a vendor, family of chips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.machine import Accelerator, DeviceKind

if TYPE_CHECKING:
    from truelimit.domain.estimates import RateCase

LLAMA_CPP = "llama.cpp"
_ENGINES = {
    "llama-server": LLAMA_CPP,
    "llama-cpp": LLAMA_CPP,
    "llamacpp": LLAMA_CPP,
    "llama.cpp": LLAMA_CPP,
    "lm-studio": LLAMA_CPP,
    "docker-model-runner": LLAMA_CPP,
    "jan": LLAMA_CPP,
    "tensorrt-llm": "trt-llm",
    "ik-llama.cpp": "ik_llama.cpp",
}
_HBM_FAMILIES = {"nvidia-volta", "nvidia-datacenter", "amd-cdna"}
_HBM_GCN_BYTES_PER_S = 400e9
_HBM_PASCAL_BYTES_PER_S = 600e9
_FOUR_BIT_FLOAT = ("MXFP4", "NVFP4", "FP4")
_HALF = {"F16", "FP16"}


def engine_class(name: str) -> str:
    """Return the engine that a name stands for, by which speed is fitted; an unknown name as it is, in lower case."""
    plain = name.strip().lower().rstrip("?")
    if plain.startswith(("mlx", "omlx")):
        return "mlx"
    if plain.startswith("exllama"):
        return "exllama"
    return _ENGINES.get(plain, plain)


def quantization_class(name: str) -> str:
    """Return the class of a quantisation by how its weights are unpacked: ``Q4_0``, ``K``, ``IQ``, ``Q8``, ``F16``."""
    plain = name.strip().upper().removeprefix("UD-").removeprefix("UD_")
    if any(part in plain for part in _FOUR_BIT_FLOAT):
        return "FP4"
    if plain in _HALF:
        return "F16"
    if plain in {"BF16", "F32", "FP32", "FP8"}:
        return plain.replace("FP32", "F32")
    if plain.startswith(("Q4_0", "Q4_1", "Q5_0", "Q5_1")):
        return "Q4_0"
    if plain.startswith(("Q8", "8BIT", "INT8")):
        return "Q8"
    if plain.startswith("IQ"):
        return "IQ"
    return "K" if "_K" in plain else "other"


def backend_class(case: RateCase) -> str:
    """Return ``vendor backend``; processors are one vendor."""
    vendor = "cpu" if case.backend == "cpu" else case.device.vendor
    return f"{vendor} {case.backend}"


def family_class(case: RateCase) -> str:
    """Return ``family backend``."""
    return f"{case.device.family} {case.backend}"


def flash_class(case: RateCase) -> str:
    """Return ``on``, ``off`` or ``untold``."""
    if case.flash_attention is None:
        return "untold"
    return "on" if case.flash_attention else "off"


def has_stacked_memory(device: Accelerator) -> bool:
    """Tell whether a card's memory is HBM, which llama.cpp's batch of one uses poorly.

    By family, and by a bandwidth that GDDR of the same generation did not reach (GCN, Pascal).
    """
    bandwidth = device.bandwidth.value if device.bandwidth else 0.0
    if device.family == "amd-gcn":
        return bandwidth > _HBM_GCN_BYTES_PER_S
    if device.family == "nvidia-pascal":
        return bandwidth > _HBM_PASCAL_BYTES_PER_S
    return device.family in _HBM_FAMILIES


def is_of_two_dies(device: Accelerator) -> bool:
    """Tell whether a chip is two joined dies, each with half of the memory (Apple's Ultra)."""
    return device.vendor == "apple" and "ultra" in device.name.lower()


def is_mobile(device: Accelerator) -> bool:
    """Tell whether a card is a laptop's, whose power and clocks the maker of the laptop chooses."""
    words = f"{device.id} {device.name}".lower()
    return device.kind is DeviceKind.DISCRETE and any(part in words for part in ("laptop", "mobile", "max-q", "maxq"))
