"""What is said of caches, cancels and rates that cannot be."""

from __future__ import annotations

import pytest

from bench.bench_made import A, B, read_seconds, reply, seen
from truelimit.bench.behaviour import cache_behaviour, cancel_behaviour
from truelimit.bench.fits import fits_of
from truelimit.bench.nouns import Observation, Purpose
from truelimit.bench.points import points_of
from truelimit.bench.screen import Ceiling, active_of, ceiling_of, screened
from truelimit.domain.machine import Accelerator, DeviceKind, Machine
from truelimit.domain.measurements import MeasuredModel, MeasuredPoint, PointKind
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import PrefillFit
from truelimit.report.bench_words import cache_words, cancel_words
from truelimit.units import Bytes, BytesPerSecond, OperationsPerSecond, Seconds, Tokens

FIT = PrefillFit(A, B, 0.0, Tokens(16384), 3, "here", Basis.MEASURED)


def after(kept: int, *, told: bool = True, prompt: int = 8192, **changes: object) -> list[Observation]:
    again = reply(prompt, cached=kept, wrote=1, **changes)
    if not told:
        again = reply(prompt, cached=kept, wrote=1, cached_tokens=None, prompt_tokens=Tokens(prompt), **changes)
    left = reply(prompt, cancelled=True, total_seconds=Seconds(1.5), prompt_tokens=None)
    return [
        Observation(Purpose.CANCEL, Tokens(prompt), 0, left),
        Observation(Purpose.AFTER_CANCEL, Tokens(prompt), 0, again),
    ]


def test_a_cache_that_works_and_a_new_head_that_gets_nothing() -> None:
    items = [seen(512), seen(512, purpose=Purpose.SAME_AGAIN, cached=511, wrote=1)]
    found = cache_behaviour(items, FIT)
    assert found is not None
    assert found.works
    assert found.reused == Known(Tokens(511), "http://x/completion", Basis.REPORTED)
    assert found.changed_head == 0
    assert (
        cache_words(found)
        == "cache: the same prompt again took 511 of 512 tokens from the cache; with a new head at most 0"
    )


def test_what_a_cache_spared_is_derived_from_the_time_where_no_count_is_given() -> None:
    items = [seen(4096, purpose=Purpose.SAME_AGAIN, cached=3000, cached_tokens=None, prompt_tokens=Tokens(4096))]
    found = cache_behaviour(items, FIT)
    assert found is not None
    assert found.reused is not None
    assert found.reused.basis is Basis.DERIVED
    assert found.reused.value == pytest.approx(3000, abs=2)
    assert found.changed_head is None
    assert "about 3," in cache_words(found) or "about 2,99" in cache_words(found)


def test_a_server_that_stopped() -> None:
    found = cancel_behaviour(after(2048), FIT, Seconds(1.6))
    assert found is not None
    assert (found.stopped, found.idle_within, found.kept and found.kept.value) == (True, 1.6, 2048)
    words = cancel_words(found)
    assert "the server stopped (seen idle within 1.6 s)" in words
    assert "2,048 tokens stayed in the cache" in words


def test_a_server_that_read_on() -> None:
    found = cancel_behaviour(after(8191), FIT, Seconds(4.0))
    assert found is not None
    assert found.stopped is False
    assert "read on to the end" in cancel_words(found)


def test_a_server_that_stopped_but_works_for_others_has_stopped() -> None:
    found = cancel_behaviour(after(2048), FIT, None)
    assert found is not None
    assert found.stopped is True
    assert "seen idle" not in cancel_words(found)


def test_a_read_to_the_end_shows_in_the_time_alone() -> None:
    """What even a cached prompt takes (here 0.3 s) is no reading."""
    again = Observation(Purpose.SAME_AGAIN, Tokens(512), 0, reply(512, cached=511, prefill_seconds=Seconds(0.3)))
    items = after(8190, told=False, prefill_seconds=Seconds(0.32))
    found = cancel_behaviour([again, *items], FIT, None)
    assert found is not None
    assert found.stopped is False
    assert found.kept is not None
    assert found.kept.basis is Basis.DERIVED


@pytest.mark.parametrize(("kept", "stopped"), [(3000, True), (6800, None), (7900, False)])
def test_a_derived_count_judges_only_far_from_the_ends(kept: int, stopped: bool | None) -> None:
    found = cancel_behaviour(after(kept, told=False), FIT, None)
    assert found is not None
    assert found.stopped is stopped
    assert ("cannot be told" in cancel_words(found)) == (stopped is None)


def test_nothing_is_said_of_a_cancel_that_came_too_late() -> None:
    items = after(8191)
    late = Observation(Purpose.CANCEL, Tokens(8192), 0, reply(8192))
    assert cancel_behaviour([late, items[1]], FIT, None) is None
    assert cancel_behaviour(items[:1], FIT, None) is None
    assert cache_behaviour([seen(512)], FIT) is None


