"""The terms of a rate of writing: whatever it rests on, redoing them gives the rate that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.app.plan import Around, bare_stack, plan
from truelimit.app.plan_parts import ModelPlan, Wanted
from truelimit.domain.calculation import evaluate
from truelimit.domain.facts import Stack
from truelimit.limits.rates_estimated import Calibrated
from truelimit.tables.calibration import calibration
from truelimit.tables.loader import machine, published_rates
from truelimit.tables.models import model_entry
from truelimit.units import Tokens


def stack(model: str, on: str) -> Stack:
    entry = model_entry(model)
    assert entry is not None
    from truelimit.app.plan_quant import sized

    bare = sized(bare_stack(entry.header, machine(on), published_rates()))
    return replace(bare, estimator=Calibrated(calibration()))


def made(model: str, on: str, **wanted: object) -> ModelPlan:
    return plan(stack(model, on), Wanted(Tokens(16_384), **wanted), Around())  # type: ignore[arg-type]


CASES = [
    ("gpt-oss-120b", "dgx-spark", {}),  # published for this chip and model; windows
    ("qwen3-32b", "rtx-4090", {}),  # estimated, one card
    ("qwen3-coder-30b-a3b", "mac-studio-m2-ultra-64", {}),  # estimated, corrected by a published series
    ("llama-3.1-405b", "dgx-spark-2", {}),  # blocks in turn over two boxes
    ("llama-3.3-70b", "pc-2x-rtx-3090", {"split": "tensor"}),
    ("llama-3.3-70b", "pc-rtx-4090", {"offload": True}),  # a part in main memory
    ("gpt-oss-120b", "pc-rtx-4090", {"offload": True}),  # experts in main memory
]


@pytest.mark.parametrize(("model", "on", "wanted"), CASES)
def test_the_terms_give_the_rate_that_is_told(model: str, on: str, wanted: dict[str, object]) -> None:
    found = made(model, on, **wanted)
    assert [depth for depth, _ in found.decode] == [0, 8192, 16_384]
    for (_, rate), counted in zip(found.decode, found.decode_calculations, strict=True):
        assert rate is not None
        assert counted is not None
        assert counted.result == pytest.approx(rate.value, rel=1e-9)
        redone = evaluate(counted.formula, {item.name: item.value for item in counted.terms})
        assert redone == counted.result


@pytest.mark.parametrize(("model", "on", "wanted"), CASES)
def test_bytes_bandwidth_and_efficiency_are_terms(model: str, on: str, wanted: dict[str, object]) -> None:
    start, _, deep = made(model, on, **wanted).decode_calculations
    assert start is not None
    assert deep is not None
    names = {item.name.rstrip("_12345") for item in deep.terms}
    assert {"weights_read", "bandwidth", "weights_efficiency", "cache_read", "cache_efficiency"} <= names
    assert not any(item.name.startswith("cache") and item.value for item in start.terms), "an empty cache is not read"
    assert all(item.basis for item in deep.terms)


def test_the_cache_that_is_read_grows_with_depth_as_the_memory_does() -> None:
    found = made("qwen3-32b", "rtx-4090")
    _, half, whole = (
        {item.name: item.value for item in counted.terms} for counted in found.decode_calculations if counted
    )
    assert whole["cache_read"] == 2 * half["cache_read"]
    assert whole["cache_read"] == found.need.kv_cache


def test_without_devices_the_costs_of_the_fit_are_told() -> None:
    own = replace(stack("gpt-oss-120b", "dgx-spark"), machine=replace(machine("dgx-spark"), accelerators=()))
    found = plan(own, Wanted(Tokens(4096)), Around())
    for (_, rate), counted in zip(found.decode, found.decode_calculations, strict=True):
        assert rate is not None
        assert counted is not None
        assert counted.formula == "1 / (c + d * depth)"
        assert counted.result == rate.value


def test_no_memory_is_told_to_be_read_faster_than_it_delivers() -> None:
    """A series of a sibling corrects weights and overhead as one: none of it makes the memory faster."""
    for model, on in (("gpt-oss-120b", "mac-studio-m3-ultra-512"), ("qwen3-coder-30b-a3b", "pc-rtx-4090")):
        for counted in plan(stack(model, on), Wanted(Tokens(131_072)), Around()).decode_calculations:
            assert counted is not None
            shares = [float(item.value) for item in counted.terms if "efficiency" in item.name]
            assert shares
            assert max(shares) <= 1.0
            assert "roofline" not in counted.formula


def test_a_ceiling_that_cuts_is_told() -> None:
    own = stack("qwen3-coder-30b-a3b", "dgx-spark")
    fast = tuple(
        replace(item, decode=item.decode and replace(item.decode, c=item.decode.c / 40, d=item.decode.d / 40))
        for item in own.published
    )
    cut = plan(replace(own, published=fast), Wanted(Tokens(16_384)), Around())
    assert "roofline" in cut.decode_calculations[-1].formula  # type: ignore[union-attr]
    assert any("more than the memory delivers: the ceiling of" in str(note) for note in cut.notes)
    assert not any("ceiling" in str(note) for note in plan(own, Wanted(Tokens(16_384)), Around()).notes)
