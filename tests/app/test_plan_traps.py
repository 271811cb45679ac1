"""What other tools get wrong, each as a test of the plan: cache layouts, sums over cards, rates that ignore depth.

The figures are exact sizes that a real engine prints, and published measurements with their sources in the names.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from truelimit.app.plan import Around, bare_stack, plan
from truelimit.app.plan_machine import with_devices
from truelimit.app.plan_parts import ModelPlan, Wanted
from truelimit.app.plan_quant import with_quantization
from truelimit.domain.facts import Estimator
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.limits.rates_estimated import Calibrated
from truelimit.perf.energy import Energy
from truelimit.report.plan_document import plan as blocks
from truelimit.report.plan_json import plan as as_json
from truelimit.tables.calibration import calibration
from truelimit.tables.loader import machine, published_rates
from truelimit.tables.models import model_entry
from truelimit.units import GB, GIB, MIB, Tokens, from_mib

MAC = "mac-studio-m2-ultra-128"


@cache
def estimator() -> Estimator:
    return Calibrated(calibration())


def made(
    model: str, on: str = MAC, context: int = 131_072, quant: str = "Q4_K_M", devices: int | None = None, **wanted: Any
) -> ModelPlan:
    entry = model_entry(model)
    assert entry is not None
    box = with_devices(machine(on), devices)
    own = with_quantization(bare_stack(entry.header, box, published_rates()), quant, entry.files_bytes)
    return plan(replace(own, estimator=estimator()), Wanted(Tokens(context), **wanted), Around())


@pytest.mark.parametrize(
    ("model", "context", "kv_type", "gib"),
    [
        ("qwen3-coder-30b-a3b", 262_144, "f16", 24.0),  # head length is read: not embedding / heads (12.0)
        ("qwen3-coder-30b-a3b", 262_144, "q8_0", 12.75),  # blocks of 34 bytes: not 12.0
        ("llama-3.1-8b", 131_072, "f16", 16.0),
        ("llama-3.3-70b", 131_072, "f16", 40.0),
        ("gemma-3-27b", 131_072, "f16", 10.61),  # windows: not 62.0
        ("gpt-oss-120b", 131_072, "f16", 4.5),  # windows: not 9.0
        ("qwen3-next-80b-a3b", 262_144, "f16", 6.0),  # one layer of four
    ],
)
def test_the_cache_is_that_of_the_engine(model: str, context: int, kv_type: str, gib: float) -> None:
    assert made(model, context=context, kv_type=kv_type).need.kv_cache == pytest.approx(gib * GIB, rel=0.006)


def test_a_mixture_of_experts_takes_all_its_weights() -> None:
    assert made("qwen3-coder-30b-a3b").need.weights == pytest.approx(18.56 * GB, rel=0.001)
    assert made("llama-3.1-405b", context=8192, quant="Q4_0").need.weights == pytest.approx(228.5 * GB, rel=0.01)
    assert made("llama-3.1-405b", context=8192).need.weights == pytest.approx(243.1 * GB, rel=0.001)


def test_the_total_of_the_story_is_41_6_gib() -> None:
    found = made("qwen3-coder-30b-a3b", "mac-studio-m2-ultra-64", 262_144)
    assert found.total == pytest.approx(42_610 * MIB, rel=0.001)
    assert found.fits


def test_memory_grows_with_the_context_and_speed_falls() -> None:
    short, long = made("qwen3-coder-30b-a3b", context=8192), made("qwen3-coder-30b-a3b", context=262_144)
    assert long.total - short.total > 20 * GIB
    assert long.decode[2][1].value < 0.5 * short.decode[2][1].value  # type: ignore[union-attr]
    per_token = [item.prefill_seconds[0] / item.wanted.context for item in (short, long)]  # type: ignore[index]
    assert per_token[1] > 3 * per_token[0]


def test_a_system_takes_its_share_of_unified_memory_once() -> None:
    found = made("llama-3.1-8b", context=8192)
    assert found.room is not None
    assert found.room.pool == 96 * GIB
    assert found.room.os_share <= 13 * GIB


def test_two_cards_read_one_after_the_other() -> None:
    """A layer split keeps the bandwidth of one card: 960 / 42.5 is the ceiling of a 70B, not twice that."""
    pair = made("llama-3.3-70b", "rx-7900-xtx", 8192, devices=2)
    assert pair.fits
    rate = pair.decode[0][1]
    assert rate is not None
    assert 9 < rate.value < 19
    assert rate.high <= 960 / 41.8
    cut = made("llama-3.3-70b", "rx-7900-xtx", 8192, devices=2, split="tensor")
    assert cut.decode[0][1].value > 1.3 * rate.value  # type: ignore[union-attr]


def test_two_linked_boxes_hold_405b_with_little_context_and_write_slowly() -> None:
    found = made("llama-3.1-405b", "dgx-spark-2", 2048, quant="Q4_0")
    assert found.fits
    rate = found.decode[0][1]
    assert rate is not None
    assert rate.high <= 273 / 227
    assert "--rpc" in " ".join(command for _, command in found.commands)


@pytest.mark.parametrize("on", ["dgx-spark", "mac-studio-m3-ultra-96", "framework-desktop-128"])
def test_no_70b_writes_above_the_bandwidth(on: str) -> None:
    found, box = made("llama-3.3-70b", on, 8192), machine(on)
    ceiling = box.accelerators[0].bandwidth.value / (41.7 * GB)  # type: ignore[union-attr]
    assert found.decode[0][1].high <= ceiling  # type: ignore[union-attr]


# Measured, tokens/s: XiongjieDai/GPU-Benchmarks-on-LLM-Inference; llmfit community files; lhl/strix-halo-testing;
# llmfit PR 954. Each must lie within the interval that the plan states, and the plan within 40 % of it.
MEASURED = [
    ("llama-3.3-70b", MAC, 12.13),
    ("llama-3.3-70b", "dgx-spark", 4.57),
    ("llama-3.3-70b", "framework-desktop-128", 4.75),
    ("qwen3-30b-a3b", "apple-m3-max-40c", 66.1),
    ("qwen3-30b-a3b", "apple-m4-pro-20c", 70.55),
    ("qwen3-30b-a3b", "dgx-spark", 87.4),
    ("llama-3.1-8b", MAC, 76.3),
    ("llama-3.1-8b", "apple-m3-max-40c", 50.7),
]


@pytest.mark.parametrize(("model", "on", "measured"), MEASURED)
def test_measured_rates_lie_within_the_interval(model: str, on: str, measured: float) -> None:
    rate = made(model, on, 1024).decode[0][1]
    assert rate is not None
    assert rate.low <= measured <= rate.high
    assert rate.value == pytest.approx(measured, rel=0.4)


@pytest.mark.parametrize(
    "on", ["mac-studio-m2-ultra-64", "dgx-spark", "framework-desktop-128", "desktop-ddr5-64", "rtx-4090"]
)
def test_without_cards_beside_main_memory_offload_changes_nothing(on: str) -> None:
    plain, loose = made("qwen3-8b", on, 8192), made("qwen3-8b", on, 8192, offload=True)
    assert loose.fits is True
    assert (loose.room, loose.decode) == (plain.room, plain.decode)
    assert any("a part in main memory changes nothing here" in note for note in loose.notes)
    assert not any("a part in main memory" in note for note in plain.notes)


def test_eight_cards_in_turn_do_not_take_the_energy_of_eight_at_work() -> None:
    one, eight = (made("llama-3.1-8b", on, 32_768).energy for on in ("h100-server", "h100-server-8x"))
    together = made("llama-3.1-8b", "h100-server-8x", 32_768, split="tensor").energy
    assert isinstance(one, Energy)
    assert isinstance(eight, Energy)
    assert isinstance(together, Energy)
    assert one.joules < eight.joules < 3 * one.joules
    assert "devices" not in together.calculation.formula


def test_energy_that_is_not_known_says_why() -> None:
    found = made("qwen3-8b", "mac-studio-m2-ultra-64", 8192)
    assert isinstance(found.energy, Missing)
    assert found.energy.why == "the rated power of this machine is not known"
    assert "what one answer takes in energy is not known: the rated power" in str(blocks(found))
    told = json.loads(as_json(found))
    assert (told["energy_joules"], told["energy_missing"]) == (None, found.energy.why)


@pytest.mark.parametrize("on", ["mac-studio-m2-ultra-64", "desktop-ddr5-64", "pc-rtx-4090"])
def test_a_prompt_cache_beyond_main_memory_is_refused_with_numbers(on: str) -> None:
    with pytest.raises(ValueError, match=r"a prompt cache of 97,656.2 GiB .* is more than the \d+\.\d GiB of main"):
        made("qwen3-8b", on, 8192, prompt_cache=from_mib(99_999_999))
    assert made("qwen3-8b", on, 8192, prompt_cache=from_mib(8192)).fits


def test_a_servers_own_prompt_cache_makes_no_negative_memory() -> None:
    entry = model_entry("qwen3-8b")
    assert entry is not None
    own = bare_stack(entry.header, machine("mac-mini-m1-8"), ())
    assert own.server is not None
    default = Known(from_mib(8192), "the engine's default", Basis.SPECIFIED)
    server = replace(own.server, settings=replace(own.server.settings, prompt_cache=default))
    headline = str(blocks(plan(replace(own, server=server), Wanted(Tokens(4096))))[0])
    assert "the server's prompt cache (8.0 GiB) take is" in headline
    assert "-" not in headline.split("GiB", 1)[1]
