from __future__ import annotations

import contextlib
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.shapes.shape import names, shape
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import (
    DOCUMENTED_ARCHITECTURES,
    VERIFIED_ARCHITECTURES,
    UnknownLayoutError,
    layout_of,
)
from truelimit.perf.kv_cache import CacheSettings, kv_bytes_per_token, kv_cache
from truelimit.perf.layouts.table import RULES
from truelimit.perf.memory import MemorySettings, memory_needed


def header(architecture: str, keys: dict[str, Any], **rest: Any) -> ModelHeader:
    return ModelHeader(
        "m.gguf", Basis.MEASURED, architecture, {f"{architecture}.{k}": v for k, v in keys.items()}, **rest
    )


PLAIN: dict[str, Any] = {
    "block_count": 4,
    "context_length": 8192,
    "embedding_length": 1024,
    "feed_forward_length": 4096,
    "attention.head_count": 16,
    "attention.head_count_kv": 4,
}


def test_every_architecture_of_a_shape_is_called_verified() -> None:
    assert {shape(name).architecture for name in names()} == VERIFIED_ARCHITECTURES
    assert VERIFIED_ARCHITECTURES.isdisjoint(DOCUMENTED_ARCHITECTURES)
    assert set(RULES) == VERIFIED_ARCHITECTURES | DOCUMENTED_ARCHITECTURES
    assert layout_of(shape("llama-3-8b").header()).verified


def test_the_page_lists_what_is_verified_and_what_is_only_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "guides" / "memory.md").read_text(encoding="utf-8")
    lists = {"Confirmed": VERIFIED_ARCHITECTURES, "Read in the source only": DOCUMENTED_ARCHITECTURES}
    for title, expected in lists.items():
        paragraphs = page.split(f"### {title}")[1].split("\n#")[0].strip().split("\n\n")
        assert set(re.findall(r"`([^`]+)`", paragraphs[-1])) == expected


def test_a_head_length_that_is_not_in_the_file_is_derived_and_says_so() -> None:
    (group,) = layout_of(header("llama", PLAIN)).groups
    assert group.key_length.value == 64
    assert group.key_length.basis is Basis.DERIVED
    assert "default where the key is absent" in group.key_length.where
    given_length = {**PLAIN, "attention.key_length": 128, "attention.value_length": 128}
    (group,) = layout_of(header("llama", given_length)).groups
    assert (group.key_length.value, group.key_length.basis) == (128, Basis.MEASURED)
    assert kv_cache(layout_of(header("llama", PLAIN)), CacheSettings(256)).calculation.basis is Basis.DERIVED


@pytest.mark.parametrize(
    ("architecture", "change", "words"),
    [
        ("wonder-9", {}, "no rule is known for the cache of architecture 'wonder-9'"),
        ("bert", {}, "no rule is known"),
        ("llama", {"block_count": None}, "block_count is missing"),
        ("llama", {"block_count": 0}, "expected 1 to 512"),
        ("llama", {"block_count": -4}, "expected 1 to 512"),
        ("llama", {"block_count": True}, "expected an integer"),
        ("llama", {"block_count": 2**80}, "beyond 64 bits"),
        ("llama", {"block_count": 3.5}, "expected an integer"),
        ("llama", {"block_count": "32"}, "expected an integer"),
        ("llama", {"attention.head_count_kv": None}, "a short answer leaves lists out"),
        ("llama", {"attention.head_count_kv": (4, 4)}, "lists 2 values for 4 layers"),
        ("llama", {"attention.head_count_kv": (4, 4, 4, -4)}, "expected 0 to"),
        ("llama", {"attention.head_count_kv": (4, 4, 4, True)}, "expected an integer"),
        ("llama", {"attention.head_count_kv": (0, 0, 0, 0)}, "neither a KV cache nor a state"),
        ("llama", {"attention.head_count_kv": 0}, "neither a KV cache nor a state"),
        ("llama", {"attention.key_length": 0}, "expected 1 to"),
        ("llama", {"attention.head_count": None}, "head_count is missing"),
        ("llama", {"attention.head_count": 0}, "do not divide the embedding"),
        ("llama", {"nextn_predict_layers": 5}, "expected 0 to 4"),
        ("llama", {"attention.head_count_kv": 2**20, "attention.key_length": 2**10}, "beyond any model"),
        ("cohere2", {}, "sliding_window is missing"),
        ("gpt-oss", {"attention.sliding_window": 0}, "expected 1 to"),
        ("gemma3", {"attention.sliding_window": 512, "attention.sliding_window_pattern": 10**6}, "expected 0 to 512"),
        ("step35", {"attention.sliding_window": 512}, "expected a list, one for each layer"),
        ("step35", {"attention.sliding_window": 512, "attention.sliding_window_pattern": (True,)}, "1 values for 4"),
        ("step35", {"attention.sliding_window": 512, "attention.sliding_window_pattern": (7,) * 4}, "yes and no"),
        ("gemma3", {"attention.sliding_window": False}, "expected an integer"),
        ("gemma4", {"attention.shared_kv_layers": 9}, "expected 0 to 4"),
        ("deepseek2", {"attention.key_length_mla": 192}, "value_length_mla is missing"),
        ("deepseek2", {"attention.key_length_mla": 192, "attention.value_length_mla": 128}, "key_length is missing"),
        (
            "deepseek2",
            {
                "attention.key_length_mla": 192,
                "attention.value_length_mla": 128,
                "attention.key_length": 576,
                "attention.kv_lora_rank": 512,
                "rope.dimension_count": 32,
            },
            r"is 576, but kv_lora_rank \+ rope.dimension_count = 544",
        ),
        ("jamba", {}, "head_count_kv is no list"),
        ("mamba", {}, "ssm.conv_kernel is missing"),
        ("rwkv7", {"wkv.head_size": 0}, "expected 1 to"),
        ("qwen3next", {"full_attention_interval": 0}, "expected 1 to"),
        ("deepseek4", {}, "compress_ratios"),
        ("deepseek4", {"attention.compress_ratios": (0, 4, 128, 5)}, "other ratios"),
    ],
)
def test_nothing_is_guessed(architecture: str, change: dict[str, Any], words: str) -> None:
    keys = {key: value for key, value in {**PLAIN, **change}.items() if value is not None}
    with pytest.raises(UnknownLayoutError, match=words) as caught:
        layout_of(header(architecture, keys))
    assert str(caught.value) == caught.value.reason
    assert len(caught.value.reason) < 300


