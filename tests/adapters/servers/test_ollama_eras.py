from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.servers.ollama import eras
from truelimit.domain.provenance import Basis
from truelimit.domain.server import Engine
from truelimit.units import GIB


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.15.5", (0, 15, 5)),
        ("0.15.5-rc1", (0, 15, 5)),
        ("v0.33.0-rc2", (0, 33, 0)),
        ("0.16", (0, 16, 0)),
        (" 0.11.4 \n", (0, 11, 4)),
        ("0.6.7+git", (0, 6, 7)),
        ("0.0.0", None),
        ("", None),
        (None, None),
        ("dev", None),
        ("1.2.3.4", None),
        ("0.9999999999.1", None),
    ],
)
def test_versions_are_read_or_called_unknown(text: str | None, number: tuple[int, int, int] | None) -> None:
    assert eras.parse_version(text) == number


@given(st.text(max_size=30))
@settings(deadline=None)
def test_any_text_as_version_gives_an_answer(text: str) -> None:
    assert eras.era(text) in {None, Engine.OLLAMA_RUNNER, Engine.LLAMA_SERVER}


@pytest.mark.parametrize(
    ("version", "engine", "context", "tiers"),
    [
        ("0.5.13", Engine.OLLAMA_RUNNER, 2048, False),
        ("0.6.6", Engine.OLLAMA_RUNNER, 2048, False),
        ("0.6.7", Engine.OLLAMA_RUNNER, 4096, False),
        ("0.15.4", Engine.OLLAMA_RUNNER, 4096, False),
        ("0.15.5", Engine.OLLAMA_RUNNER, None, True),
        ("0.24.0", Engine.OLLAMA_RUNNER, None, True),
        ("0.30.0", Engine.LLAMA_SERVER, None, True),
        ("0.0.0", None, None, None),
    ],
)
def test_engine_and_default_context_follow_the_version(
    version: str, engine: Engine | None, context: int | None, tiers: bool | None
) -> None:
    found = eras.default_context(version)
    assert eras.era(version) is engine
    assert (found.value if found else None) == context
    assert eras.has_tiers(version) is tiers
    if found:
        assert found.basis is Basis.SPECIFIED
        assert version in found.where


def test_tiers_change_at_23_and_47_gib() -> None:
    assert [eras.tier(round(gib * GIB)) for gib in (0, 22.9, 23, 46.9, 47, 51.8)] == [
        4096, 4096, 32768, 32768, 262144, 262144,
    ]  # fmt: skip


def test_one_slot_by_default_from_0_10() -> None:
    old, new = eras.default_parallel("0.9.6"), eras.default_parallel("0.10.0")
    assert old is None
    assert new is not None
    assert new.value == 1
    assert eras.default_parallel("0.0.0") is None


@pytest.mark.parametrize(
    ("version", "architecture", "on"),
    [
        ("0.11.4", "qwen3moe", False),
        ("0.12.3", "qwen3moe", False),
        ("0.12.4", "qwen3moe", True),
        ("0.16.1", "qwen3moe", True),
        ("0.16.1", "gemma3", True),
        ("0.11.8", "gptoss", True),
        ("0.16.1", "llama", False),
        ("0.0.0", "llama", None),
        ("0.16.1", None, None),
    ],
)
def test_the_runner_gives_flash_attention_by_architecture(
    version: str, architecture: str | None, on: bool | None
) -> None:
    found = eras.default_flash_attention(version, eras.era(version), architecture)
    assert (found.value if found else None) is on


def test_llama_server_decides_flash_attention_and_keeps_8_gib_of_prompts() -> None:
    flash = eras.default_flash_attention("0.30.0", Engine.LLAMA_SERVER, None)
    cache = eras.default_prompt_cache("0.30.0", Engine.LLAMA_SERVER)
    none = eras.default_prompt_cache("0.24.0", Engine.OLLAMA_RUNNER)
    assert flash is not None
    assert flash.value
    assert cache is not None
    assert cache.value == 8 * GIB
    assert none is not None
    assert none.value == 0


@pytest.mark.parametrize(("total", "batch"), [(4096, 512), (8192, 1024), (32768, 1024), (65536, 2048), (262144, 2048)])
def test_automatic_batch_follows_the_context_over_all_slots(total: int, batch: int) -> None:
    # "-c 8192 -np 2 ... -b 1024 -ub 1024" and "-c 65536 -np 1 ... -b 2048 -ub 2048" are launch lines of 0.30 and later.
    found = eras.default_batch("0.33.0", Engine.LLAMA_SERVER, total)
    assert found is not None
    assert found.value == batch
    runner = eras.default_batch("0.24.0", Engine.OLLAMA_RUNNER, total)
    assert runner is not None
    assert runner.value == 512
