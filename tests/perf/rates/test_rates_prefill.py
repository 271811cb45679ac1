"""Prefill: terms give the rate, attention grows with position, faster chips are faster."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.rates.rate_cases import GB, TERA, case, chip, shape
from truelimit.domain.calculation import evaluate
from truelimit.domain.provenance import Basis
from truelimit.perf.prefill import prefill_seconds
from truelimit.perf.rates import prefill_estimate, prefill_fit_of
from truelimit.perf.rates.device import matrix_rate
from truelimit.perf.rates.prefill_parts import batch_of
from truelimit.tables.calibration import calibration

FIT = calibration()
places = st.sampled_from(
    [
        ("nvidia", "nvidia-ada", "cuda"),
        ("amd", "amd-rdna3", "rocm"),
        ("apple", "apple-m3", "metal"),
        ("x", "x", "vulkan"),
    ]
)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("depth", [0, 20_000])
def test_the_printed_terms_give_the_rate(sparse: bool, depth: int) -> None:
    found = prefill_estimate(case(of=shape(sparse=sparse)), 2000, depth, FIT)
    terms = {term.name: term.value for term in found.calculation.terms}
    assert evaluate(found.calculation.formula, terms) == pytest.approx(found.value, rel=1e-12)
    assert found.low < found.value < found.high


@settings(deadline=None)
@given(places, st.integers(0, 100_000), st.integers(1, 100_000), st.integers(512, 4096))
def test_deeper_is_never_faster(place: tuple[str, str, str], depth: int, more: int, tokens: int) -> None:
    vendor, family, backend = place
    of = case(chip(vendor=vendor, family=family), backend=backend)
    assert prefill_estimate(of, tokens, depth + more, FIT).value < prefill_estimate(of, tokens, depth, FIT).value


@settings(deadline=None)
@given(places, st.floats(5 * TERA, 2000 * TERA), st.floats(1.01, 3.0), st.sampled_from([None, 60.0, 300.0]))
def test_a_higher_matrix_rate_is_never_slower(
    place: tuple[str, str, str], rate: float, by: float, power: float | None
) -> None:
    vendor, family, backend = place
    slow, fast = (
        case(chip(rate=value, vendor=vendor, family=family, power=power), backend=backend)
        for value in (rate, rate * by)
    )
    assert prefill_estimate(fast, 512, 0, FIT).value > prefill_estimate(slow, 512, 0, FIT).value


def test_less_power_behind_the_same_rate_is_slower() -> None:
    full, half = (prefill_estimate(case(chip(power=watts)), 512, 0, FIT).value for watts in (300.0, 100.0))
    assert half < full


def test_a_rate_per_prompt_stays_below_the_matrix_rate() -> None:
    found = prefill_estimate(case(), 512, 0, FIT)
    assert found.value < 300 * TERA / (2 * (shape().layer_parameters or 0))


def test_the_two_costs_are_the_same_model() -> None:
    costs = prefill_fit_of(case(), FIT)
    for tokens, depth in ((512, 0), (32_768, 0), (2048, 65_536)):
        rate = tokens / prefill_seconds(costs, tokens, depth)
        assert rate == pytest.approx(prefill_estimate(case(), tokens, depth, FIT).value, rel=1e-6)


def test_a_smaller_batch_reads_the_experts_more_often() -> None:
    small, large = (
        prefill_estimate(case(of=shape(sparse=True), ubatch=size), 4096, 0, FIT).value for size in (128, 2048)
    )
    assert small < large


def test_a_short_prompt_is_one_small_batch() -> None:
    assert batch_of(case(), 100) == 100
    assert batch_of(case(), 512) == 512
    assert batch_of(case(), 513) == 256.5


def test_without_a_matrix_rate_it_is_assumed_from_the_bandwidth_and_says_so() -> None:
    from dataclasses import replace

    bare = replace(chip(), fp16=None, int8=None)
    known = matrix_rate(bare)
    assert known.basis is Basis.ASSUMED
    assert known.value == pytest.approx(60 * 1000 * GB)
    assert prefill_estimate(case(bare), 512, 0, FIT).basis is Basis.ASSUMED


@pytest.mark.parametrize(("tokens", "depth"), [(0, 0), (1, -1)])
def test_senseless_lengths_are_refused(tokens: int, depth: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        prefill_estimate(case(), tokens, depth, FIT)
