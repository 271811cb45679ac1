"""The regression recovers what made the data; intervals, groups and rules of the accuracy benchmark."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.depth import extended, predicted_rate  # noqa: E402
from benchmarks.intervals import covered, spread_of  # noqa: E402
from benchmarks.left_out import Prediction  # noqa: E402
from benchmarks.regression import Settings, design, fit, predict  # noqa: E402
from benchmarks.runs import Run, merged, read_runs  # noqa: E402
from benchmarks.scores import Miss, score  # noqa: E402
from benchmarks.ship_runs import licence_of  # noqa: E402
from benchmarks.silicon import chip_of, die_of  # noqa: E402

from benchmarks import accuracy, baselines  # noqa: E402
from benchmarks import runs as run_rows  # noqa: E402
from perf.rates.rate_cases import case  # noqa: E402
from truelimit.perf.rates.costs import Costs, Part  # noqa: E402

ROWS = "device_id,hardware,n_gpu,backend,engine,model,arch,params_b,active_params_b,quant,weight_gb,test,kind,n_tokens"
NAMES = ["row_id", *ROWS.split(","), "depth", "batch", "flash_attn", "kv_type", "tok_s", "version", "date", "quality"]
NAMES += ["source", "note"]


def run(rate: float, device: str = "a", tokens: int = 128, depth: int = 0, kind: str = "tg", **more: object) -> Run:
    fields = {"engine": "llama.cpp", "date": "2026-01", "source": "test", "known_shape": True} | more
    return Run("1", device, "m", kind, tokens, depth, rate, case=case(), **fields)  # type: ignore[arg-type]


def test_the_fit_finds_the_factors_that_made_the_rates() -> None:
    rng = np.random.default_rng(1)
    factors = {"x": 1.3, "y": 0.8, "z": 1.0}
    made = []
    for number in range(90):
        level = "xyz"[number % 3]
        seconds = 0.01 * factors[level] + 0.004 * 2.0
        made.append((level, run(1 / (seconds * np.exp(rng.normal(0, 0.02))), device=f"{level}{number}")))
    levels = {id(item): level for level, item in made}

    def costs_of(item: Run) -> Costs:
        level = levels[id(item)]
        parts = Part("p", 0.01, ((f"p/level/{level}", 1.0),)), Part("o", 0.004, (("o/all/", 1.0),))
        return Costs(parts)

    rows = [item for _, item in made]
    settings = Settings({"p/level": 1.0, "o/all": 1.0}, noise=0.02, huber=0.1, power=0.0)
    fitted = fit(design(rows, costs_of, lambda _: []), np.ones(len(rows)), settings)
    found = {name: np.exp(value.value) for name, value in fitted.model.effects.items()}
    times = {level: 0.01 * found[f"p/level/{level}"] + 0.004 * found["o/all/"] for level in factors}
    for level, value in factors.items():
        assert times[level] == pytest.approx(0.01 * value + 0.008, rel=0.01)
    assert np.abs(fitted.residuals).mean() < 0.03


def test_slopes_are_those_of_the_prediction() -> None:
    rows = [run(50.0), run(60.0)]
    parts = Part("p", 0.01, (("p/a/x", 1.0),), floor=True), Part("q", 0.02, (("q/a/x", -0.5),))
    of = design(rows, lambda _: Costs(parts, (("w/a/x", 2.0),)), lambda _: [])
    theta = np.array([0.1, -0.2, 0.3])
    log, slope = predict(of, theta)
    for column in range(3):
        step = np.zeros(3)
        step[column] = 1e-6
        moved = (predict(of, theta + step)[0] - log) / 1e-6
        assert moved == pytest.approx((slope * (of.column == column)).sum(1), abs=1e-4)


def test_a_group_without_prior_is_refused() -> None:
    of = design([run(1.0)], lambda _: Costs((Part("p", 1.0, (("p/new/x", 1.0),)),)), lambda _: [])
    with pytest.raises(ValueError, match="no prior is set for p/new"):
        fit(of, np.ones(1), Settings({}))


def test_intervals_widen_until_nine_tenths_are_covered() -> None:
    rng = np.random.default_rng(2)
    found = [Prediction(run(100.0, device=str(n)), 100 * float(np.exp(rng.normal(0, 0.2))), 0.05) for n in range(400)]
    noise, quantile = spread_of(found)
    assert noise["all"] == pytest.approx(0.2, abs=0.05)
    assert np.mean([covered(item, noise, quantile) for item in found]) == pytest.approx(0.94, abs=0.01)


def test_each_device_counts_once() -> None:
    misses = [Miss(run(1.0, device="many"), 0.5)] * 99 + [Miss(run(1.0, device="one"), -0.1)]
    found = score("x", misses)
    assert found is not None
    assert (found.devices, found.cases) == (2, 100)
    assert found.median == pytest.approx(0.3)
    assert found.case_median == 0.5
    assert score("none", []) is None


def test_two_points_give_a_line_and_what_follows_it() -> None:
    series = [run(1 / (0.01 + 2e-7 * depth), depth=depth, tokens=1) for depth in (0, 8000, 16000, 32000)]
    found = extended(series)
    assert {item.run.depth for item in found if item.second == "4-9K"} == {16000, 32000}
    assert all(abs(item.error) < 0.001 for item in found)
    assert all(item.ignoring > 0.2 for item in found)
    assert predicted_rate(series[0], series[1], series[3]) == pytest.approx(series[3].rate, rel=1e-3)


def test_sizes_are_not_mixed_across_depths() -> None:
    mixed = [run(100.0, tokens=512, kind="pp"), run(90.0, tokens=2048, depth=6000, kind="pp")]
    assert extended([*mixed, run(70.0, tokens=2048, depth=30000, kind="pp")]) == []


def test_variants_of_a_chip_are_left_out_together() -> None:
    assert chip_of("apple-m3-max-30c") == chip_of("apple-m3-max-40c") == "apple-m3-max"
    assert chip_of("rtx-4090d") == chip_of("rtx-4090") == "rtx-4090"
    assert chip_of("rtx-4060") != chip_of("rtx-4060-ti")
    assert chip_of("quadro-rtx-8000") == chip_of("quadro-rtx-6000")
    assert die_of("rtx-3090") == die_of("rtx-a6000") == die_of("rtx-3080-10") == "ga102"
    assert die_of("apple-m2-pro-16c") == "apple-m2-pro"


def test_a_table_by_family_is_made_without_the_device() -> None:
    rows = [run(10.0, device="a"), run(20.0, device="b")]
    first, second = baselines.table(rows, lambda _: "one")
    assert first.error == pytest.approx(1.0)
    assert second.error == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("source", "licence"),
    [
        ("AlexsJones/llmfit file.json @3f44fd3", "MIT"),
        ("lhl/strix-halo-testing x @5ee14b5", "Apache-2.0"),
        ("geerlingguy/ai-benchmarks issue 48 (2026-02-07)", None),
        ("kyuz0/amd-strix-halo-toolboxes x.log @d1a34be", None),
    ],
)
def test_rows_are_shipped_by_licence(source: str, licence: str | None) -> None:
    assert licence_of(source) == licence


def test_every_shipped_row_names_its_licence() -> None:
    with run_rows.SHIPPED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 1000
    assert all(licence_of(row["source"]) == row["licence"] for row in rows)
    told = (run_rows.HERE / "README.md").read_text(encoding="utf-8")
    assert all(row["source"].split(" ", 1)[0] in told for row in rows)


def rows_file(folder: Path, *rows: dict[str, object]) -> Path:
    plain = {
        "row_id": 1, "device_id": "rtx-4090", "n_gpu": 1, "backend": "cuda", "engine": "llama.cpp", "model": "x",
        "arch": "llama-3-8b", "params_b": 8.03, "active_params_b": 8.03, "quant": "Q4_K_M", "weight_gb": 4.92,
        "test": "tg128", "kind": "tg", "n_tokens": 128, "depth": 0, "batch": 1, "tok_s": 130, "date": "2026-01",
        "quality": "ok", "source": "test",
    }  # fmt: skip
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, NAMES)
        table.writeheader()
        table.writerows([plain | row for row in rows])
    return path


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"quality": "suspect"}, "quality is suspect"),
        ({"device_id": "unheard"}, "device or bandwidth unknown"),
        ({"tok_s": 400}, "faster than physics allows"),
        ({"kind": "pp", "tok_s": 2e6}, "faster than physics allows"),
        ({"weight_gb": 142, "arch": "", "params_b": 70, "active_params_b": 70, "quant": "F16", "tok_s": 1},
         "weights larger than the cards"),
        ({"quant": "", "weight_gb": ""}, "size or quantisation unknown"),
        ({"batch": 8}, "several requests at once"),
        ({"backend": "rocm/vulkan?"}, "backend not certain"),
    ],
)  # fmt: skip
def test_rows_are_dropped_by_a_stated_reason(tmp_path: Path, row: dict[str, object], reason: str) -> None:
    found = read_runs(rows_file(tmp_path, row, {}))
    assert len(found.kept) == 1
    assert found.dropped == {reason: 1}


@pytest.mark.parametrize(
    ("row", "flash"),
    [
        ({"date": "2024-05"}, False),
        ({"date": "2025-07-30"}, False),
        ({"date": "2024-05", "flash_attn": "1"}, True),
        ({"date": "2025-08-20"}, None),
        ({"date": "2024-05", "engine": "vllm"}, None),
        ({"date": "2024-05", "device_id": "epyc-9355", "backend": "cpu", "tok_s": 20}, None),
        ({"date": ""}, None),
    ],
)
def test_flash_attention_was_off_until_it_was_the_default(
    tmp_path: Path, row: dict[str, object], flash: bool | None
) -> None:
    assert [run.case.flash_attention for run in read_runs(rows_file(tmp_path, row)).kept] == [flash]


@pytest.mark.parametrize(
    ("row", "batch"),
    [
        ({"version": "llama.cpp 2f68ce7cf (6918), ubatch 2048"}, 2048),
        ({"version": "llama.cpp b6767", "note": "toolbox rocm, ubatch 256, profile"}, 256),
        ({"version": "llama.cpp b6767", "note": "batch 1"}, None),
    ],
)
def test_the_physical_batch_is_read_wherever_it_is_told(
    tmp_path: Path, row: dict[str, object], batch: int | None
) -> None:
    assert [run.case.ubatch for run in read_runs(rows_file(tmp_path, row)).kept] == [batch]


def test_runs_of_one_case_are_one_at_their_median(tmp_path: Path) -> None:
    rows = read_runs(rows_file(tmp_path, {"tok_s": 100}, {"tok_s": 130}, {"tok_s": 140}, {"depth": 512, "tok_s": 90}))
    found = merged(rows.kept)
    assert [(item.rate, item.rows) for item in found] == [(130, 3), (90, 1)]


def test_the_benchmark_prints_tables_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accuracy, "with_series", merged)  # the rows of the file alone
    devices = ["rtx-4090", "rtx-4080", "rtx-3090", "apple-m2-ultra-76c", "rx-7900-xtx"]
    backends = {"apple-m2-ultra-76c": "metal", "rx-7900-xtx": "vulkan"}
    rows = [
        {
            "device_id": device,
            "backend": backends.get(device, "cuda"),
            "kind": kind,
            "tok_s": 80 if kind == "tg" else 900,
        }
        for device in devices
        for kind in ("tg", "pp")
    ]
    path = rows_file(tmp_path, *rows)
    assert accuracy.main(["--data", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "truelimit.accuracy/1"
    short = told["sections"]["decode, short context, chip never seen"][0]
    assert (short["devices"], short["cases"]) == (5, 5)
    assert accuracy.main(["--data", str(path)]) == 0
    assert "goals, over devices" in capsys.readouterr().out


def test_a_file_without_anything_to_score_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["--data", str(rows_file(tmp_path, {"engine": "vllm"}))]) == 2
    assert "no run of llama.cpp" in capsys.readouterr().err
