"""Decode: physics bounds the estimate, its terms give it, and depth costs what the cache costs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.rates.rate_cases import GB, case, chip, link, shape
from truelimit.domain.calculation import evaluate
from truelimit.domain.estimates import ModelShape, Tier
from truelimit.perf.decode import decode_seconds
from truelimit.perf.rates import NoBandwidthError, decode_estimate, decode_fit_of
from truelimit.perf.rates.costs import CostModel, Costs, Effect, Part
from truelimit.perf.rates.decode import _efficiency, _lent
from truelimit.perf.rates.decode_parts import MOST_OF_CACHE, operations_a_byte
from truelimit.perf.rates.interval import noise_kinds
from truelimit.tables.calibration import calibration

FIT = calibration()
BACKENDS = [
    ("nvidia", "nvidia-ada", "cuda"),
    ("nvidia", "nvidia-datacenter", "cuda"),
    ("amd", "amd-rdna3", "vulkan"),
    ("amd", "amd-gcn", "rocm"),
    ("apple", "apple-m3", "metal"),
    ("intel", "intel-xe", "vulkan"),
    ("other", "other", "vulkan"),
]
places = st.sampled_from(BACKENDS)
bandwidths = st.floats(20 * GB, 8000 * GB)
reads = st.floats(0.5 * GB, 200 * GB)


def test_the_printed_terms_give_the_rate() -> None:
    for sparse in (False, True):
        found = decode_estimate(case(of=shape(sparse=sparse)), 5000, FIT)
        terms = {term.name: term.value for term in found.calculation.terms}
        assert evaluate(found.calculation.formula, terms) == pytest.approx(found.value, rel=1e-12)
        assert found.calculation.unit == "tokens/s"


@settings(deadline=None)
@given(places, bandwidths, reads, st.integers(0, 200_000), st.booleans())
def test_no_estimate_is_above_the_roofline(
    place: tuple[str, str, str], bandwidth: float, read: float, depth: int, sparse: bool
) -> None:
    vendor, family, backend = place
    of = shape(read, sparse=sparse)
    found = decode_estimate(case(chip(bandwidth, vendor=vendor, family=family), of, backend=backend), depth, FIT)
    roofline = bandwidth / (read + 131072.0 * (depth + 64))
    assert found.value <= roofline * (1 + 1e-9)
    assert 0 < found.low <= found.value <= found.high <= roofline * (1 + 1e-9)
    terms = {term.name: term.value for term in found.calculation.terms}
    assert evaluate(found.calculation.formula, terms) == pytest.approx(found.value, rel=1e-9)


@settings(deadline=None)
@given(places, bandwidths, reads, st.integers(0, 100_000), st.integers(1, 100_000))
def test_deeper_is_never_faster(
    place: tuple[str, str, str], bandwidth: float, read: float, depth: int, more: int
) -> None:
    vendor, family, backend = place
    of = case(chip(bandwidth, vendor=vendor, family=family), shape(read), backend=backend)
    assert decode_estimate(of, depth + more, FIT).value < decode_estimate(of, depth, FIT).value


# A GCN card's kind of memory is told by its bandwidth: there, more of it can mean another kind.
one_memory = st.sampled_from([place for place in BACKENDS if place[1] != "amd-gcn"])


@settings(deadline=None)
@given(one_memory, bandwidths, st.floats(1.01, 4.0))
def test_more_bandwidth_is_never_slower(place: tuple[str, str, str], bandwidth: float, by: float) -> None:
    vendor, family, backend = place
    slow, fast = (
        case(chip(rate, vendor=vendor, family=family), backend=backend) for rate in (bandwidth, bandwidth * by)
    )
    assert decode_estimate(fast, 0, FIT).value > decode_estimate(slow, 0, FIT).value


def test_a_token_that_reads_less_is_faster() -> None:
    assert decode_estimate(case(of=shape(3 * GB)), 0, FIT).value > decode_estimate(case(of=shape(4 * GB)), 0, FIT).value


def test_the_mean_over_tokens_is_that_of_the_middle() -> None:
    long, middle = decode_estimate(case(), 0, FIT, tokens=8192), decode_estimate(case(), 4096, FIT, tokens=1)
    assert long.value == pytest.approx(middle.value, rel=1e-3)


def test_the_line_is_the_same_model() -> None:
    line = decode_fit_of(case(), FIT)
    for depth in (0, 1000, 30_000, 120_000):
        rate = 128 / decode_seconds(line, 128, depth)
        assert rate == pytest.approx(decode_estimate(case(), depth, FIT).value, rel=1e-6)


def test_windows_fill_and_then_cost_no_more() -> None:
    windowed = replace(shape(kv=0.0), window_bytes=200e6, window_tokens=1024)
    rates = [decode_estimate(case(of=windowed), depth, FIT).value for depth in (0, 500, 2000, 50_000)]
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] == pytest.approx(rates[3], rel=1e-9)


def test_a_family_without_runs_is_physics_with_a_wider_interval() -> None:
    known = decode_estimate(case(), 0, FIT)
    unknown = decode_estimate(case(chip(family="nvidia-next")), 0, FIT)
    assert (known.tier, unknown.tier) == (Tier.FAMILY, Tier.PHYSICS)
    assert unknown.value / unknown.low > 1.2 * known.value / known.low
    assert "nvidia-next" in unknown.notes[0]


def test_depth_and_experts_are_less_certain() -> None:
    plain = decode_estimate(case(), 0, FIT)
    deep = decode_estimate(case(), 60_000, FIT)
    sparse = decode_estimate(case(of=shape(sparse=True)), 0, FIT)
    assert deep.value / deep.low > plain.value / plain.low
    assert sparse.value / sparse.low > plain.value / plain.low


def test_without_flash_attention_depth_costs_more() -> None:
    on, off = (decode_estimate(case(flash_attention=choice), 30_000, FIT).value for choice in (True, False))
    assert off < on


def test_layers_split_over_devices_are_read_one_at_a_time() -> None:
    one, four = decode_estimate(case(), 0, FIT), decode_estimate(case(devices=4), 0, FIT)
    assert four.value == pytest.approx(one.value, rel=0.25)
    assert four.value < 1.5 * one.value


def test_tensors_split_over_devices_are_read_together_and_the_link_costs() -> None:
    big = shape(140 * GB)
    one = decode_estimate(case(of=big), 0, FIT).value
    near = decode_estimate(case(of=big, devices=2, split="tensor", link=link(latency=2e-6)), 0, FIT)
    far = decode_estimate(case(of=big, devices=2, split="tensor", link=link(latency=2e-3)), 0, FIT)
    assert 1.5 * one < near.value < 2.05 * one
    assert far.value < near.value
    assert "link" in {term.name for term in far.calculation.terms}


def test_a_chip_without_bandwidth_has_no_rate() -> None:
    with pytest.raises(NoBandwidthError, match="bandwidth is not known"):
        decode_estimate(case(replace(chip(), bandwidth=None)), 0, FIT)


@pytest.mark.parametrize(("depth", "tokens"), [(-1, 128), (0, 0)])
def test_senseless_lengths_are_refused(depth: int, tokens: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        decode_estimate(case(), depth, FIT, tokens)


def test_every_number_is_finite_for_a_model_of_one_layer() -> None:
    tiny = replace(shape(), layers=1, attention_layers=1, attention_width=1.0, kv_bytes_per_token=None, read_bytes=1.0)
    assert math.isfinite(decode_estimate(case(of=tiny), 0, FIT).value)


def test_heads_that_share_a_cache_spare_a_card_work_and_a_processor_none() -> None:
    few, many = shape(kv=32768.0), shape(kv=262144.0)  # the same query heads, an eighth of the KV heads

    def of_depth(backend: str, of: ModelShape) -> float:
        made = case(chip(60 * GB, family="cpu-ddr5"), of, backend=backend)
        return decode_fit_of(made, FIT).d

    assert of_depth("cuda", many) == pytest.approx(8 * of_depth("cuda", few), rel=0.01)
    assert of_depth("cpu", many) < 1.5 * of_depth("cpu", few)


def test_a_share_of_a_model_computes_as_much_for_each_byte_of_cache() -> None:
    whole = shape()
    share = replace(whole, kv_bytes_per_token=131072.0 / 4, operations_a_byte=operations_a_byte(whole))
    assert operations_a_byte(share) == operations_a_byte(whole) == 4.0
    assert operations_a_byte(replace(whole, attention_width=None)) is None


def test_a_processor_at_depth_is_less_certain() -> None:
    here = case(chip(60 * GB, family="cpu-ddr5"), backend="cpu")
    assert "deep on a processor" in noise_kinds(FIT.decode, here, 20_000)
    assert "deep on a processor" not in noise_kinds(FIT.decode, here, 100)
    assert "deep on a processor" not in noise_kinds(FIT.decode, case(), 20_000)


@settings(deadline=None)
@given(places, bandwidths, reads, st.integers(0, 200_000), st.sampled_from(["llama", "qwen3moe", "mistral3", None]))
def test_no_memory_is_read_faster_than_it_delivers(
    place: tuple[str, str, str], bandwidth: float, read: float, depth: int, architecture: str | None
) -> None:
    vendor, family, backend = place
    of = replace(shape(read), architecture=architecture)
    found = decode_estimate(case(chip(bandwidth, vendor=vendor, family=family), of, backend=backend), depth, FIT)
    terms = {term.name: term.value for term in found.calculation.terms}
    assert terms["efficiency"] <= 1 + 1e-9
    assert terms["cache_efficiency"] <= MOST_OF_CACHE * (1 + 1e-9)
    assert "roofline" not in terms, "nothing is left to cut"


def test_deep_down_the_value_lies_below_the_ceiling() -> None:
    """Read at 1.13 of the bandwidth, value, upper end and ceiling would be one number."""
    found = decode_estimate(case(of=shape(2.3 * GB, kv=147456.0)), 131_072, FIT)
    ceiling = 1000 * GB / (2.3 * GB + 147456.0 * (131_072 + 64))
    assert found.value < 0.97 * ceiling
    assert found.high > found.value


def test_weights_are_never_told_as_read_faster_than_the_memory_delivers() -> None:
    """What effects would save beyond that, the layers do not take: the sum is what was fitted."""
    model = CostModel({"weights/all/": Effect(-0.2, 0.1), "layers/all/": Effect(3.0, 0.1)}, {}, {}, 1.6)
    part = Part("weights", 0.010, (("weights/all/", 1.0),))
    layers = Part("layers", 0.001, (("layers/all/", 1.0),))
    costs = Costs((part, layers))
    lent = _lent(model, costs)
    assert lent == pytest.approx(0.010 * (1 - math.exp(-0.2)))
    assert _efficiency("e", model, costs, part, lent).value == pytest.approx(1.0)
    assert _lent(model, Costs((part,))) == 0.0
