"""The shipped tables: each loads, unknown keys and missing sources are refused, published series give their numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truelimit.domain.rates import PrefillFit
from truelimit.perf.decode import decode_rate
from truelimit.perf.prefill import prefill_seconds
from truelimit.tables import files
from truelimit.tables.loader import TableError, machine, model, published_rates
from truelimit.units import GIB

SAMPLES = Path(__file__).parents[1] / "samples" / "llamacpp"
PUBLISHED = json.loads((SAMPLES / "published_depth_benchmarks_fits.json").read_text(encoding="utf-8"))
MACHINE = """
name = "Box"
chip = "Chip"
operating_systems = ["Linux"]
source = "its maker"
usable_share = 0.75
[[accelerators]]
id = "gpu"
memory_gib = 64
"""
ACCELERATOR = """
name = "GPU"
vendor = "maker"
family = "maker-one"
kind = "unified"
memory_gib = [32, 64]
bandwidth_gb_per_s = 800
source = "its maker"
"""
MODEL = """
name = "Tiny"
aliases = ["tiny:1b"]
architecture = "llama"
parameters = 1000000
source = "its maker"
files_bytes = { Q4_K_M = 600000 }
metadata = { "llama.context_length" = 4096 }
"""
SERIES = """
[[series]]
chip = "Chip"
model = "tiny"
architecture = "llama"
parameters = 1e6
quantization = "Q8_0"
a_s_per_token = 1e-4
b_s_per_token2 = 1e-9
prefill_error = 0.01
c_s_per_token = 1e-2
d_s_per_token2 = 1e-8
decode_error = 0.01
deepest_tokens = 1000
points = 5
source = "a log"
"""


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of the test's own: one machine, one model, one series."""
    for folder in ("machines", "models", "accelerators"):
        (tmp_path / folder).mkdir()
    (tmp_path / "machines" / "box.toml").write_text(MACHINE, encoding="utf-8")
    (tmp_path / "accelerators" / "gpu.toml").write_text(ACCELERATOR, encoding="utf-8")
    (tmp_path / "models" / "tiny.toml").write_text(MODEL, encoding="utf-8")
    (tmp_path / "published_rates.toml").write_text(SERIES, encoding="utf-8")
    monkeypatch.setattr(files, "root", lambda: tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_own_tables_load(tables: Path) -> None:
    box, tiny, (series,) = machine("box"), model("TINY:1B"), published_rates()
    assert (box.pools[0].capacity.value, box.pools[0].usable.value) == (64 * GIB, 48 * GIB)  # type: ignore[union-attr]
    assert tiny is not None
    assert (tiny.native_context.value, tiny.file_bytes) == (4096, 600_000)  # type: ignore[union-attr]
    assert "its maker" in tiny.where
    assert series.source == "a log"


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("machines/box.toml", 'name = "Box"'),
        ("accelerators/gpu.toml", 'kind = "unified"'),
        ("models/tiny.toml", 'name = "Tiny"'),
        ("published_rates.toml", 'chip = "Chip"'),
    ],
)
def test_an_unknown_key_is_refused_by_file_and_name(file: str, line: str, tables: Path) -> None:
    change(tables / file, line, f"{line}\nbandwith_gb_per_s = 800")
    with pytest.raises(TableError, match=rf"{Path(file).name}: unknown key bandwith_gb_per_s; known are"):
        _load_all()


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("machines/box.toml", 'source = "its maker"'),
        ("accelerators/gpu.toml", 'source = "its maker"'),
        ("models/tiny.toml", 'source = "its maker"'),
        ("published_rates.toml", 'source = "a log"'),
    ],
)
@pytest.mark.parametrize("instead", ["", 'source = ""'])
def test_numbers_without_a_source_are_refused(file: str, line: str, instead: str, tables: Path) -> None:
    change(tables / file, line, instead)
    with pytest.raises(TableError, match=rf"{Path(file).name}: no source"):
        _load_all()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("machines/box.toml", "memory_gib = 64", "memory_gib = 48", "no GPU with 48 GiB of memory; there are: 32, 64"),
        ("machines/box.toml", "memory_gib = 64", 'memory_gib = "64"', "memory_gib"),
        ("machines/box.toml", "memory_gib = 64", "memory_gib = -64", "memory_gib"),
        ("machines/box.toml", "memory_gib = 64", "memory_gib = nan", "memory_gib"),
        ("machines/box.toml", "memory_gib = 64", "count = 1.5", "count"),
        ("machines/box.toml", "memory_gib = 64", "count = 0", "count"),
        ("machines/box.toml", 'id = "gpu"', 'id = "gpo"', "nearest: gpu"),
        ("machines/box.toml", 'id = "gpu"', "", "name is missing"),
        ("machines/box.toml", "usable_share = 0.75", "usable_share = 75", "usable_share"),
        ("machines/box.toml", 'operating_systems = ["Linux"]', 'operating_systems = ["Plan 9"]', "Plan 9"),
        ("machines/box.toml", "[[accelerators]]", "[[accelerators]", "TOML"),
        ("machines/box.toml", "memory_gib = 64", "[ram]\ncapacity_gb = 64", "unknown key capacity_gb"),
        ("machines/box.toml", "memory_gib = 64", "[ram]\nbandwidth_gb_per_s = 64", "capacity_gib is missing"),
        ("machines/box.toml", "memory_gib = 64", "[link]\nname = 'x'", "gb_per_s is missing"),
        ("machines/box.toml", "memory_gib = 64", "[sources]\npower_w = 'x'", "sources.power_w"),
        ("accelerators/gpu.toml", 'kind = "unified"', 'kind = "fast"', "kind"),
        ("accelerators/gpu.toml", "= 800", "= 0", "bandwidth_gb_per_s is 0; expected a number above 0"),
        ("accelerators/gpu.toml", "= 800", "= 1e6", "bandwidth_gb_per_s"),
        ("accelerators/gpu.toml", "bandwidth_gb_per_s", "bandwidth_tb_per_s", "nearest: bandwidth_gb_per_s"),
        ("accelerators/gpu.toml", "[32, 64]", "[32, 0]", "memory_gib"),
        ("accelerators/gpu.toml", "= 800", "= 800\nconfidence = 'sure'", "confidence"),
        ("accelerators/gpu.toml", "= 800", "= 800\nprices = [{ usd = 5, source = 'x' }]", "date is missing"),
        ("accelerators/gpu.toml", "= 800", "= 800\nprices = [{ usd = 5, date = '2026-13', source = 'x' }]", "date"),
        ("accelerators/gpu.toml", "= 800", "= 800\nprices = [{ usd = 5, date = '2026' }]", "no source"),
        ("models/tiny.toml", "parameters = 1000000\n", "", "parameters"),
        ("published_rates.toml", "a_s_per_token = 1e-4", "a_s_per_token = -1e-4", "a_s_per_token"),
        ("published_rates.toml", "a_s_per_token = 1e-4", "a_s_per_token = inf", "a_s_per_token"),
        ("published_rates.toml", "points = 5\n", "", "points"),
    ],
)
def test_wrong_values_are_refused_by_file_and_key(file: str, old: str, new: str, said: str, tables: Path) -> None:
    change(tables / file, old, new)
    with pytest.raises(TableError) as refused:
        _load_all()
    assert Path(file).name in str(refused.value)
    assert said in str(refused.value)


