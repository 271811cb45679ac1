from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.shapes.shape import names, shape
from truelimit.domain.calculation import evaluate
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import SettingsRefusedError, UnknownLayoutError, layout_of
from truelimit.perf.compute_buffers import compute_buffer, vocabulary
from truelimit.perf.kv_cache import CacheSettings
from truelimit.perf.memory import MemorySettings, largest_context, memory_needed
from truelimit.perf.weights import weights
from truelimit.units import GIB, Bytes, to_mib

QWEN = shape("qwen3-coder-30b-a3b", "Q4_K_M").header()


def asked(context: int = 262_144, **change: Any) -> MemorySettings:
    return MemorySettings(CacheSettings(context), **change)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("flash", [True, False])
def test_every_part_follows_from_its_printed_terms(name: str, flash: bool) -> None:
    need = memory_needed(shape(name).header(), asked(8192, flash_attention=flash, logits_reserved=True, os_share=GIB))
    for calculation, result in (
        (need.calculation, need.total),
        (need.cache_calculation, need.kv_cache + need.state),
        (need.compute_calculation, need.compute),
    ):
        again = evaluate(calculation.formula, {term.name: term.value for term in calculation.terms})
        assert again == calculation.result == result
    parts = (need.weights, need.kv_cache, need.state, need.compute, need.prompt_cache, need.os_share)
    assert need.total == sum(parts)
    assert need.os_share == GIB


def test_prompt_cache_and_system_are_added() -> None:
    plain = memory_needed(QWEN, asked())
    more = memory_needed(QWEN, asked(prompt_cache=8 * GIB, os_share=4 * GIB))
    assert more.total - plain.total == 12 * GIB


def test_weights_come_from_the_table_then_from_the_file() -> None:
    table = weights(QWEN)
    assert (table.value, table.basis) == (QWEN.weights_bytes, Basis.MEASURED)
    short = replace(QWEN, tensors=(), file_bytes=Bytes(18_556_000_000))
    assert (weights(short).value, weights(short).basis) == (18_556_000_000, Basis.DERIVED)
    with pytest.raises(UnknownLayoutError, match="neither a tensor table nor a file length"):
        weights(replace(short, file_bytes=None))
    with pytest.raises(UnknownLayoutError, match="neither"):
        memory_needed(replace(short, file_bytes=None), asked())


def test_losing_flash_attention_costs_16_gib_at_the_full_context() -> None:
    with_flash, without = (memory_needed(QWEN, asked(flash_attention=flash)).compute for flash in (True, False))
    assert to_mib(with_flash) == pytest.approx(344, abs=0.5)
    assert to_mib(without) == pytest.approx(16_934, abs=1)


def test_older_builds_reserve_the_scores_of_all_words_in_the_room_of_the_layers() -> None:
    scores = 512 * 4 * (151_936 + 2 * 2048)
    for context, enough in ((4096, False), (262_144, True)):
        new, old = (memory_needed(QWEN, asked(context, logits_reserved=kept)).compute for kept in (False, True))
        assert (new >= scores) is enough
        assert old == max(new, scores)


def test_the_vocabulary_may_be_told_by_the_embedding() -> None:
    bare = replace(QWEN, metadata={k: v for k, v in QWEN.metadata.items() if not k.endswith("vocab_size")})
    assert vocabulary(bare).value == 151_936
    with pytest.raises(UnknownLayoutError, match="vocab_size is missing"):
        vocabulary(replace(bare, tensors=()))