def known(value: float) -> Known[float]:
    return Known(value, "sheet", Basis.SPECIFIED)


MODEL = MeasuredModel("m", "llama", 8.0e9, Bytes(4_000_000_000), "Q4_K_M")
CARD = Accelerator(
    "card", "Card", "x", "x", DeviceKind.DISCRETE,
    bandwidth=Known(BytesPerSecond(400e9), "sheet", Basis.SPECIFIED),
    fp16=Known(OperationsPerSecond(64e12), "sheet", Basis.SPECIFIED),
    int8=Known(OperationsPerSecond(128e12), "sheet", Basis.SPECIFIED),
)  # fmt: skip
MACHINE = Machine(None, None, None, accelerators=(CARD,))


def point(kind: PointKind, tokens: int, rate: float, depth: int = 0) -> MeasuredPoint:
    return MeasuredPoint(kind, Tokens(depth), Tokens(tokens), Seconds(tokens / rate))


def test_the_ceiling_is_bandwidth_over_bytes_and_the_best_matrix_rate() -> None:
    ceiling = ceiling_of(MACHINE, MODEL)
    assert ceiling.decode() == pytest.approx(100)
    assert ceiling.prefill() == pytest.approx(8000)
    sparse = ceiling_of(MACHINE, MODEL, active_parameters=2e9)
    assert sparse.decode() == pytest.approx(400)
    assert ceiling_of(None, MODEL).decode() is None
    assert ceiling_of(MACHINE, MeasuredModel("m")).prefill() is None


def test_rates_above_the_ceiling_are_left_out_with_the_factor() -> None:
    points = [
        point(PointKind.DECODE, 64, 99), point(PointKind.DECODE, 64, 250),
        point(PointKind.PREFILL, 512, 7000), point(PointKind.PREFILL, 512, 2_022_610),
    ]  # fmt: skip
    kept, notes = screened(points, ceiling_of(MACHINE, MODEL))
    assert kept == (points[0], points[2])
    assert "2.5 times what memory bandwidth over bytes read allows (100)" in notes[0]
    assert "252.8 times what the matrix rate of the chip allows" in notes[1]


def test_speculation_may_pass_the_limit_of_one_pass_but_not_by_any_factor() -> None:
    points = [point(PointKind.DECODE, 64, 190), point(PointKind.DECODE, 64, 260)]
    assert screened(points, ceiling_of(MACHINE, MODEL), may_speculate=True)[0] == (points[0],)
    assert screened(points, ceiling_of(MACHINE, MODEL))[0] == ()


@pytest.mark.parametrize(
    ("name", "architecture", "active"),
    [
        ("Qwen3-30B-A3B-Q4_K_M", "qwen3moe", 3e9), ("qwen3moe 30B.A3B Q8_0", "qwen3moe", 3e9),
        ("gpt-oss-120b", "gpt-oss", None), ("mixtral-8x7b", "llama", None), ("llama-3-8b", "llama", 8e9),
        ("glm-4.5-air", "glm4moe", None), ("qwen3.5-122b-a10b", "qwen35moe", 1e10), ("unknown", None, None),
    ],
)  # fmt: skip
def test_experts_are_not_taken_for_weights_that_are_read(name: str, architecture: str, active: float | None) -> None:
    """Taken as dense, every real rate of a mixture of experts would be called impossible."""
    model = MeasuredModel(name, architecture, 8e9, Bytes(4_000_000_000))
    assert active_of(model) == active
    assert (ceiling_of(MACHINE, model).decode() is None) == (active is None)


def test_a_model_that_fits_a_processors_cache_has_no_ceiling_of_memory() -> None:
    assert ceiling_of(MACHINE, MeasuredModel("smol", "llama", 1.35e8, Bytes(98_000_000))).decode() is None


def test_a_long_prompt_that_is_several_times_faster_is_a_cache_hit() -> None:
    points = [point(PointKind.PREFILL, 512, 1000), point(PointKind.PREFILL, 4096, 9000)]
    kept, notes = screened(points)
    assert kept == (points[0],)
    assert "only a prompt cache explains that" in notes[0]


def test_a_short_prompt_below_a_batch_proves_nothing() -> None:
    points = [point(PointKind.PREFILL, 16, 300), point(PointKind.PREFILL, 2048, 3000)]
    assert screened(points, Ceiling())[0] == tuple(points)


def test_published_series_pass_the_screening() -> None:
    fits = fits_of(*[getattr(points_of([seen(d) for d in (512, 4096, 16384)]), k) for k in ("prefill", "decode")])
    assert screened(fits.points)[0] == fits.points
    assert read_seconds(512) > 0
