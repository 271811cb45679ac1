"""The writer against the reference reader of the ``gguf`` package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType
from gguf.constants import GGML_QUANT_SIZES

from truelimit.adapters.files.gguf.types import TENSOR_TYPES, TENSOR_TYPES_BY_NAME
from truelimit.adapters.files.gguf.write import write_header

METADATA: dict[str, object] = {
    "general.architecture": "qwen3moe",
    "qwen3moe.block_count": 48,
    "qwen3moe.context_length": 262144,
    "general.parameter_count": 2**40,
    "negative": -5,
    "very.negative": -(2**40),
    "scale": 1.5,
    "flag": True,
    "text": "héllo",
    "heads": [1, 2, -3],
    "large": [2**40, 1],
    "scales": (1.0, 0.25),
    "flags": [True, False],
    "tokens": ["a", "", "żółć", "x" * 300],
    "split.count": 1,
}
TENSORS = [
    ("token_embd.weight", (2048, 1000), "Q4_K"),
    ("output_norm.weight", (2048,), "F32"),
    ("blk.0.ffn_down_exps.weight", (768, 2048, 8), "Q6_K"),
]


def test_reference_reader_sees_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_header(path, METADATA, TENSORS, sparse=True)
    reader = GGUFReader(path)
    for key, value in METADATA.items():
        expected = list(value) if isinstance(value, list | tuple) else value
        assert reader.fields[key].contents() == expected, key
    found = [(t.name, tuple(map(int, t.shape)), t.tensor_type.name) for t in reader.tensors]
    assert found == TENSORS


@pytest.mark.parametrize(
    ("key", "types"),
    [
        ("qwen3moe.block_count", [GGUFValueType.UINT32]),
        ("general.parameter_count", [GGUFValueType.UINT64]),
        ("negative", [GGUFValueType.INT32]),
        ("very.negative", [GGUFValueType.INT64]),
        ("scale", [GGUFValueType.FLOAT32]),
        ("heads", [GGUFValueType.ARRAY, GGUFValueType.INT32]),
        ("large", [GGUFValueType.ARRAY, GGUFValueType.UINT64]),
        ("flags", [GGUFValueType.ARRAY, GGUFValueType.BOOL]),
        ("split.count", [GGUFValueType.UINT16]),
    ],
)
def test_value_types_are_those_that_the_engine_reads(tmp_path: Path, key: str, types: list[GGUFValueType]) -> None:
    path = tmp_path / "model.gguf"
    write_header(path, METADATA, TENSORS, sparse=True)
    assert GGUFReader(path).fields[key].types == types


def test_sparse_file_has_its_full_length_and_takes_no_room(tmp_path: Path) -> None:
    path, short = tmp_path / "model.gguf", tmp_path / "short.gguf"
    write_header(path, METADATA, TENSORS, sparse=True)
    write_header(short, METADATA, TENSORS)
    data = sum(tensor.n_bytes for tensor in map(_reference_size, TENSORS))
    assert path.stat().st_size == short.stat().st_size + data
    assert path.read_bytes().startswith(short.read_bytes())
    blocks = getattr(path.stat(), "st_blocks", None)
    if blocks is not None:
        assert blocks * 512 < 65536


def test_alignment_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    rows = [("a", (3,), "F32"), ("b", (5,), "F32")]
    write_header(path, {"general.architecture": "llama", "general.alignment": 4096}, rows, sparse=True)
    offsets = [int(tensor.data_offset) for tensor in GGUFReader(path).tensors]
    assert offsets == [4096, 8192]
    assert path.stat().st_size == 3 * 4096


class _reference_size:  # noqa: N801
    def __init__(self, row: tuple[str, tuple[int, ...], str]) -> None:
        _, shape, name = row
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
        self.n_bytes = int(np.prod(shape)) // block * size


@pytest.mark.parametrize("kind", list(GGMLQuantizationType), ids=lambda kind: kind.name)
def test_type_table_agrees_with_the_reference(kind: GGMLQuantizationType) -> None:
    block, size = GGML_QUANT_SIZES[kind]
    ours = TENSOR_TYPES[int(kind)]
    assert (ours.name, ours.block, ours.n_bytes) == (kind.name, block, size)


def test_type_that_the_reference_lacks() -> None:
    assert TENSOR_TYPES_BY_NAME["Q2_0"].stored_bytes((128, 2)) == 4 * 18


@pytest.mark.parametrize(
    ("metadata", "tensors", "message"),
    [
        ({}, [], "general.architecture is missing"),
        ({"general.architecture": "llama", "x": []}, [], "x is an empty list"),
        ({"general.architecture": "llama", "x": [1, "a"]}, [], "x mixes types"),
        ({"general.architecture": "llama", "x": [True, 1]}, [], "x mixes types"),
        ({"general.architecture": "llama", "x": None}, [], "x is a NoneType"),
        ({"general.architecture": "llama", "x": 2**64}, [], "at most 64 bits"),
        ({"general.architecture": "llama", "general.alignment": 0}, [], "general.alignment is 0"),
        ({"general.architecture": "llama"}, [("t", (256,), "Q9_Z")], "tensor t: unknown type 'Q9_Z'"),
        ({"general.architecture": "llama"}, [("t", (100,), "Q4_K")], "tensor t: rows of 100"),
        ({"general.architecture": "llama"}, [("t", (), "F32")], "tensor t: shape"),
        ({"general.architecture": "llama"}, [("t", (1, 1, 1, 1, 1), "F32")], "tensor t: shape"),
    ],
)
def test_what_gguf_cannot_hold_is_refused(
    tmp_path: Path, metadata: dict[str, object], tensors: list[tuple[str, tuple[int, ...], str]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_header(tmp_path / "model.gguf", metadata, tensors)
    assert not (tmp_path / "model.gguf").exists()
