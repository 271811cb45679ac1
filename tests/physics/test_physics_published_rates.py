"""Published rates against the estimates of the shipped calibration: each within its interval, or near.

Sources: XiongjieDai/GPU-Benchmarks-on-LLM-Inference README.md @aa72e0e; ggml-org/llama.cpp benches/dgx-spark.md
@4c7e9893 and pull request 15616; geerlingguy/ai-benchmarks README.md @bdf9441; lhl/strix-halo-testing @5ee14b5;
community files of AlexsJones/llmfit @3f44fd3. Those of dgx-spark.md and of pull request 15616 ran with -ub 2048.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.domain.estimates import RateCase
from truelimit.perf.rates import decode_estimate, prefill_estimate, shape_of
from truelimit.tables.accelerators import accelerator
from truelimit.tables.calibration import calibration
from truelimit.tables.models import model


def case(device: str, name: str, quantization: str, backend: str, flash: bool | None = None) -> RateCase:
    chip, header = accelerator(device), model(name)
    assert chip is not None
    assert header is not None
    return RateCase(shape_of(header, quantization=quantization), chip, backend, flash_attention=flash)


@pytest.mark.parametrize(
    ("device", "name", "quantization", "backend", "measured"),
    [
        ("apple-m2-ultra-76c", "llama-3-70b", "Q4_K_M", "metal", 12.13),
        ("dgx-spark", "llama-3-70b", "Q4_K_M", "cuda", 4.57),
        ("strix-halo-395", "llama-3-70b", "Q4_K_M", "rocm", 4.5),
        ("strix-halo-395", "llama-3-70b", "Q4_K_M", "vulkan", 5.0),
        ("apple-m3-max-40c", "qwen3-30b-a3b", "Q4_K_M", "metal", 66.1),
        ("apple-m4-pro-20c", "qwen3-30b-a3b", "Q4_K_M", "metal", 70.55),
        ("rx-7900-xt", "qwen3-30b-a3b", "Q4_K_M", "vulkan", 147.5),
        ("dgx-spark", "qwen3-30b-a3b", "Q4_K_M", "cuda", 87.4),
        ("strix-halo-395", "qwen3-30b-a3b", "UD-Q4_K_XL", "rocm", 58.5),
        ("strix-halo-395", "qwen3-30b-a3b", "UD-Q4_K_XL", "vulkan", 78.0),
        ("apple-m2-ultra-76c", "llama-3-8b", "Q4_K_M", "metal", 76.3),
        ("apple-m3-max-40c", "llama-3-8b", "Q4_K_M", "metal", 50.7),
        ("apple-m3-ultra-80c", "llama-3-70b", "Q4_K_M", "metal", 14.08),
    ],
)
def test_decode_comes_within_a_quarter(
    device: str, name: str, quantization: str, backend: str, measured: float
) -> None:
    found = decode_estimate(case(device, name, quantization, backend), 0, calibration())
    assert found.value == pytest.approx(measured, rel=0.25)


@pytest.mark.parametrize(
    ("device", "name", "quantization", "backend", "batch", "tokens", "depth", "measured"),
    [
        ("dgx-spark", "gpt-oss-120b", "MXFP4", "cuda", 2048, 2048, 0, 1938),
        ("dgx-spark", "qwen3-30b-a3b", "Q8_0", "cuda", 2048, 2048, 0, 3176),
        ("dgx-spark", "qwen3-30b-a3b", "Q8_0", "cuda", 2048, 2048, 32768, 1292),
        ("apple-m2-ultra-76c", "qwen3-30b-a3b", "Q8_0", "metal", 2048, 2048, 0, 2273),
        ("apple-m2-ultra-76c", "qwen3-30b-a3b", "Q8_0", "metal", 2048, 16384, 0, 1023),
        ("apple-m2-ultra-76c", "llama-3-70b", "Q4_K_M", "metal", None, 1024, 0, 117.8),
    ],
)
def test_prefill_lies_in_its_interval(
    device: str, name: str, quantization: str, backend: str, batch: int | None, tokens: int, depth: int, measured: float
) -> None:
    of = replace(case(device, name, quantization, backend, True), ubatch=batch)
    found = prefill_estimate(of, tokens, depth, calibration())
    assert found.low < measured < found.high


@pytest.mark.parametrize(
    ("device", "claimed", "ceiling"),
    [("dgx-spark", 25.0, 6.6), ("apple-m3-ultra-80c", 20.0, 19.6), ("strix-halo-395", 8.0, 6.2)],
)
def test_70b_stays_below_what_the_bandwidth_allows(device: str, claimed: float, ceiling: float) -> None:
    backend = {"dgx-spark": "cuda", "apple-m3-ultra-80c": "metal", "strix-halo-395": "vulkan"}[device]
    found = decode_estimate(case(device, "llama-3-70b", "Q4_K_M", backend), 0, calibration())
    assert found.high <= ceiling < claimed
