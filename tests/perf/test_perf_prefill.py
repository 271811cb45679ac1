"""Prefill: the fit against measured tables, and the laws of T(n) = A*n + B*n**2/2."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.domain.calculation import Term, evaluate
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import PrefillFit
from truelimit.perf.prefill import (
    PrefillPoint,
    extrapolates,
    fit_prefill,
    is_lower_bound,
    largest_prompt,
    prefill_calculation,
    prefill_seconds,
    wall_as_context_calculation,
)
from truelimit.units import Seconds, Tokens

SAMPLES = Path(__file__).parents[1] / "samples" / "llamacpp"
SERIES: list[dict[str, Any]] = json.loads((SAMPLES / "published_depth_benchmarks_fits.json").read_text("utf-8"))
CHUNK = 2048  # the series are llama-bench -p 2048 -d DEPTH: 2,048 tokens read from that depth


def point(depth: int, tokens: int, seconds: float, basis: Basis = Basis.MEASURED) -> PrefillPoint:
    return PrefillPoint(Tokens(depth), Tokens(tokens), Seconds(seconds), "log line 1", basis)


def fit_of(a: float, b: float, deepest: int = 10_000) -> PrefillFit:
    return PrefillFit(a, b, 0.01, Tokens(deepest), 5, "fit", Basis.MEASURED)


def series_points(series: dict[str, Any]) -> list[PrefillPoint]:
    return [point(int(depth), CHUNK, CHUNK / rate) for depth, rate in series["pp_tok_s"].items()]


@pytest.mark.parametrize("series", SERIES, ids=lambda s: f"{s['hardware'][:9]} {s['model']}")
def test_published_series_fit_within_their_stated_error(series: dict[str, Any]) -> None:
    fit = fit_prefill(series_points(series))
    assert fit is not None
    assert fit.error is not None
    assert fit.error <= series["prefill_fit_max_error"] + 0.005
    assert fit.b * 1000 == pytest.approx(series["prefill_ms_per_token_per_depth_B"], rel=0.08)


@pytest.mark.parametrize("series", SERIES, ids=lambda s: f"{s['hardware'][:9]} {s['model']}")
def test_the_prompt_of_the_story_on_published_machines(series: dict[str, Any]) -> None:
    fit = fit_prefill(series_points(series))
    assert fit is not None
    assert prefill_seconds(fit, 146_760) == pytest.approx(series["prefill_s_146760"], rel=0.035)
    assert largest_prompt(fit, 300) == pytest.approx(series["max_prompt_in_300s"], rel=0.05)
    assert extrapolates(fit, 146_760)


def test_there_are_fourteen_series() -> None:
    assert len(SERIES) == 14


def smollm2() -> list[PrefillPoint]:
    rows = json.loads((SAMPLES / "smollm2_cpu_prefill_decode_by_depth.json").read_text("utf-8"))["rows"]
    return [point(0, row["n"], row["cpu_s"]) for row in rows if row["kind"] == "prefill"]


def test_smollm2_measured_here_fits_within_its_noise() -> None:
    fit = fit_prefill(smollm2())
    assert fit is not None
    assert fit.a == pytest.approx(5.40e-3, rel=0.12)
    assert fit.b / 2 == pytest.approx(1.197e-6, rel=0.15)
    assert fit.error is not None
    assert fit.error < 0.2  # two runs of one prompt differ by as much
    assert prefill_seconds(fit, 8000) == pytest.approx(119.8, rel=0.06)


def test_shallow_points_predict_deep_ones_far_better_than_a_constant_rate() -> None:
    shallow = fit_prefill([p for p in smollm2() if p.tokens <= 2048])
    constant = fit_prefill([p for p in smollm2() if p.tokens == 256])
    assert shallow is not None
    assert constant is not None
    assert abs(prefill_seconds(shallow, 8000) / 123.8 - 1) < 0.25
    assert prefill_seconds(constant, 8000) < 0.5 * 123.8


def test_one_point_gives_one_rate_and_says_so() -> None:
    fit = fit_prefill([point(0, 1000, 2.0)])
    assert fit is not None
    assert (fit.a, fit.b, fit.points, fit.error, fit.deepest) == (pytest.approx(0.002), 0.0, 1, None, 1000)
    assert "lower bound" in fit.where
    assert is_lower_bound(fit, 5000)
    assert not is_lower_bound(fit, 900)


def test_points_at_one_depth_cannot_tell_attention_from_the_rest() -> None:
    fit = fit_prefill([point(0, 6000, 10.0), point(0, 6200, 10.5), point(0, 5900, 9.9)])
    assert fit is not None
    assert fit.b == 0.0
    assert "one depth only" in fit.where
    assert fit.error is not None


@pytest.mark.parametrize(
    "bad", [point(0, 0, 1.0), point(0, 10, 0.0), point(0, 10, -1.0), point(-5, 10, 1.0), point(0, 10, math.inf)]
)
def test_points_that_are_no_measurement_are_left_out(bad: PrefillPoint) -> None:
    assert fit_prefill([bad]) is None
    assert fit_prefill([]) is None


def test_the_basis_is_that_of_the_worst_point() -> None:
    fit = fit_prefill([point(0, 1000, 2.0), point(4000, 1000, 4.0, Basis.DERIVED)])
    assert fit is not None
    assert fit.basis is Basis.DERIVED


def test_calculations_show_what_the_functions_say() -> None:
    fit = fit_of(0.3459e-3, 5.778e-8)
    prompt = Term("prompt_tokens", 146_760, "tokens", "transcript", Basis.REPORTED)
    cold = prefill_calculation(fit, prompt)
    assert cold.result == pytest.approx(prefill_seconds(fit, 146_760))
    assert cold.unit == "s"
    warm = prefill_calculation(fit, prompt, from_depth=50_000)
    assert warm.result == pytest.approx(prefill_seconds(fit, 146_760, 50_000))
    wall = wall_as_context_calculation(fit, 300)
    assert wall.result == pytest.approx(largest_prompt(fit, 300), abs=1)
    assert wall.result == pytest.approx(96_000, rel=0.01)  # the M2 Ultra of the published table
    assert evaluate(wall.formula, {item.name: item.value for item in wall.terms}) == wall.result


def test_a_wall_without_attention_cost_and_a_fit_without_cost() -> None:
    assert largest_prompt(fit_of(0.0025, 0.0), 300) == 120_000  # 400 tokens/s for 300 s
    assert wall_as_context_calculation(fit_of(0.0025, 0.0), 300).result == 120_000
    assert largest_prompt(fit_of(0.0, 0.0), 300) == 0
    assert largest_prompt(fit_of(0.1, 0.1), 0) == 0


costs = st.tuples(st.floats(1e-6, 1e-1), st.one_of(st.just(0.0), st.floats(1e-12, 1e-5)))


@given(costs, st.integers(1, 2_000_000))
@settings(deadline=None)
def test_the_largest_prompt_is_the_inverse_of_the_time(cost: tuple[float, float], n: int) -> None:
    fit = fit_of(*cost)
    assert abs(largest_prompt(fit, prefill_seconds(fit, n)) - n) <= 1 + n * 1e-9


@given(costs, st.lists(st.integers(1, 50_000), min_size=2, max_size=6))
@settings(deadline=None)
def test_chunks_add_up_to_the_whole(cost: tuple[float, float], chunks: list[int]) -> None:
    fit, depth, total = fit_of(*cost), 0, 0.0
    for chunk in chunks:
        total += prefill_seconds(fit, chunk, depth)
        depth += chunk
    assert total == pytest.approx(prefill_seconds(fit, depth))


@given(costs, st.sets(st.integers(0, 60), min_size=3, max_size=12))
@settings(deadline=None)
def test_exact_points_give_their_own_costs_back(cost: tuple[float, float], depths: set[int]) -> None:
    true = fit_of(*cost)
    points = [point(d * 2048, 2048, prefill_seconds(true, 2048, d * 2048)) for d in sorted(depths)]
    fit = fit_prefill(points)
    assert fit is not None
    for p in points:
        again = prefill_seconds(fit, p.tokens, p.from_depth)
        assert again == pytest.approx(p.seconds, rel=0.75 if fit.b == 0 else 1e-6)


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 9_000), st.floats(1e-3, 1e4)), min_size=1))
@settings(deadline=None)
def test_costs_are_never_negative(rows: list[tuple[int, int, float]]) -> None:
    fit = fit_prefill([point(*row) for row in rows])
    assert fit is not None
    assert fit.a >= 0
    assert fit.b >= 0
    assert fit.a + fit.b > 0
