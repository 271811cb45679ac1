"""What weights a plan counts: the tensors at a quantisation; a file's length where they are not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.app.describe_model import describe
from truelimit.app.model import FoundModel, ModelWish
from truelimit.app.model_entry import ModelEntry
from truelimit.app.plan_quant import at_quantization
from truelimit.domain.provenance import Basis
from truelimit.perf.weights import weights
from truelimit.tables.models import model_entry
from truelimit.units import Bytes


def entry_of(name: str) -> ModelEntry:
    entry = model_entry(name)
    assert entry is not None
    return entry


@pytest.mark.parametrize(
    ("name", "size", "tensors"),
    [
        ("qwen3-coder-30b", 18_550_716_416, 579),
        ("llama-3-8b", 4_912_898_048, 291),
        ("devstral-small-2", 14_326_026_240, 363),
    ],
)
def test_a_published_file_keeps_its_tensors_and_model_says_the_same(name: str, size: int, tensors: int) -> None:
    """A file is longer than its tensors by its header; only they lie in memory, and only they can be placed."""
    entry = entry_of(name)
    planned = at_quantization(entry.header, "q4_k_m", entry.files_bytes)
    assert (planned.weights_bytes, len(planned.tensors)) == (size, tensors)
    assert planned.file_bytes == entry.files_bytes["Q4_K_M"] > size
    told = describe(FoundModel(entry.header, entry), ModelWish()).weights
    assert told is not None
    assert told.value == size


def test_a_file_that_these_tensors_cannot_fill_counts_by_its_length() -> None:
    entry = entry_of("qwen3-coder-30b")
    for length in (17_000_000_000, 18_550_716_415, 18_600_000_000):
        planned = at_quantization(entry.header, "Q4_K_M", {"Q4_K_M": Bytes(length)})
        assert (planned.weights_bytes, planned.file_bytes) == (None, length)


def test_a_file_of_an_unknown_recipe_or_shape_counts_by_its_length() -> None:
    header = entry_of("qwen3-coder-30b").header
    for planned in (
        at_quantization(header, "my-mix", {"My-Mix": Bytes(9_000)}),
        at_quantization(replace(header, architecture="new"), "Q4_K_M", {"Q4_K_M": Bytes(9_000)}),
    ):
        assert (planned.tensors, planned.file_bytes) == ((), 9_000)


@pytest.mark.parametrize(
    ("quant", "basis"), [("Q8_0", Basis.DERIVED), ("UD-Q4_K_XL", Basis.ASSUMED), ("4bit", Basis.ASSUMED)]
)
def test_weights_at_another_quantisation_are_derived_whatever_the_source_is(quant: str, basis: Basis) -> None:
    """They are in no file: not measured where a file is asked about, and assumed where the mix is not public."""
    header = at_quantization(entry_of("llama-3-8b").header, "Q4_K_M")
    bare = replace(header, architecture="new", tensors=(), metadata={"general.parameter_count": 8_030_261_248})
    average = weights(at_quantization(bare, quant))
    assert (average.basis, "8,030,261,248 parameters at" in average.where) == (Basis.ASSUMED, True)
    for source in (Basis.MEASURED, Basis.SPECIFIED):
        told = weights(at_quantization(replace(header, basis=source), quant))
        assert told.basis is basis
        assert f"291 tensors at {quant}" in told.where
