"""Names: which are one model, and which numbers a name stands for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.limits.names import digest_in, label_for, normalise, same_digest, same_model, stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qwen3", "qwen3:latest"),
        ("Qwen3-Coder:30B", "qwen3-coder:30b"),
        ("registry.ollama.ai/library/llama3:8b", "llama3:8b"),
        ("hf.co/user/model", "HF.co/user/model:latest"),
        ("localhost:5000/me/x", "localhost:5000/me/x:latest"),
    ],
)
def test_one_model_under_two_names(one: str, other: str) -> None:
    assert same_model(one, other)


def test_tags_and_namespaces_tell_models_apart() -> None:
    assert not same_model("qwen3:30b", "qwen3:8b")
    assert not same_model("me/qwen3", "qwen3")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("qwen3-coder-30b:v-128k", 131_072),
        ("qwen3-coder-30b:v-128k", 128_000),
        ("llama3-8k:latest", 8192),
        ("model:ctx32k", 32_768),
        ("model-v128k", 131_072),
        ("x-262k", 262_144),
        ("x-256k-q4_k_m", 262_144),
        ("x-1M", 1_048_576),
        ("x-65536", 65_536),
    ],
)
def test_labels_stand_for_their_number(name: str, value: int) -> None:
    label = label_for(value, None, name)
    assert label is not None
    assert label.name == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("qwen3-coder:30b", 131_072),
        ("qwen3-coder-30b:v-128k", 65_536),
        ("model-q4_k_m", 4096),
        ("model-q4k", 4096),
        ("gemma3:270m", 262_144),
        ("qwen3-2507", 2508),
        ("v1.128k", 131_072),
    ],
)
def test_other_numbers_are_no_label(name: str, value: int) -> None:
    assert label_for(value, name) is None


@given(st.text(max_size=60), st.integers(-5, 10**9))
@settings(deadline=None)
def test_any_name_is_taken(name: str, value: int) -> None:
    label_for(value, name)
    assert normalise(normalise(name)) == normalise(name)


def test_digests_match_by_their_beginning() -> None:
    full = "blobs/sha256-" + "ab" * 32
    assert digest_in(full) == "ab" * 32
    assert same_digest(full, "sha256:" + "ab" * 8)
    assert not same_digest(full, "sha256:" + "cd" * 32)
    assert not same_digest(None, None)


def test_stems_of_files() -> None:
    assert stem(r"C:\models\Qwen3-00001-of-00003.GGUF") == "qwen3"
    assert stem("/m/x.gguf") == "x"
