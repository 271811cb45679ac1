"""The engine's own numbers, recorded: every row must come out of the formulas, KV to the hundredth of a MiB."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.shapes.shape import shape
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import SettingsRefusedError, layout_of
from truelimit.perf.compute_buffers import compute_buffer
from truelimit.perf.kv_cache import CacheSettings, kv_bytes_per_token, kv_cache
from truelimit.perf.memory import MemorySettings, memory_needed
from truelimit.units import to_mib

SAMPLES = Path(__file__).parents[1] / "samples" / "llamacpp_memory"
RUNS = [json.loads(line) for line in (SAMPLES / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
PROBES = json.loads((SAMPLES / "probes.json").read_text(encoding="utf-8"))["rows"]


def header(architecture: str, **keys: Any) -> ModelHeader:
    own = {f"{architecture}.{key.replace('__', '.')}": value for key, value in keys.items()}
    return ModelHeader("sample.gguf", Basis.MEASURED, architecture, own)


def attention(
    layers: int, context: int, embedding: int, width: int, heads: int, kv: int, **more: Any
) -> dict[str, Any]:
    return {
        "block_count": layers,
        "context_length": context,
        "embedding_length": embedding,
        "feed_forward_length": width,
        "attention__head_count": heads,
        "attention__head_count_kv": kv,
        **more,
    }


LONG = {"attention__key_length": 128, "attention__value_length": 128}
HEADERS = {
    "SmolLM2-135M-Instruct.Q4_1.gguf": header("llama", **attention(30, 8192, 576, 1536, 9, 3)),
    "gemma-3-270m-q4_k_m.gguf": header(
        "gemma3",
        **attention(18, 32768, 640, 2048, 4, 1),
        attention__key_length=256,
        attention__value_length=256,
        attention__sliding_window=512,
    ),
    "syn-qwen3moe-30b-a3b-geometry.gguf": header(
        "qwen3moe",
        **attention(48, 262144, 32, 32, 32, 4, **LONG),
        expert_count=8,
        expert_used_count=2,
        expert_feed_forward_length=32,
    ),
    "syn-llama3-8b-geometry.gguf": header("llama", **attention(32, 32768, 32, 32, 32, 8, **LONG)),
}
PROBED = {
    "Qwen3-Coder-30B-A3B Q4_K_M shape": "qwen3-coder-30b-a3b",
    "Llama-3.1-8B Q4_K_M-like shape": "llama-3-8b",
    "Llama-3.3-70B shape": "llama-3.3-70b",
    "Devstral-Small-24B shape": "devstral-24b",
    "Gemma-3-27B shape": "gemma-3-27b",
    "gpt-oss-20b shape": "gpt-oss-20b",
    "DeepSeek-V3 MLA geometry": "deepseek-v3",
    "Qwen3-Next-80B geometry": "qwen3-next-80b",
    "LFM2-1.2B geometry": "lfm2-1.2b",
}


def model_of(run: dict[str, Any]) -> ModelHeader:
    name = run["model"]
    return next(found for key, found in HEADERS.items() if key[:12] == name[:12])


def settings_of(run: dict[str, Any]) -> tuple[CacheSettings, bool]:
    given = run["settings"]
    context = int(given["n_ctx"])
    if context == 0:
        native = model_of(run).native_context
        assert native is not None
        context = 81152 if "fit" in run["name"] else native.value
    cache = CacheSettings(
        context,
        slots=int(given.get("n_parallel", 1)),
        unified=str(given.get("kv_unified", "true")).lower() == "true",
        kv_type_k=str(given.get("cache_type_k", "f16")).lower(),
        kv_type_v=str(given.get("cache_type_v", "f16")).lower(),
        ubatch=int(given.get("n_ubatch", 512)),
        swa_full=str(given.get("swa_full", "false")).lower() == "true",
    )
    return cache, given.get("flash_attn_type") != "DISABLED"


def sizes(lines: list[str]) -> list[float]:
    return [float(match) for line in lines for match in re.findall(r"size =\s+([\d.]+) MiB", line)]


LOADED = [run for run in RUNS if run["loaded"]]


def test_the_recording_is_whole() -> None:
    assert len(RUNS) == 60
    assert len(LOADED) == 59


@pytest.mark.parametrize("run", LOADED, ids=lambda run: run["name"])
def test_recorded_kv_cache_to_the_hundredth(run: dict[str, Any]) -> None:
    settings, flash = settings_of(run)
    found = kv_cache(layout_of(model_of(run)), settings, flash_attention=flash)
    lines = sizes(run["kv"])
    assert abs(to_mib(found.kv) - sum(lines)) <= 0.005 * len(lines) + 1e-9
    assert found.state == 0


@pytest.mark.parametrize("run", LOADED, ids=lambda run: run["name"])
def test_recorded_compute_buffer(run: dict[str, Any]) -> None:
    settings, flash = settings_of(run)
    model = model_of(run)
    found = compute_buffer(model, layout_of(model), settings, flash_attention=flash)
    (reported,) = sizes(run["compute"])
    assert to_mib(found.size) == pytest.approx(reported, rel=0.03 if flash else 0.06)


def test_quantised_values_without_flash_attention_are_refused_as_the_engine_did() -> None:
    (refused,) = (run for run in RUNS if not run["loaded"])
    settings, flash = settings_of(refused)
    assert not flash
    with pytest.raises(SettingsRefusedError, match="flash attention"):
        kv_cache(layout_of(model_of(refused)), settings, flash_attention=flash)


@pytest.mark.parametrize("row", PROBES, ids=lambda row: f"{row['model'][:14]}-{row['ctx']}-{row['context']}")
def test_probed_cache_and_state(row: dict[str, Any]) -> None:
    found = kv_cache(
        layout_of(shape(PROBED[row["model"]]).header()), _probe(row), flash_attention=row.get("fa") != "off"
    )
    assert int(to_mib(found.kv) + to_mib(found.state)) == row["context"]


@pytest.mark.parametrize(
    "row",
    [row for row in PROBES if "Next" not in row["model"]],
    ids=lambda row: f"{row['model'][:14]}-{row['ctx']}-{row['compute']}",
)
def test_probed_compute_buffer(row: dict[str, Any]) -> None:
    model = shape(PROBED[row["model"]]).header()
    found = compute_buffer(model, layout_of(model), _probe(row), flash_attention=row.get("fa") != "off")
    assert to_mib(found.size) == pytest.approx(row["compute"] + 0.5, rel=0.002, abs=0.6)


def _probe(row: dict[str, Any]) -> CacheSettings:
    kind = row["kv"]
    return CacheSettings(
        row["ctx"],
        slots=row.get("np", 1),
        unified=row.get("unified", False),
        kv_type_k=kind,
        kv_type_v=kind,
        ubatch=row.get("ubatch", 512),
        swa_full=row.get("swa_full", False),
    )


def test_the_incident_model_at_its_full_context() -> None:
    """Qwen3-Coder-30B-A3B Q4_K_M at 262,144: 17,691 + 24,576 + 344 MiB, as the engine's table said (42,610)."""
    need = memory_needed(
        shape("qwen3-coder-30b-a3b", "Q4_K_M").header(), MemorySettings(CacheSettings(262_144), prompt_cache=0)
    )
    assert to_mib(need.kv_cache) == 24_576
    assert int(to_mib(need.weights)) == 17_691
    assert to_mib(need.compute) == pytest.approx(344, abs=0.5)
    assert to_mib(need.total) == pytest.approx(42_610, abs=2)
    assert need.notes == ()


