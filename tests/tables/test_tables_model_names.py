"""Names of hubs and servers: the model of the table that they mean, and the quantisation; never one of two."""

from __future__ import annotations

import pytest

from truelimit.tables.model_names import _ids, named_model
from truelimit.tables.models import model_entries


@pytest.mark.parametrize(
    ("name", "model", "quantization"),
    [
        ("qwen3-coder:latest", "qwen3-coder-30b-a3b", None),
        ("qwen3-coder:30b-a3b-q8_0", "qwen3-coder-30b-a3b", "Q8_0"),
        ("hf.co/unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M", "qwen3-coder-30b-a3b", "Q4_K_M"),
        ("huggingface.co/unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:UD-Q4_K_XL", "qwen3-coder-30b-a3b", "UD-Q4_K_XL"),
        ("unsloth/Qwen3-8B-GGUF", "qwen3-8b", None),
        ("mlx-community/Qwen3-8B-4bit", "qwen3-8b", "4bit"),
        ("llama3.1:8b-instruct-q4_K_M", "llama-3.1-8b", "Q4_K_M"),
        ("registry.ollama.ai/library/gemma3:12b-it-fp16", "gemma-3-12b", "FP16"),
        ("qwen3:30b-a3b-instruct-2507-q4_K_M", "qwen3-30b-a3b-2507", "Q4_K_M"),
        ("Qwen3-Coder-30B-A3B-Instruct", "qwen3-coder-30b-a3b", None),
    ],
)
def test_a_name_tells_model_and_quantisation(name: str, model: str, quantization: str | None) -> None:
    found = named_model(name)
    assert found is not None
    assert (found.entry.id, found.quantization, found.exact) == (model, quantization, False)
    (told,) = found.told(name, None)
    assert told == f"{name!r} is taken for {model} of the table" + (f" at {quantization}" if quantization else "")
    assert found.told(name, "Q2_K") == (f"{name!r} is taken for {model} of the table",)


@pytest.mark.parametrize(
    "name",
    [
        "qwen3:latest", "qwen3:q4_K_M", "someone/7b", "unsloth/Qwen3-8B-Finetune-GGUF", "gemma3:12b-it-qat",
        "./qwen3-8b:q8_0", "/models/qwen3-8b-gguf", "models/Qwen/Qwen3-8B-GGUF", "~/qwen3-8b-gguf", "Q4_K_M",
        ":", "-", "/", "hf.co/",
    ],
)  # fmt: skip
def test_a_name_that_means_none_or_several_is_not_guessed(name: str) -> None:
    assert named_model(name) is None


def test_names_of_the_table_are_taken_as_they_are() -> None:
    for entry in model_entries():
        for name in (entry.id, *entry.aliases):
            found = named_model(name)
            assert found is not None
            assert (found.entry.id, found.quantization, found.told(name, None)) == (entry.id, None, ())


def test_each_plain_name_means_one_model() -> None:
    """Two of the table with one plain name would both be out of reach by it."""
    assert [name for name, ids in _ids().items() if len(ids) > 1] == []
