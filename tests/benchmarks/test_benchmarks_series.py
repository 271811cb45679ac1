"""Published series serve the fit as runs: they meet what was published, and step back where the CSV has the runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.runs import Run
from benchmarks.series import DEPTHS, series_runs, with_series


@pytest.mark.parametrize(
    ("device", "model", "kind", "depth", "published", "error"),
    [
        ("apple-m2-ultra-76c", "qwen3-30b-a3b", "pp", 0, 2453, 0.009),
        ("apple-m2-ultra-76c", "qwen3-30b-a3b", "pp", 32768, 431, 0.01),
        ("apple-m2-ultra-76c", "glm-4.7-flash", "pp", 32768, 151, 0.005),
        ("apple-m2-ultra-76c", "gpt-oss-120b", "tg", 0, 85.6, 0.01),
        ("apple-m2-ultra-76c", "gpt-oss-120b", "tg", 32768, 65.5, 0.01),
        ("dgx-spark", "qwen2.5-7b", "pp", 0, 2250, 0.009),
    ],
)
def test_rates_read_back_meet_the_published_ones(
    device: str, model: str, kind: str, depth: int, published: float, error: float
) -> None:
    (found,) = (
        run for run in series_runs([]) if (run.device, run.model, run.kind, run.depth) == (device, model, kind, depth)
    )
    assert found.rate == pytest.approx(published, rel=error)


def test_a_series_is_of_flash_attention_in_its_batches() -> None:
    assert {(run.case.flash_attention, run.case.ubatch, run.engine) for run in series_runs([])} == {
        (True, 2048, "llama.cpp")
    }


def test_a_series_of_experts_counts_those_of_a_token() -> None:
    shapes = {run.model: run.case.shape for run in series_runs([])}
    assert {name for name, shape in shapes.items() if not shape.is_sparse} == {"qwen2.5-7b", "gemma-3-4b"}
    assert shapes["nemotron-3-super-120b-a12b"].active_parameters == pytest.approx(12.2e9, rel=0.01)


def test_a_series_steps_back_where_the_rows_have_its_model_at_depth() -> None:
    own = _own(series_runs([]))
    deep = next(run for run in own if run.depth)
    assert len(own) == 2 * len(DEPTHS)
    assert len(_own(series_runs([own[0]]))) == 2 * len(DEPTHS)
    assert _own(series_runs([deep])) == []
    assert len(series_runs([deep])) == len(series_runs([])) - 2 * len(DEPTHS)
    assert [run.rate for run in _own(with_series([replace(deep, rate=1.0)]))] == [1.0]


def _own(runs: list[Run]) -> list[Run]:
    return [run for run in runs if (run.device, run.model) == ("dgx-spark", "qwen2.5-7b")]
