"""Bytes at a quantisation: equal to llama.cpp's own figures, and to the sizes of published files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import default_quantization, quantization, tensors_at, weights_at
from truelimit.perf.tensor_mix import BASES, Mix, typed
from truelimit.perf.tensor_table.build import parameter_count, tensor_shapes
from truelimit.perf.tensor_table.nouns import TensorShape
from truelimit.perf.weights import weights
from truelimit.tables.models import model

SAMPLE = Path(__file__).parents[1] / "samples" / "model_files" / "sizes.csv"
SIZES = list(csv.DictReader(SAMPLE.read_text(encoding="utf-8").splitlines()))
# tools/quantize/README.md of llama.cpp, build b11434: Llama-3.1-8B, bits a weight of the whole file.
BITS = {
    "IQ1_S": 2.0042, "IQ1_M": 2.1460, "IQ2_XXS": 2.3824, "IQ2_XS": 2.5882, "IQ2_S": 2.7403, "IQ2_M": 2.9294,
    "IQ3_XXS": 3.2548, "IQ3_XS": 3.4977, "IQ3_S": 3.6606, "IQ3_M": 3.7628, "Q2_K_S": 2.9697, "Q2_K": 3.1593,
    "Q3_K_S": 3.6429, "Q3_K_M": 3.9960, "Q3_K_L": 4.2979, "Q4_K_S": 4.6672, "Q4_K_M": 4.8944, "Q5_K_S": 5.5704,
    "Q5_K_M": 5.7036, "Q6_K": 6.5633, "Q8_0": 8.5008, "F16": 16.0005,
}  # fmt: skip


def shipped(name: str) -> ModelHeader:
    header = model(name)
    assert header is not None
    return header


@pytest.mark.parametrize(("quant", "bits"), BITS.items())
def test_bits_a_weight_are_those_of_the_engines_own_table(quant: str, bits: float) -> None:
    header = shipped("llama-3.1-8b")
    total = weights_at(header, quant)
    assert total.value * 8 / parameter_count(tensor_shapes(header)) == pytest.approx(bits, abs=0.00006)
    assert total.basis is Basis.DERIVED


@pytest.mark.parametrize(
    ("name", "quant", "length"),
    [
        ("qwen3-coder-30b-a3b", "Q4_K_M", 18_556_686_752),
        ("llama-3.1-8b", "Q4_K_M", 4_920_734_272),
        ("devstral-small-2", "Q4_K_M", 14_334_446_752),
        ("llama-3.3-70b", "Q4_K_M", 42_520_000_000),
        ("llama-3.1-405b", "Q4_K_M", 243_100_000_000),
        ("llama-3.1-405b", "Q4_0", 228_300_000_000),
    ],
)
def test_known_files(name: str, quant: str, length: int) -> None:
    assert weights_at(shipped(name), quant).value == pytest.approx(length, rel=0.007)


PUBLIC = [row for row in SIZES if weights_at(shipped(row["model"]), row["quant"]).basis is Basis.DERIVED]
# The publisher's own mix under a common name: more bits in a few tensors (Qwen3.6), 16 bits at the ends (Gemma QAT).
OWN_MIX = {("qwen3.6-27b", "IQ4_XS"), ("qwen3.6-27b", "Q4_K_M"), ("gemma-3-4b", "Q4_0")}


@pytest.mark.parametrize("row", PUBLIC, ids=lambda row: f"{row['model']} {row['quant']}")
def test_published_sizes_within_two_percent(row: dict[str, str]) -> None:
    told = float(row["gigabytes"]) * 1e9
    allowed = 0.07 if (row["model"], row["quant"]) in OWN_MIX else 0.02
    assert weights_at(shipped(row["model"]), row["quant"]).value == pytest.approx(told, rel=allowed)


def test_half_of_the_published_sizes_are_met_within_two_per_mille() -> None:
    errors = sorted(
        abs(weights_at(shipped(row["model"]), row["quant"]).value / (float(row["gigabytes"]) * 1e9) - 1)
        for row in PUBLIC
    )
    assert len(errors) > 50
    assert errors[len(errors) // 2] < 0.002


@pytest.mark.parametrize(
    "row", [row for row in SIZES if row not in PUBLIC], ids=lambda row: f"{row['model']} {row['quant']}"
)
def test_mixes_that_are_not_public_say_so_and_stay_within_their_word(row: dict[str, str]) -> None:
    total = weights_at(shipped(row["model"]), row["quant"])
    assert total.basis is Basis.ASSUMED
    ratio = float(row["gigabytes"]) * 1e9 / total.value
    assert 0.92 < ratio < 1.33
    if row["quant"].upper().startswith("UD"):
        assert "not public" in total.where


def test_mlx_has_half_a_bit_of_scales() -> None:
    header = shipped("qwen3-30b-a3b")
    count = parameter_count(tensor_shapes(header))
    for bits in (4, 5, 6, 8):
        for name in (f"{bits}bit", f"MLX {bits}bit", f"mlx-{bits}bit"):
            assert weights_at(header, name).value * 8 / count == pytest.approx(bits + 0.5, rel=0.001)


def test_experts_of_gpt_oss_stay_as_they_were_made() -> None:
    header = shipped("gpt-oss-20b")
    assert default_quantization(header) == "MXFP4"
    for quant in ("MXFP4", "F16", "Q8_0", "Q4_K_M"):
        kinds = {item.type_name for item in tensors_at(header, quant) if item.name.endswith("_exps.weight")}
        assert kinds == {"MXFP4"}


def test_mxfp4_of_a_dense_model_is_that_of_other_engines() -> None:
    total = weights_at(shipped("llama-3.1-8b"), "MXFP4")
    assert total.value * 8 / 8_030_261_312 == pytest.approx(4.8, abs=0.1)


def test_names_in_all_spellings() -> None:
    header = shipped("llama-3-8b")
    sizes = {weights_at(header, name).value for name in ("Q4_K_M", "q4_k_m", " Q4-K-M ", "gguf-q4_k_m")}
    assert len(sizes) == 1
    assert quantization("fp16").mix == "F16"
    assert quantization("UD-Q4_K_XL").approximate
    assert not quantization("MXFP4_MOE").approximate


@pytest.mark.parametrize("name", ["", "Q9_K", "4", "bits", "Q4_K_M; rm", "x" * 10_000])
def test_unknown_names_are_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownLayoutError, match="is not known; there are: F32, F16") as refused:
        weights_at(shipped("llama-3-8b"), name)
    assert len(str(refused.value)) < 900


def test_every_mix_gives_every_model_whole_blocks_and_more_bits_more_bytes() -> None:
    order = ("IQ1_S", "IQ2_XXS", "IQ2_M", "IQ3_XXS", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16", "F32")
    for name in ("llama-3-8b", "phi-4", "mixtral-8x7b", "qwen3.5-35b-a3b", "deepseek-v3", "gemma-3-4b"):
        header = shipped(name)
        sizes = [weights_at(header, quant).value for quant in order]
        assert sizes == sorted(sizes), name
        for quant in BASES:
            assert sum(item.n_bytes for item in tensors_at(header, quant)) == weights_at(header, quant).value


def test_rows_that_are_no_whole_blocks_fall_back_as_the_quantiser_does() -> None:
    rows = [TensorShape(f"blk.0.{name}.weight", (size, 64)) for name, size in (("ffn_up", 352), ("attn_q", 72))]
    kinds = [kind for _, kind in typed(rows, Mix("Q4_K_M", "llama", 8, 0, 4.0))]
    assert kinds == ["Q5_0", "F16"]


def test_small_values_of_70b_get_more_bits() -> None:
    kinds = {item.type_name for item in tensors_at(shipped("llama-3.1-70b"), "Q4_K_M") if ".attn_v.weight" in item.name}
    assert kinds == {"Q5_K", "Q6_K"}


def test_without_tensors_an_average_of_bits_is_assumed() -> None:
    header = shipped("trinity-mini")
    total = weights_at(header, "Q4_K_M")
    assert total.basis is Basis.ASSUMED
    assert total.value == round(26_123_974_400 * 4.8944 / 8)
    assert "the average of Q4_K_M" in total.where
    nothing = replace(header, metadata={})
    with pytest.raises(UnknownLayoutError, match=r"neither its tensors nor general\.parameter_count"):
        weights_at(nothing, "Q4_K_M")


def test_a_shape_of_no_file_weighs_what_people_run() -> None:
    header = shipped("qwen3-32b")
    assert header.file_bytes is None
    assert weights(header) == weights_at(header, "Q4_K_M")
    with pytest.raises(UnknownLayoutError, match="neither a tensor table nor a file length"):
        weights(replace(header, basis=Basis.REPORTED))