def test_missing_kv_heads_are_the_engines_default_only_in_a_whole_file() -> None:
    keys = {key: value for key, value in PLAIN.items() if key != "attention.head_count_kv"}
    whole = replace(shape("llama-3-8b").header(), metadata=header("gpt2", keys).metadata, architecture="gpt2")
    whole = replace(whole, tensors=tuple(t for t in whole.tensors if "attn_k" not in t.name))
    (group,) = layout_of(whole).groups
    assert group.kv_heads.value == 16


def test_a_tensor_table_that_contradicts_the_keys_is_refused() -> None:
    good = shape("qwen3-coder-30b-a3b").header()
    bad = replace(good, metadata={**good.metadata, "qwen3moe.attention.head_count_kv": 8})
    with pytest.raises(UnknownLayoutError, match=r"blk.0.attn_k.weight has 512 rows, but the keys give 8 heads of 128"):
        layout_of(bad)


def test_layers_for_drafting_keep_nothing_in_the_main_cache() -> None:
    (group,) = layout_of(shape("glm-4.5-air").header()).groups
    assert (group.layers.value, shape("glm-4.5-air").header().get("block_count")) == (46, 47)


@pytest.mark.parametrize(
    ("name", "full", "window"),
    [
        ("gemma-3-27b", 10, 52),
        ("gpt-oss-20b", 12, 12),
        ("gemma-2-9b", 21, 21),
        ("command-r7b", 8, 24),
        ("llama-4-scout", 12, 36),
        ("gemma-3n-e4b", 4, 16),
        ("gemma-4-e4b", 4, 20),
        ("mimo-v2-flash", 9, 39),
        ("afmoe-26b", 8, 24),
    ],
)
def test_layers_with_a_window(name: str, full: int, window: int) -> None:
    found = {group.name: group.layers.value for group in layout_of(shape(name).header()).groups}
    assert found == {"full": full, "window": window}


def test_a_layer_with_a_state_is_no_layer_with_a_cache() -> None:
    layout = layout_of(shape("nemotron-nano-9b-v2").header())
    assert [group.layers.value for group in layout.groups] == [4]
    assert [state.layers.value for state in layout.states] == [27]
    falcon = layout_of(shape("falcon-h1-7b").header())
    assert (falcon.groups[0].layers.value, falcon.states[0].layers.value) == (44, 44)


def test_qwen4_keeps_a_history_of_n_grams_where_it_has_them() -> None:
    known = shape("qwen3-next-80b").header()
    own = {key.replace("qwen3next", "qwen4exp"): value for key, value in known.metadata.items()}
    more = {"ple.layers": (1,), "ple.conv_kernel": 4, "ple.ngram_size": 3, "hyper_connection.count": 4}
    asked = replace(
        known, architecture="qwen4exp", metadata={**own, **{f"qwen4exp.{k}": v for k, v in more.items()}}, tensors=()
    )
    extra = kv_cache(layout_of(asked), CacheSettings(256)).state - kv_cache(layout_of(known), CacheSettings(256)).state
    assert extra == 3 * 3 * 4 * 2048 * 4


def test_bytes_of_a_token_leave_out_what_does_not_grow() -> None:
    layout = layout_of(shape("gemma-3-27b").header())
    grown = [kv_cache(layout, CacheSettings(context)).kv for context in (65_536, 65_536 + 256)]
    assert (grown[1] - grown[0]) / 256 == kv_bytes_per_token(layout) == 81_920


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(-3, 2**33), max_size=80).map(tuple),
    st.lists(st.booleans(), max_size=80).map(tuple),
)
KEYS = sorted(
    {key.partition(".")[2] for name in names() for key in shape(name).metadata if not key.startswith("general")}
)


@given(st.sampled_from(names()), st.dictionaries(st.sampled_from(KEYS), HOSTILE, min_size=1, max_size=4), st.booleans())
@settings(deadline=None, max_examples=400)
def test_hostile_keys_give_a_size_or_a_reason(name: str, change: dict[str, Any], table: bool) -> None:
    known = shape(name).header()
    own = {f"{known.architecture}.{key}": value for key, value in change.items()}
    hostile = replace(known, metadata={**known.metadata, **own}, tensors=known.tensors if table else (), file_bytes=1)
    # Any other exception fails the test: a size or a reason, nothing else.
    with contextlib.suppress(UnknownLayoutError):
        need = memory_needed(hostile, MemorySettings(CacheSettings(8192)))
        assert 0 < need.total < 2**54
        assert min(need.kv_cache, need.state, need.compute) >= 0


def test_huge_lists_take_no_time() -> None:
    huge = header(
        "llama", {**PLAIN, "attention.head_count_kv": (4,) * 2_000_000, "attention.head_count": (1,) * 2_000_000}
    )
    start = time.perf_counter()
    with pytest.raises(UnknownLayoutError, match="lists 2000000 values"):
        layout_of(huge)
    assert time.perf_counter() - start < 0.1
