"""From replies to points and fits: cached tokens never count, contradictions are found, intervals hold the truth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.bench_made import A, B, C, D, read_seconds, reply, seen
from truelimit.bench.fits import fits_of, prefill_range
from truelimit.bench.intervals import cost_ranges, range_at, spread_of, student_t
from truelimit.bench.nouns import Observation, Purpose
from truelimit.bench.points import points_of, prefill_trust
from truelimit.bench.result import rows_of, unsteady
from truelimit.units import Seconds, Tokens

DEPTHS = (512, 4096, 16384)


def fitted(observations: list[Observation], latency: float = 0.0):  # type: ignore[no-untyped-def]
    points = points_of(observations, latency)
    return points, fits_of(points.prefill, points.decode)


def test_the_costs_come_back_exactly_from_exact_times() -> None:
    points, fits = fitted([seen(depth) for depth in DEPTHS])
    assert fits.prefill.a == pytest.approx(A, rel=1e-9)
    assert fits.prefill.b == pytest.approx(B, rel=1e-9)
    assert fits.decode.c == pytest.approx(C, rel=1e-4)
    assert fits.decode.d == pytest.approx(D, rel=1e-2)
    assert points.notes == ()
    assert not points.client_timed


def test_cached_tokens_are_depth_and_never_counted_as_read() -> None:
    """Few cached tokens (a mark of the beginning) only start the prompt deeper."""
    _, fits = fitted([seen(depth, cached=24) for depth in DEPTHS])
    assert fits.prefill.a == pytest.approx(A, rel=1e-9)


def test_a_cache_that_knows_a_new_head_gives_no_rate_of_reading() -> None:
    points, _ = fitted([seen(512), seen(4096, cached=4090)])
    assert [int(p.tokens) for p in points.prefill] == [512]
    assert "4,090 of 4,096 tokens came from a cache" in points.notes[0]


def test_a_prompt_that_the_server_cut_is_left_out() -> None:
    points, _ = fitted([seen(512), seen(2048, depth=4096)])
    assert [int(p.tokens) for p in points.prefill] == [512]
    assert "it cuts prompts" in points.notes[0]


def test_a_cancelled_request_and_other_purposes_are_no_points() -> None:
    items = [seen(512, cancelled=True), seen(512, purpose=Purpose.SAME_AGAIN), seen(160, purpose=Purpose.WARM_UP)]
    points, fits = fitted(items)
    assert points.prefill == ()
    assert fits.prefill is None
    assert rows_of(items) == ()


def test_a_server_that_claims_more_than_its_requests_took_is_not_believed() -> None:
    items = [seen(depth, prefill_seconds=Seconds(read_seconds(depth) * 100)) for depth in DEPTHS]
    points, fits = fitted(items, latency=0.01)
    assert points.client_timed
    assert fits.prefill.a == pytest.approx(A, rel=0.01)
    assert "the client's times are used" in points.notes[0]


def test_a_request_that_waited_behind_another_is_left_out_not_counted_as_slow() -> None:
    waited = seen(4096, first_token_seconds=Seconds(30.0), total_seconds=Seconds(31.0))
    points, fits = fitted([seen(512), waited, seen(16384)])
    assert len(points.prefill) == 2
    assert fits.prefill.a == pytest.approx(A, rel=1e-6)
    assert "another request was ahead of it" in points.notes[0]


def test_a_clock_that_always_runs_slow_gives_way_to_the_clients() -> None:
    items = [seen(depth, prefill_seconds=Seconds(read_seconds(depth) / 50)) for depth in (4096, 8192, 16384)]
    points, fits = fitted(items, latency=0.01)
    assert points.client_timed
    assert fits.prefill.a == pytest.approx(A, rel=0.01)
    assert "upper bound" in points.notes[0]


def test_load_and_queue_that_the_server_tells_are_no_contradiction() -> None:
    late = reply(512, first_token_seconds=Seconds(9.2), load_seconds=Seconds(6.0), queue_seconds=Seconds(3.0))
    assert prefill_trust(late) == "server"


def test_a_server_that_sends_something_before_it_has_read_is_still_believed() -> None:
    assert prefill_trust(reply(4096, first_token_seconds=Seconds(0.01))) == "server"


def test_without_timings_the_client_times_less_its_latency() -> None:
    items = [seen(depth, prefill_seconds=None, decode_seconds=None, timed=None, cached_tokens=None) for depth in DEPTHS]
    points, fits = fitted(items, latency=0.01)
    assert points.client_timed
    assert fits.prefill.a == pytest.approx(A, rel=1e-6)
    assert fits.decode.c == pytest.approx(C, rel=1e-3)


def test_short_answers_give_no_rate_of_writing_and_that_is_said() -> None:
    points, fits = fitted([seen(depth, wrote=4) for depth in DEPTHS])
    assert fits.decode is None
    assert "no rate of writing" in points.notes[0]


def test_medians_by_depth() -> None:
    rows = rows_of([seen(512, run, factor=factor) for run, factor in enumerate((1.0, 1.1, 5.0))])
    (row,) = rows
    assert row.requests == 3
    assert row.prefill == pytest.approx(read_seconds(512) * 1.1)


def test_repeats_that_lie_far_apart_are_called_so() -> None:
    calm = [seen(512, run, factor=factor) for run, factor in enumerate((1.0, 1.1))]
    assert unsteady(calm) == ()
    (words,) = unsteady([*calm, seen(512, 2, factor=2.0)])
    assert "differ by a factor of 2.0" in words
    assert unsteady([]) == ()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0.9, 1.1), min_size=9, max_size=9))
def test_intervals_hold_the_fit_and_grow_with_the_noise(noise: list[float]) -> None:
    depths = [depth for depth in DEPTHS for _ in range(3)]
    _, fits = fitted([seen(depth, i, factor=noise[i]) for i, depth in enumerate(depths)])
    ranges = fits.prefill_ranges
    assert ranges.base.low <= fits.prefill.a <= ranges.base.high
    assert ranges.growth.low <= fits.prefill.b <= ranges.growth.high
    assert ranges.degrees == 7
    _, calm = fitted([seen(depth, i, factor=1 + (noise[i] - 1) / 10) for i, depth in enumerate(depths)])
    wide, narrow = (r.base.high - r.base.low for r in (ranges, calm.prefill_ranges))
    assert narrow <= wide + 1e-12


def test_nine_of_ten_intervals_hold_the_truth() -> None:
    """Deterministic noise (a linear generator) of 5 % on 400 made-up runs: 90 % intervals should cover about 90 %."""
    state, hits = 1, {"a": 0, "b": 0, "t": 0}
    for _ in range(400):
        items = []
        for run in range(3):
            for depth in DEPTHS:
                uniform = 0.0
                for _ in range(12):
                    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                    uniform += (state >> 11) / 2**53
                items.append(seen(depth, run, factor=1 + 0.05 * (uniform - 6)))
        points, fits = fitted(items)
        ranges = fits.prefill_ranges
        hits["a"] += ranges.base.low <= A <= ranges.base.high
        hits["b"] += ranges.growth.low <= B <= ranges.growth.high
        span = prefill_range(points.prefill, fits.prefill, 32768)
        hits["t"] += span.low <= read_seconds(32768) <= span.high
    assert all(0.84 <= count / 400 <= 0.96 for count in hits.values()), hits


def test_too_few_points_have_no_interval() -> None:
    assert cost_ranges([(1.0, 1.0, 2.0), (2.0, 8.0, 9.0)], 1.0, 1.0) is None
    assert cost_ranges([(1.0, 0.0, 2.0)], 2.0, 0.0) is None
    assert range_at([(1.0, 0.0, 2.0)], 2.0, 0.0, 5.0, 0.0) is None


def test_one_depth_has_an_interval_of_one_cost() -> None:
    _, fits = fitted([seen(512, run, factor=1 + run / 100) for run in range(3)])
    assert fits.prefill_ranges.growth is None
    assert fits.prefill_ranges.degrees == 2
    spread = spread_of([(1.0, 0.0, 1.0), (1.0, 0.0, 1.1)], 1.05, 0.0)
    assert spread is not None
    assert spread.growth is None


def test_students_t() -> None:
    assert student_t(1) == 6.314
    assert student_t(7) == 1.895
    assert student_t(1000) == student_t(30)
    assert math.isclose(student_t(30), 1.697)
    with pytest.raises(ValueError, match="degree"):
        student_t(0)


def test_points_are_kept_as_measured() -> None:
    _, fits = fitted([seen(depth) for depth in DEPTHS])
    assert [int(p.tokens) for p in fits.points if p.kind.value == "prefill"] == list(DEPTHS)
    assert Tokens(512) in {p.depth for p in fits.points if p.kind.value == "decode"}
