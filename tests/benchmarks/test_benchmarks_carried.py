"""What a measurement tells of another case: which runs are paired, and what is printed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.carried import line, other_quantisations, several_devices, siblings
from benchmarks.left_out import Prediction
from benchmarks.runs import Run

from truelimit.domain.estimates import RateCase
from truelimit.perf.rates import shape_from_numbers
from truelimit.tables.accelerators import accelerator


def run(device: str, quant: str, rate: float) -> Run:
    chip = accelerator(device)
    assert chip is not None
    case = RateCase(shape_from_numbers(8.03e9, quantization=quant), chip, "metal")
    return Run("1", device, "llama-3-8b", "tg", 128, 0, rate, "2026", "somebody", "llama.cpp", case, known_shape=True)


def told(device: str, quant: str, rate: float, estimate: float) -> Prediction:
    return Prediction(run(device, quant, rate), estimate, 0.1)


def test_runs_of_one_device_in_two_quantisations_tell_of_each_other() -> None:
    seen = [told("apple-m2-ultra-76c", quant, 50.0, 55.0) for quant in ("Q4_K_M", "Q8_0")]
    assert len(list(other_quantisations(seen))) == 2
    assert list(other_quantisations([seen[0], replace(seen[0])])) == []
    assert list(other_quantisations([seen[0], told("apple-m3-ultra-80c", "Q8_0", 1.0, 1.0)])) == []


def test_several_devices_are_paired_with_one_of_the_kind() -> None:
    one = told("rtx-3090", "Q4_K_M", 50.0, 55.0)
    two = replace(one, run=replace(one.run, case=replace(one.run.case, devices=2)))
    other = told("rtx-3090", "Q8_0", 50.0, 55.0)
    assert list(several_devices([two], [other, one])) == [pytest.approx((0.0953, 0.0953), abs=1e-4)]
    assert list(several_devices([two], [other])) == []


def test_a_sibling_is_another_chip_of_the_kin_and_counts_by_its_error_in_the_fit() -> None:
    left_out = [
        told(f"apple-{name}", "Q4_K_M", 50.0, 100.0) for name in ("m2-ultra-76c", "m2-ultra-60c", "m3-ultra-80c")
    ]
    seen = [replace(item, rate=55.0) for item in left_out]
    pairs = list(siblings(left_out, seen, lambda run: "kin"))
    assert pairs == [pytest.approx((0.6931, 0.0953), abs=1e-4)] * 2, "both variants of a chip are one"
    assert list(siblings(left_out, seen, lambda run: "")) == []


def test_a_line_tells_the_errors_by_what_is_carried_over() -> None:
    assert "2 pairs   0: 10.0% / 10.0%" in line("x", [(0.1, 0.1), (0.1, 0.1)])
    assert line("x", [(0.1, 0.1)]).endswith("1: 0.0% / 0.0%")
    assert line("x", []).endswith("0 pairs")
