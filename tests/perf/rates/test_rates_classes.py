"""The classes that speed is fitted by, and what a datasheet gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.rates.rate_cases import GB, TERA, case, chip, link
from truelimit.domain.machine import DeviceKind
from truelimit.perf.rates.classes import (
    backend_class,
    engine_class,
    has_stacked_memory,
    is_mobile,
    is_of_two_dies,
    quantization_class,
)
from truelimit.perf.rates.costs import (
    Calibration,
    CostModel,
    Costs,
    Effect,
    Part,
    above,
    effect,
    held_factor,
    part_factor,
    seconds,
    spread,
)
from truelimit.perf.rates.device import matrix_rate, power_density
from truelimit.perf.rates.speculation import speculation_gain
from truelimit.perf.rates.split import latency_of, link_seconds


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Q4_0", "Q4_0"), ("Q4_K_M", "K"), ("UD-Q4_K_XL", "K"), ("UD-IQ2_XXS", "IQ"), ("F16", "F16"), ("BF16", "BF16"),
        ("MXFP4_MOE", "FP4"), ("nvfp4", "FP4"), ("8bit", "Q8"), ("Q8_0", "Q8"), ("4bit", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_quantisations_are_classed_by_how_they_unpack(name: str, expected: str) -> None:
    assert quantization_class(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama-server", "llama.cpp"),
        ("mlx-lm-0.31.2", "mlx"),
        ("vLLM", "vllm"),
        ("ollama?", "ollama"),
        ("Mine", "mine"),
    ],
)
def test_engines_are_known_by_their_many_names(name: str, expected: str) -> None:
    assert engine_class(name) == expected


def test_a_processor_is_of_no_vendor() -> None:
    assert backend_class(case(chip(vendor="amd"), backend="cpu")) == "cpu cpu"
    assert backend_class(case()) == "nvidia cuda"


@pytest.mark.parametrize(
    ("family", "bandwidth", "stacked"),
    [("nvidia-datacenter", 933, True), ("nvidia-pascal", 732, True), ("nvidia-pascal", 484, False),
     ("amd-gcn", 1020, True), ("amd-gcn", 256, False), ("nvidia-ada", 1008, False)],
)  # fmt: skip
def test_stacked_memory_is_told_by_family_and_bandwidth(family: str, bandwidth: float, stacked: bool) -> None:
    assert has_stacked_memory(chip(bandwidth * GB, family=family)) is stacked


def test_names_tell_two_dies_and_laptops() -> None:
    assert is_of_two_dies(chip(vendor="apple", name="Apple M2 Ultra (76-core GPU)"))
    assert not is_of_two_dies(chip(vendor="apple", name="Apple M2 Max"))
    assert is_mobile(chip(name="GeForce RTX 4060 Mobile"))
    assert not is_mobile(chip(name="GeForce RTX 4060"))
    assert not is_mobile(chip(name="Apple laptop", kind=DeviceKind.UNIFIED))


def test_the_matrix_rate_is_int8_for_nvidia_and_twice_16_bits_elsewhere() -> None:
    assert matrix_rate(chip(rate=300 * TERA)).value == pytest.approx(300 * TERA)
    amd = chip(rate=100 * TERA, vendor="amd")
    assert matrix_rate(amd).value == pytest.approx(100 * TERA)
    assert power_density(replace(amd, power=None)) == 1.0


def test_speculation_gains_little_on_metal() -> None:
    assert speculation_gain(case()).usual > 1.5
    assert speculation_gain(case(backend="metal")).most < 1.1
    assert speculation_gain(case(backend="metal", engine="mlx-lm")).usual > 1.5


def test_links_are_told_by_name_and_cost_by_layer_only_for_tensors() -> None:
    assert latency_of("NVLink 4") < latency_of("PCIe 4.0 x16") < latency_of("Thunderbolt 5")
    tensor, layer = (link_seconds(case(devices=2, split=split, link=link())) for split in ("tensor", "layer"))
    assert tensor == pytest.approx(64 * layer)
    assert link_seconds(case(link=link())) == 0.0


def test_effects_multiply_and_levels_never_seen_widen_the_interval() -> None:
    model = CostModel({"p/a/x": Effect(0.2, 0.01)}, {"p/a": Effect(0.0, 0.3)}, {"all": 0.05}, 1.645)
    seen, unseen = (Costs((Part("p", 2.0, ((f"p/a/{level}", 1.0),)),)) for level in ("x", "y"))
    assert seconds(model, seen) == pytest.approx(2 * 2.718281828**0.2)
    assert seconds(model, unseen) == 2.0
    assert spread(model, seen, ["all"]) == pytest.approx((0.01**2 + 0.05**2) ** 0.5)
    assert spread(model, unseen, ["all"]) == pytest.approx((0.3**2 + 0.05**2) ** 0.5)
    assert effect(model, "unheard/of/z") == Effect(0.0, 0.0)


def test_a_floor_is_never_undercut() -> None:
    model = CostModel({"p/a/x": Effect(-2.0, 0.0), "p/a/y": Effect(1.0, 0.0)}, {}, {}, 1.645)
    low, high = (Part("p", 1.0, ((f"p/a/{level}", 1.0),), floor=True) for level in ("x", "y"))
    assert part_factor(model, low) >= 1.0
    assert part_factor(model, high) == pytest.approx(2.718281828, rel=1e-6)


def test_what_bounds_a_part_holds_with_the_effects_on_the_whole() -> None:
    model = CostModel({"p/a/x": Effect(0.1, 0.0), "w/a/x": Effect(-0.3, 0.0)}, {}, {}, 1.645)
    held, free = (Part(name, 1.0, (("p/a/x", 1.0),), least=least) for name, least in (("p", 1.05), ("q", 0.0)))
    costs = Costs((held, free), (("w/a/x", 1.0),))
    assert 1.05 <= held_factor(model, costs, held) < 1.055
    assert held_factor(model, costs, free) == pytest.approx(2.718281828**-0.2)
    assert seconds(model, costs) == held_factor(model, costs, held) + held_factor(model, costs, free)
    assert above(1000.0, 1.0) == 1000.0
    assert above(0.0, 1.0) == 0.0


def test_a_calibration_says_what_it_rests_on() -> None:
    empty = CostModel({}, {}, {}, 1.645)
    assert Calibration(empty, empty, "source", "2026-01-01").rows == {}