def test_bytes_of_one_token_side_by_side() -> None:
    """Published and probed bytes a token: LLaMA-3 8B has twice the KV heads of Qwen3-Coder-30B, not its layers."""
    expected = {
        "qwen3-coder-30b-a3b": 98_304,
        "llama-3-8b": 131_072,
        "devstral-24b": 163_840,
        "llama-3.3-70b": 327_680,
        "gemma-3-27b": 81_920,
        "gpt-oss-20b": 24_576,
        "deepseek-v3": 70_272,
        "qwen3-next-80b": 24_576,
        "lfm2-1.2b": 12_288,
        "deepseek-v3.2": 70_272 + 15_616,
        "mamba-2.8b": 0,
    }
    found = {name: kv_bytes_per_token(layout_of(shape(name).header())) for name in expected}
    assert found == expected
    old = kv_bytes_per_token(layout_of(shape("deepseek-v3-old").header()))
    assert old / expected["deepseek-v3"] == pytest.approx(71, abs=0.5)
    llama, qwen = (layout_of(shape(name).header()).groups[0] for name in ("llama-3-8b", "qwen3-coder-30b-a3b"))
    assert llama.kv_heads.value == 2 * qwen.kv_heads.value


# What Ollama 0.11.4 reported for SmolLM2 on a processor (no flash attention there): context, physical batch, MiB.
OLLAMA_0_11_4 = (
    (1024, 512, 97.12), (2048, 512, 98.25), (3072, 512, 98.25), (4096, 512, 98.25), (6144, 512, 124.51),
    (8192, 512, 164.51), (2048, 256, 49.12), (8192, 256, 82.25), (8192, 128, 41.13),
)  # fmt: skip


@pytest.mark.parametrize(("context", "ubatch", "mib"), OLLAMA_0_11_4)
def test_the_llama_cpp_in_ollama_takes_the_larger_of_layers_and_scores_of_words(
    context: int, ubatch: int, mib: float
) -> None:
    model = HEADERS["SmolLM2-135M-Instruct.Q4_1.gguf"]
    model = replace(model, metadata={**model.metadata, "llama.vocab_size": 49_152})
    settings = CacheSettings(context, ubatch=ubatch)
    made = compute_buffer(model, layout_of(model), settings, flash_attention=False, logits_reserved=True)
    assert to_mib(made.size) == pytest.approx(mib, rel=0.025)


def test_a_published_buffer_of_an_older_build_is_that_of_the_scores_alone() -> None:
    """505 MiB at a batch of 512 for 248,320 words; 132 MiB once they were no longer reserved.

    The publication names no width: 5,120 is that of the dense model with so many words, and gives 505 to the MiB.
    """
    keys = attention(64, 262_144, 5120, 17_408, 24, 4, **LONG)
    model = header("qwen3", **keys, vocab_size=248_320)
    made = compute_buffer(model, layout_of(model), CacheSettings(4096), logits_reserved=True)
    assert to_mib(made.size) == 505