@pytest.mark.parametrize("name", ["qwen3-coder-30b-a3b", "llama-3-8b", "gemma-3-27b", "deepseek-v3", "gpt-oss-20b"])
def test_verified_formulas_are_derived_and_need_no_note(name: str) -> None:
    model = shape(name).header()
    found = compute_buffer(model, layout_of(model), CacheSettings(8192))
    assert found.note == ""
    assert found.calculation.basis is Basis.DERIVED or found.calculation.basis is Basis.SPECIFIED
    assert memory_needed(model, asked(8192)).notes == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("deepseek-v3.2", "attention.indexer.key_length"),
        ("gemma-3n-e4b", "embedding_length_per_layer_input"),
        ("mamba-2.8b", "not verified"),
        ("glm-4.5-air", "not verified"),
        ("deepseek-v3-old", "not verified"),
    ],
)
def test_an_assumed_formula_says_so(name: str, words: str) -> None:
    need = memory_needed(shape(name).header(), asked(8192))
    assert need.compute_calculation.basis is Basis.ASSUMED
    assert need.calculation.basis is Basis.ASSUMED
    assert any(words in note for note in need.notes)
    assert need.cache_calculation.basis is not Basis.ASSUMED


def test_a_layout_that_no_engine_confirmed_says_so() -> None:
    known = shape("rwkv7-7b").header()
    own = {key.replace("rwkv7.", "arwkv7."): value for key, value in known.metadata.items()}
    need = memory_needed(replace(known, architecture="arwkv7", metadata=own), asked(8192))
    assert any("no engine confirmed it" in note for note in need.notes)


def test_refused_settings_and_unknown_models_are_errors_with_reasons() -> None:
    settings = MemorySettings(CacheSettings(8192, kv_type_v="q4_0"), flash_attention=False)
    with pytest.raises(SettingsRefusedError, match="flash attention"):
        memory_needed(QWEN, settings)
    with pytest.raises(UnknownLayoutError, match="no rule is known"):
        largest_context(replace(QWEN, architecture="wonder"), asked(), 10**12)


def test_the_largest_context_of_the_incident_machine() -> None:
    """48 GiB (three quarters of 64) hold the full native context with room; 30 GiB do not."""
    assert largest_context(QWEN, asked(os_share=4 * GIB), 48 * GIB) == 262_144
    found = largest_context(QWEN, asked(os_share=4 * GIB), 30 * GIB)
    assert found is not None
    assert found % 256 == 0
    assert 80_000 < found < 100_000


def test_no_context_is_none() -> None:
    assert largest_context(QWEN, asked(), 17 * GIB) is None
    bare = {key: value for key, value in QWEN.metadata.items() if not key.endswith("context_length")}
    assert largest_context(replace(QWEN, metadata=bare), asked(), 10**12) is None


@given(st.sampled_from(names()), st.integers(0, 300 * GIB), st.sampled_from(["f16", "q8_0"]), st.integers(1, 4))
@settings(deadline=None, max_examples=80)
def test_the_largest_context_fits_and_the_next_does_not(name: str, budget: int, kind: str, slots: int) -> None:
    model = shape(name).header()
    native = model.native_context
    assert native is not None
    wanted = MemorySettings(CacheSettings(1, slots=slots, kv_type_k=kind, kv_type_v=kind))
    found = largest_context(model, wanted, budget)

    def total(context: int) -> int:
        return memory_needed(model, replace(wanted, cache=replace(wanted.cache, context=context))).total

    if found is None:
        assert total(256) > budget
    else:
        assert found % 256 == 0
        assert total(found) <= budget
        assert found + 256 > native.value or total(found + 256) > budget


@given(st.sampled_from(names()), st.integers(1, 200_000), st.integers(1, 200_000))
@settings(deadline=None, max_examples=100)
def test_more_context_never_needs_less_memory(name: str, one: int, two: int) -> None:
    small, large = sorted((one, two))
    model = shape(name).header()
    for flash in (True, False):
        sizes = [memory_needed(model, asked(context, flash_attention=flash)).total for context in (small, large)]
        assert sizes[0] <= sizes[1]


@given(st.sampled_from(names()), st.integers(1, 2**17))
@settings(deadline=None, max_examples=60)
def test_flash_attention_never_costs_compute(name: str, context: int) -> None:
    model = shape(name).header()
    on, off = (memory_needed(model, asked(context, flash_attention=flash)).compute for flash in (True, False))
    assert on <= off