def _load_all() -> None:
    machine("box")
    model("tiny")
    published_rates()


@pytest.mark.parametrize(
    ("chip", "seconds"),
    [("NVIDIA GB10", 178), ("Apple M2 Ultra", 673)],
)
def test_the_published_series_give_the_time_of_the_story(chip: str, seconds: float) -> None:
    """llama.cpp benches/dgx-spark and benches/mac-m2-ultra: qwen3moe 30B.A3B Q8_0, T(146,760)."""
    (series,) = [item for item in published_rates() if item.chip == chip and item.architecture == "qwen3moe"]
    assert prefill_seconds(series.prefill, 146_760) == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: f"{row['hardware']} {row['model']}")
def test_the_table_is_what_its_source_published(published: dict[str, Any]) -> None:
    """Rates of reading 2,048 tokens and of writing at each depth, within the error that the row states."""
    fitting = [item for item in published_rates() if _same(item.prefill, published)]
    assert fitting, "this series is not in the table"
    for series in fitting:
        assert series.decode is not None
        assert series.source in published["source"]
        for depth, rate in published["pp_tok_s"].items():
            told = 2048 / prefill_seconds(series.prefill, 2048, int(depth))
            assert told == pytest.approx(rate, rel=(series.prefill.error or 0) + 0.001)
        for depth, rate in published["tg_tok_s"].items():
            told = decode_rate(series.decode, int(depth))
            assert told == pytest.approx(rate, rel=(series.decode.error or 0) + 0.002)
        assert prefill_seconds(series.prefill, 146_760) == pytest.approx(published["prefill_s_146760"], rel=0.01)


def _same(fit: PrefillFit, published: dict[str, Any]) -> bool:
    return fit.a * 1000 == pytest.approx(published["prefill_ms_per_token_A"], rel=1e-4)


def test_every_series_is_sane() -> None:
    for series in published_rates():
        fit, decode = series.prefill, series.decode
        assert fit.a > 0
        assert fit.b >= 0
        assert 0 < (fit.error or 1) < 0.05
        assert decode is not None
        assert decode.c > 0
        assert decode.d >= 0
        assert decode.deepest == fit.deepest == 34_816
        assert 20 < 1 / fit.a < 100_000
