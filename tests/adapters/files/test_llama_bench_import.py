"""Benchmarks of other tools: every form gives the same costs, damage is counted, nonsense is screened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import llama_bench_output as made
from truelimit.adapters.files.llama_bench import read_benchmark
from truelimit.app.bench_ports import BenchError
from truelimit.domain.measurements import Measurement

SAMPLES = Path(__file__).parents[2] / "samples" / "llama-benchy"
FORMS = ("json", "jsonl", "csv", "md")


def imported(folder: Path, text: str) -> Measurement:
    file = folder / "result.txt"
    file.write_text(text, encoding="utf-8")
    (found,) = read_benchmark(file).measurements
    return found


def check_costs(found: Measurement, tolerance: float = 0.01) -> None:
    assert found.prefill is not None
    assert found.decode is not None
    assert found.prefill.a == pytest.approx(made.A, rel=tolerance)
    assert found.prefill.b == pytest.approx(made.B, rel=tolerance)
    assert found.decode.c == pytest.approx(made.C, rel=tolerance)
    assert found.decode.d == pytest.approx(made.D, rel=5 * tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_llama_bench_gives_the_costs_that_it_was_made_of(form: str, tmp_path: Path) -> None:
    found = imported(tmp_path, made.printed(form))
    check_costs(found)
    assert found.tool == "llama-bench"
    assert found.server.version == "b11434"
    assert found.server.backend == "CUDA"
    assert found.machine.chip == made.GPU
    assert (found.model.architecture, found.model.quantization) == ("qwen2", "Q4_K_M")
    assert found.model.parameters == pytest.approx(7.62e9, rel=0.001)


def test_settings_tell_what_is_not_the_default(tmp_path: Path) -> None:
    rows = made.rows(n_gpu_layers=20, flash_attn=-1, type_k="q8_0")
    told = ("ngl 20", "threads 8", "batch 2048", "ubatch 512", "K q8_0", "V f16", "split layer")
    assert imported(tmp_path, made.printed("json", rows)).settings == told
    assert imported(tmp_path, made.printed("md")).settings == ("flash attention on",)


def test_repeats_are_kept_apart_where_the_form_gives_them(tmp_path: Path) -> None:
    assert len(imported(tmp_path, made.printed("json")).points) == 18
    assert len(imported(tmp_path, made.printed("csv")).points) == 6
    ranges = imported(tmp_path, made.printed("json")).prefill_ranges
    assert ranges is not None
    assert ranges.base.low < made.A < ranges.base.high


def test_the_depth_of_a_test_is_that_of_its_first_token(tmp_path: Path) -> None:
    """Taken from empty instead, 2,048 tokens at depth 16,384 would look like a slow machine."""
    depths = {int(point.depth) for point in imported(tmp_path, made.printed("md")).points}
    assert depths == set(made.DEPTHS)


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    file = tmp_path / "two.jsonl"
    file.write_text(made.printed("jsonl") + made.printed("jsonl", made.rows(type_k="q8_0")), encoding="utf-8")
    assert len(read_benchmark(file).measurements) == 2


def test_reading_and_writing_in_one_test_tells_neither_and_is_said(tmp_path: Path) -> None:
    file = tmp_path / "pg.jsonl"
    file.write_text(made.printed("jsonl") + json.dumps(made.rows()[0] | {"n_gen": 32}) + "\n", encoding="utf-8")
    found = read_benchmark(file)
    assert len(found.measurements[0].points) == 18
    assert "-pg" in found.missing[0].why


def test_the_processor_is_the_chip_where_no_device_computes(tmp_path: Path) -> None:
    found = imported(tmp_path, made.printed("json", made.rows(backends="CPU")))
    assert found.machine.chip == "AMD Ryzen 9 7950X 16-Core Processor"


@pytest.mark.parametrize("form", ["json", "csv", "md"])
@pytest.mark.parametrize("kind", ["plain", "prefix", "crowd"])
def test_llama_benchy_gives_the_same_costs_with_and_without_prefix_caching(kind: str, form: str) -> None:
    read = read_benchmark(SAMPLES / f"benchy-{kind}.{form}")
    (found,) = read.measurements
    assert found.prefill is not None
    assert found.decode is not None
    assert found.prefill.a == pytest.approx(made.A, rel=0.03)
    assert found.prefill.b == pytest.approx(made.B, rel=0.06)
    assert found.decode.c == pytest.approx(made.C, rel=0.01)
    assert found.decode.d == pytest.approx(made.D, rel=0.05)
    assert found.tool == "llama-benchy"
    assert any("several requests" in item.why for item in read.missing) == (kind == "crowd")


def test_a_prefix_cached_test_reads_only_what_comes_after() -> None:
    (found,) = read_benchmark(SAMPLES / "benchy-prefix.json").measurements
    starts = {(int(p.depth), int(p.tokens)) for p in found.points if p.kind.value == "prefill"}
    assert (16384, 2048) in starts
    assert (0, 16384) in starts
    (plain,) = read_benchmark(SAMPLES / "benchy-plain.json").measurements
    assert (0, 18432) in {(int(p.depth), int(p.tokens)) for p in plain.points if p.kind.value == "prefill"}


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", "{}", "[1, 2]", '{"benchmarks": []}', "| test |\n|--|\n| pp512 |\n", "\x00\xff"]
)
def test_what_is_no_benchmark_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "other"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BenchError, match="llama-bench") as caught:
        read_benchmark(file)
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(FORMS), st.integers(0, 4000), st.binary(min_size=0, max_size=6), st.integers(0, 200))
def test_damage_never_breaks_it(form: str, at: int, junk: bytes, cut: int) -> None:
    import tempfile

    text = made.printed(form).encode()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "damaged"
        file.write_bytes(text[:at] + junk + text[at + cut :])
        try:
            found = read_benchmark(file)
        except BenchError:
            return
        assert all(point.seconds > 0 for item in found.measurements for point in item.points)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, 0, True, "x", None, [], 10**400])
def test_a_time_that_cannot_be_is_left_out(bad: object, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    row = made.rows()[0] | {"samples_ns": [bad], "avg_ns": bad}
    file.write_text(json.dumps(row) + "\n" + made.printed("jsonl"), encoding="utf-8")
    (found,) = read_benchmark(file).measurements
    assert len(found.points) == 18
