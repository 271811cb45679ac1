"""What is kept of the name of a model."""

from __future__ import annotations

import pytest

from truelimit.adapters.work.model_names import kept


@pytest.mark.parametrize(
    "name",
    ["qwen3-coder:30b", "ollama/qwen3:30b", "hf.co/a/Qwen3-GGUF:Q4_K_M", "Qwen3 30B", "spark-x1-7b-2024-instruct", ""],
)
def test_a_name_stays_as_it_is(name: str) -> None:
    assert kept(name) == name


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [
        ("/home/me/models/Qwen3.gguf", "Qwen3.gguf"),
        ("C:\\Users\\me\\Qwen3.gguf", "Qwen3.gguf"),
        ("https://me:secret@host/v1?key=1#x", "https://host/v1"),
        ("sk-1234567890abcdefgh", "(removed)"),
        ("openai/ghp_0123456789abcdefABCDEF", "openai/(removed)"),
        ("a\nb", "a b"),
        ("x" * 500, "x" * 200),
    ],
)
def test_what_names_a_person_or_is_a_key_goes(name: str, is_kept: str) -> None:
    assert kept(name) == is_kept
