"""From a header, or from numbers alone, to what speed depends on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.shapes.shape import shape as recorded
from truelimit.app.plan_quant import at_quantization
from truelimit.domain.model import ModelHeader, Tensor
from truelimit.domain.provenance import Basis
from truelimit.perf.layouts.nouns import SettingsRefusedError, UnknownLayoutError
from truelimit.perf.rates import shape_from_numbers, shape_of
from truelimit.perf.rates.classes import quantization_class
from truelimit.tables.models import model
from truelimit.units import Bytes

GB = 1000.0**3


def header(name: str) -> ModelHeader:
    found = model(name)
    assert found is not None
    return found


def test_a_dense_model_reads_all_but_the_rows_of_the_embedding() -> None:
    found = shape_of(header("llama-3-8b"), quantization="F16")
    assert found.weights_bytes == pytest.approx(16.06 * GB, rel=0.001)
    assert found.weights_bytes - found.read_bytes == pytest.approx(128256 * 4096 * 2, rel=0.001)
    assert (found.layers, found.attention_layers, found.kv_bytes_per_token) == (32, 32, 131072)
    assert found.attention_width == 32 * 32 * 256


def test_a_model_whose_output_is_its_embedding_reads_everything() -> None:
    found = shape_of(header("llama-3.2-1b"), quantization="Q8_0")
    assert found.read_bytes == found.weights_bytes
    assert found.layer_parameters == pytest.approx(0.973e9, rel=0.01)


def test_a_sparse_model_reads_the_experts_of_a_token() -> None:
    found = shape_of(header("gpt-oss-20b"), quantization="MXFP4")
    assert found.is_sparse
    assert (found.experts, found.experts_used) == (32, 4)
    assert found.read_bytes == pytest.approx(2.57 * GB, rel=0.02)
    assert found.active_parameters == pytest.approx(3.6e9, rel=0.01)
    assert (found.layers, found.attention_layers, found.window_tokens) == (24, 12, 128)


def test_layers_with_a_state_are_not_layers_with_a_cache() -> None:
    found = shape_of(header("qwen3.5-35b-a3b"), quantization="Q8_0")
    assert (found.layers, found.attention_layers, found.state_layers) == (40, 10, 30)


def test_a_quantised_cache_is_smaller() -> None:
    found = shape_of(header("llama-3-8b"), quantization="Q4_K_M", kv_type="q8_0")
    assert found.kv_bytes_per_token == 131072 * 34 / 64


def test_bytes_that_are_told_win_and_scale_what_is_read() -> None:
    plain = shape_of(header("qwen3-30b-a3b"), quantization="Q4_K_M")
    told = shape_from_numbers(30.5 * GB, 3.3 * GB, 2 * plain.weights_bytes, "Q4_K_M", header("qwen3-30b-a3b"))
    assert told.weights_bytes == 2 * plain.weights_bytes
    assert told.read_bytes == pytest.approx(2 * plain.read_bytes)


def test_an_unknown_mix_of_known_size_is_counted_as_even() -> None:
    told = shape_from_numbers(8.03 * GB, None, 5 * GB, "my own mix", header("llama-3-8b"))
    assert told.quantization == "my own mix"
    assert 4.6 * GB < told.read_bytes < 5 * GB


@pytest.mark.parametrize(
    ("parameters", "active", "layers"), [(8 * GB, None, 34), (70 * GB, 70 * GB, 78), (30 * GB, 3 * GB, 43)]
)
def test_numbers_alone_give_a_guess(parameters: float, active: float | None, layers: int) -> None:
    found = shape_from_numbers(parameters, active)
    assert found.layers == pytest.approx(layers, abs=2)
    assert found.architecture is None
    assert 0 < found.read_bytes < found.weights_bytes
    assert found.weights_bytes == pytest.approx(parameters * 4.9 / 8, rel=0.05)


@pytest.mark.parametrize("parameters", [0.0, -1.0, float("nan"), float("inf")])
def test_senseless_parameters_are_refused(parameters: float) -> None:
    with pytest.raises(ValueError, match="expected a number above 0"):
        shape_from_numbers(parameters)


def test_an_unknown_quantisation_without_size_is_refused() -> None:
    with pytest.raises(UnknownLayoutError, match="no size is told"):
        shape_from_numbers(8 * GB, quantization="my own mix")


def test_an_unknown_cache_type_is_refused() -> None:
    with pytest.raises(SettingsRefusedError, match="q3_0"):
        shape_of(header("llama-3-8b"), kv_type="q3_0")


def test_a_header_that_tells_nothing_is_refused() -> None:
    with pytest.raises(UnknownLayoutError, match="neither tensors"):
        shape_of(ModelHeader("x.gguf", Basis.MEASURED, "unheard"))


def test_a_recorded_file_gives_its_own_quantisation() -> None:
    found = shape_of(recorded("qwen3-coder-30b-a3b").header())
    assert found.read_bytes < 0.2 * found.weights_bytes
    assert found.kv_bytes_per_token == 98304


@pytest.mark.parametrize(("name", "most"), [("nemotron-3-nano-30b-a3b", "Q5_0"), ("gemma-4-e4b", "Q6_K")])
def test_a_derived_table_keeps_the_name_of_its_recipe(name: str, most: str) -> None:
    """Rows that are no whole K blocks fall back to Q5_0, but what runs is the mix: its class is that of audits."""
    planned = at_quantization(header(name), "Q4_K_M")
    sums: dict[str, int] = {}
    for tensor in planned.tensors:
        sums[tensor.type_name] = sums.get(tensor.type_name, 0) + tensor.n_bytes
    assert max(sums, key=sums.__getitem__) == most
    assert shape_of(planned) == shape_of(header(name), quantization="Q4_K_M")
    assert quantization_class(shape_of(planned).quantization) == "K"


@pytest.mark.parametrize(
    ("file_type", "most", "name"),
    [
        (15, "Q5_0", "Q4_K_M"),
        (30, "Q8_0", "IQ4_XS"),
        (15, "MXFP4", "MXFP4"),  # gpt-oss: its experts stay as they were made
        (15, "F16", "F16"),  # a stale number
        (7, "Q8_0", "Q8_0"),
        (4, "MXFP4", "MXFP4"),  # of older engines
        (99, "Q5_0", "Q5_0"),
        (None, "Q5_0", "Q5_0"),
    ],
)
def test_a_file_is_named_by_its_own_type_where_that_is_a_mix(file_type: int | None, most: str, name: str) -> None:
    plain = header("llama-3.2-1b")
    told = {} if file_type is None else {"general.file_type": file_type}
    tensors = (Tensor("a.weight", (256, 2), "Q4_K", Bytes(10)), Tensor("b.weight", (256, 2), most, Bytes(30)))
    assert shape_of(replace(plain, metadata={**plain.metadata, **told}, tensors=tensors)).quantization == name
