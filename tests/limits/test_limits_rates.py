"""Rates: points out of logs and transcripts, cached tokens never counted, the best evidence alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from limits_builders import at, call, definition, header, known, ollama, published, stack

from truelimit.domain.machine import Machine
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import PrefillFit
from truelimit.domain.server import (
    AnswerWritten,
    Event,
    ModelLoaded,
    PromptProgress,
    PromptRead,
    PromptStarted,
    RequestEnded,
)
from truelimit.limits.log_rates import decode_points, prefill_points
from truelimit.limits.published import published_entry, same_chip
from truelimit.limits.rates import decode_fit, prefill_fit
from truelimit.limits.request_rates import request_points, transcript_points
from truelimit.perf.prefill import prefill_seconds
from truelimit.units import Seconds, Tokens

TRUE = PrefillFit(0.3e-3, 5e-8, None, Tokens(0), 1, "truth", Basis.MEASURED)


def started(task: str, prompt: int, cached: int | None = 0, when: float = 0) -> PromptStarted:
    return PromptStarted(f"start {task}", at(when), task, Tokens(prompt), None if cached is None else Tokens(cached))


def progress(task: str, tokens: int, seconds: float, evaluated: int | None = None) -> PromptProgress:
    done = None if evaluated is None else Tokens(evaluated)
    return PromptProgress(f"at {tokens}", None, task, Tokens(tokens), done, 0.5, Seconds(seconds))


def read(task: str, evaluated: int, seconds: float, depth: int | None = None) -> PromptRead:
    return PromptRead("read", None, task, Tokens(evaluated), Seconds(seconds), None if depth is None else Tokens(depth))


def points(*events: Event) -> list[tuple[int, int, float]]:
    return [(p.from_depth, p.tokens, pytest.approx(p.seconds)) for p in prefill_points(stack(events=events))]


def test_progress_lines_give_chunks_at_depth() -> None:
    found = points(started("1", 6000), progress("1", 2048, 1.0), progress("1", 4096, 3.0), read("1", 6000, 6.0, 0))
    assert found == [(0, 2048, 1.0), (2048, 2048, 2.0), (4096, 1904, 3.0)]


def test_cached_tokens_are_no_work() -> None:
    found = points(started("1", 6000, 4000), progress("1", 5024, 2.0), read("1", 2000, 4.0, 4000))
    assert found == [(4000, 1024, 2.0), (5024, 976, 2.0)]


def test_without_a_start_the_first_line_counts_only_with_what_was_evaluated() -> None:
    assert points(progress("1", 5024, 2.0), progress("1", 7072, 5.0)) == [(5024, 2048, 3.0)]
    assert points(progress("1", 5024, 2.0, 1024), progress("1", 7072, 5.0, 3072)) == [
        (4000, 1024, 2.0),
        (5024, 2048, 3.0),
    ]


def test_a_task_number_used_again_is_another_prompt() -> None:
    assert points(progress("1", 9000, 9.0), progress("1", 2048, 1.0), progress("1", 4096, 3.0)) == [(2048, 2048, 2.0)]


def test_a_whole_prompt_without_progress() -> None:
    assert points(read("1", 3000, 2.0, 500)) == [(500, 3000, 2.0)]
    assert points(started("1", 3500), read("1", 3000, 2.0)) == [(500, 3000, 2.0)]


def test_an_unknown_depth_is_assumed_and_yields_to_known_ones() -> None:
    (only,) = prefill_points(stack(events=(read("1", 3000, 2.0),)))
    assert (only.from_depth, only.basis) == (0, Basis.ASSUMED)
    assert points(read("1", 3000, 2.0), read("2", 3000, 2.5, 1000)) == [(1000, 3000, 2.5)]


def test_small_chunks_and_a_reload_tell_nothing() -> None:
    assert points(read("1", 9, 0.3, 613)) == []
    load = ModelLoaded("load", None)
    assert points(progress("1", 2048, 1.0), load, progress("1", 4096, 3.0)) == []


def test_the_fit_finds_the_truth_behind_a_log() -> None:
    times = [(n, prefill_seconds(TRUE, n)) for n in range(2048, 40_000, 2048)]
    events = [started("1", 40_000), *(progress("1", n, t) for n, t in times)]
    fit = prefill_fit(stack(events=tuple(events)))
    assert fit is not None
    assert fit.a == pytest.approx(TRUE.a, rel=1e-6)
    assert fit.b == pytest.approx(TRUE.b, rel=1e-6)
    assert fit.basis is Basis.MEASURED
    assert fit.deepest == 38_912


def test_older_logs_bound_the_time_by_the_end_of_the_request() -> None:
    end = RequestEnded("gin", at(50), 200, Seconds(52.0), "/api/chat")
    (only,) = request_points(stack(events=(started("1", 20_000, 2000, when=0), end)))
    assert (only.from_depth, only.tokens, only.seconds, only.basis) == (2000, 18_000, 50.0, Basis.DERIVED)
    assert "upper bound" in only.where


@pytest.mark.parametrize(
    "end",
    [
        RequestEnded("failed", at(50), 500, Seconds(52.0), "/api/chat"),
        RequestEnded("of another request", at(50), 200, Seconds(5.0), "/api/chat"),
        RequestEnded("no time", None, 200, Seconds(52.0), "/api/chat"),
    ],
)
def test_requests_that_tell_nothing(end: RequestEnded) -> None:
    assert request_points(stack(events=(started("1", 20_000, 0), end))) == []


def test_transcripts_count_only_cold_answers() -> None:
    cold, warm = call(0, 40, prompt=20_000), call(60, 2, prompt=21_000)
    told = call(120, 30, prompt=22_000, cached_tokens=Tokens(0))
    found = transcript_points(stack(calls=(cold, warm, told)), None)
    assert [(p.tokens, p.seconds) for p in found] == [(20_000, 40.0), (22_000, 30.0)]
    assert all(p.basis is Basis.DERIVED for p in found)


def test_a_first_token_or_a_decode_rate_sharpens_a_transcript() -> None:
    first = call(0, 40, prompt=20_000, first_token=Seconds(30.0))
    assert [p.seconds for p in transcript_points(stack(calls=(first,)), None)] == [30.0]
    answered = call(0, 40, prompt=20_000, output_tokens=Tokens(100))
    log = (AnswerWritten("w", None, "1", Tokens(100), Seconds(10.0), Tokens(20_000)),)
    made = stack(calls=(answered,), events=log)
    assert [p.seconds for p in transcript_points(made, decode_fit(made))] == [pytest.approx(30.0, rel=0.01)]


def test_the_best_kind_of_evidence_is_used_alone() -> None:
    log = (read("1", 3000, 3.0, 0), read("2", 3000, 3.0, 9000))
    fit = prefill_fit(stack(calls=(call(0, 400, prompt=20_000),), events=log, published=(published(),)))
    assert fit is not None
    assert fit.points == 2
    assert fit.basis is Basis.MEASURED


def test_one_rate_yields_to_a_published_series_that_tells_the_depth() -> None:
    shallow = call(0, 16, prompt=9112)
    fit = prefill_fit(stack(calls=(shallow,), published=(published(),)))
    assert fit is not None
    assert "published" in fit.where
    alone = prefill_fit(stack(calls=(shallow,)))
    assert alone is not None
    assert "one depth only" in alone.where
    two = prefill_fit(stack(calls=(shallow, call(100, 90, prompt=40_000, session="s2")), published=(published(),)))
    assert two is not None
    assert "published" not in two.where


def test_an_estimated_prompt_is_no_measurement() -> None:
    guess = call(0, 16, prompt_tokens=known(9112, "characters / 4", Basis.ASSUMED))
    assert transcript_points(stack(calls=(guess,)), None) == []


def test_answers_need_a_depth() -> None:
    told = AnswerWritten("w", None, "1", Tokens(100), Seconds(2.0), Tokens(1000))
    by_task = AnswerWritten("w", None, "7", Tokens(100), Seconds(4.0), None)
    unknown = AnswerWritten("w", None, "8", Tokens(100), Seconds(4.0), None)
    events = (told, started("7", 9000), by_task, unknown)
    assert [p.depth for p in decode_points(stack(events=events))] == [1000, 9000]


def test_published_rates_need_chip_and_shape() -> None:
    fit = prefill_fit(stack(published=(published(),)))
    assert fit is not None
    assert fit.basis is Basis.DERIVED
    assert "yours is Q4_K_M" in fit.where
    assert prefill_seconds(fit, 146_760) == pytest.approx(673, rel=0.01)
    assert decode_fit(stack(published=(published(),))) is None  # another quantization reads other bytes
    same = definition(quantization="Q8_0")
    assert decode_fit(stack(published=(published(),), definition=same, server=ollama(same))) is not None


@pytest.mark.parametrize(
    "other",
    [
        {"machine": Machine(None, known("Apple M2"), None)},
        {"machine": Machine(None, None, None)},
        {"header": header(**{"general.parameter_count": 8_000_000_000})},
        {"header": replace(header(), architecture="llama")},
        {"header": None},
    ],
)
def test_published_rates_of_another_machine_or_model_are_not_taken(other: dict[str, Any]) -> None:
    assert published_entry(stack(published=(published(),), **other)) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("M2 Ultra", "Apple M2 Ultra", True),
        ("DGX Spark (GB10, CUDA)", "NVIDIA GB10", True),
        ("M2 Ultra", "Apple M2 Max", False),
        ("M2 Ultra", "Apple M2", False),
        ("DGX Spark (GB10, CUDA)", "CUDA", False),
        ("", "", False),
    ],
)
def test_chips(one: str, other: str, same: bool) -> None:
    assert same_chip(one, other) is same


def test_no_evidence_is_unknown() -> None:
    assert prefill_fit(stack()) is None
    assert decode_fit(stack()) is None
    assert prefill_fit(stack(server=None)) is None
