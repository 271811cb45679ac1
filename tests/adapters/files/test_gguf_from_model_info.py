"""A header from Ollama's answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.from_model_info import header_from_model_info
from truelimit.domain.model import Tensor
from truelimit.domain.provenance import Basis
from truelimit.units import Bytes

SAMPLE = Path(__file__).parents[2] / "samples" / "ollama-show" / "gemma3-270m.json"


def test_recorded_answer() -> None:
    answer = json.loads(SAMPLE.read_text(encoding="utf-8"))
    header = header_from_model_info(answer["model_info"], answer["tensors"], "http://127.0.0.1:11434/api/show")
    assert (header.architecture, header.basis, header.file_bytes) == ("gemma3", Basis.REPORTED, None)
    assert header.native_context is not None
    assert header.native_context.value == 32768
    assert header.get("attention.sliding_window") == 512
    assert "tokenizer.ggml.tokens" not in header.metadata
    assert len(header.tensors) == 14
    assert header.tensors[1] == Tensor("token_embd.weight", (640, 262144), "Q8_0", Bytes(178257920))


def test_arrays_of_a_verbose_answer() -> None:
    info = {
        "general.architecture": "x",
        "x.attention.head_count_kv": [8, 0, 8],
        "x.flags": [True, False],
        "x.scales": [1, 0.5],
        "tokenizer.ggml.tokens": ["a", "b"],
        "tokenizer.ggml.token_type": [1] * 5000,
        "odd": {"a": 1},
    }
    header = header_from_model_info(info, None, "show")
    assert dict(header.metadata) == {
        "general.architecture": "x",
        "x.attention.head_count_kv": (8, 0, 8),
        "x.flags": (True, False),
        "x.scales": (1.0, 0.5),
        "tokenizer.ggml.tokens.count": 2,
        "tokenizer.ggml.token_type.count": 5000,
    }
    assert header.tensors == ()
    assert header.weights_bytes is None


INFO: dict[str, object] = {"general.architecture": "x"}


@pytest.mark.parametrize(
    ("info", "tensors", "message"),
    [
        ({}, None, "no general.architecture"),
        ({"general.architecture": None}, None, "no general.architecture"),
        (INFO | {"x.attention.head_count_kv": None}, None, "head_count_kv is null.*verbose"),
        (INFO | {"x.feed_forward_length": None}, None, "feed_forward_length is null"),
        (INFO, [{"name": "t", "type": "Q4_K"}], r"tensors\[0\]: no usable name and shape"),
        (INFO, ["t"], r"tensors\[0\]: no usable name and shape"),
        (INFO, [{"name": "t", "type": "Q4_K", "shape": [256, -1]}], "not made of positive ints"),
        (INFO, [{"name": "t", "type": "Q4_K", "shape": [True]}], "not made of positive ints"),
        (INFO, [{"name": "t", "type": "unknown", "shape": [256]}], "unknown type of 't': 'unknown'"),
        (INFO, [{"name": "t", "type": "Q4_K", "shape": [100]}], "'t': rows of 100"),
    ],
)
def test_what_cannot_be_understood_is_an_error(info: dict[str, object], tensors: list[object], message: str) -> None:
    with pytest.raises(GgufError, match=message):
        header_from_model_info(info, tensors, "show")  # type: ignore[arg-type]


def test_irrelevant_null_array_is_left_out() -> None:
    header = header_from_model_info(INFO | {"x.rope.dimension_sections": None}, None, "show")
    assert header.get("rope.dimension_sections") is None
