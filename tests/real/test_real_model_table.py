"""A real llama.cpp engine as the judge of the table: it takes the tensors that are built for each model.

The engine loads a file of the built tensors without their numbers, and prints the parameters, the size of the file
and its cache; a tensor that is missing or of another shape ends the load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_real_kv_oracle import CASES, _near, _read, _run, engine_missing

from truelimit.adapters.files.gguf.write import write_header
from truelimit.domain.model import ModelHeader
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import kv_cache
from truelimit.perf.quantization import default_quantization, tensors_at
from truelimit.perf.tensor_table.build import SHARED_VALUES
from truelimit.perf.tensor_table.recipes import RECIPES
from truelimit.tables.models import model_entries
from truelimit.units import GIB, MIB, to_mib

ATTEMPTS = 4
# What the engine asks for beside the keys of the table: none of it changes a size.
ALWAYS = {"attention.layer_norm_rms_epsilon": 1e-6, "attention.layer_norm_epsilon": 1e-5}
EXPERTS = {"expert_gating_func": 1, "expert_weights_scale": 1.0, "expert_weights_norm": True}
WINDOWS = {"rope.freq_base_swa": 10000.0}
EXTRA: dict[str, dict[str, object]] = {
    "deepseek2": {"expert_gating_func": 2},
    "deepseek32": {"expert_gating_func": 2},
    "deepseek4": {
        "expert_gating_func": 4,
        "attention.compress_rope_freq_base": 160000.0,
        "hyper_connection.sinkhorn_iterations": 20,
        "hyper_connection.epsilon": 1e-6,
    },
    "gemma4": {**WINDOWS, "rope.dimension_count": 512, "rope.dimension_count_swa": 256},
    "glm-dsa": {"expert_gating_func": 2},
    "glm4moe": {"expert_gating_func": 2},
    "granite": {"logit_scale": 16.0},
    "mimo2": {**WINDOWS, "expert_gating_func": 2},
    "minimax-m2": {"expert_gating_func": 2},
    "minimax-m3": {
        "expert_gating_func": 2,
        "attention.indexer.block_size": 128,
        "attention.indexer.local_blocks": 1,
        "attention.indexer.init_blocks": 0,
        "rope.dimension_count": 64,
    },
    "nemotron_h_moe": {"expert_gating_func": 2},
    "qwen35": {"rope.dimension_sections": [11, 11, 10, 0]},
    "qwen35moe": {"rope.dimension_sections": [11, 11, 10, 0]},
    "qwen3vl": {"rope.dimension_sections": [24, 20, 20, 0]},
    "qwen3vlmoe": {"rope.dimension_sections": [24, 20, 20, 0]},
    "step35": {**WINDOWS, "expert_gating_func": 2},
}
OWN_KEYS = (SHARED_VALUES, "attention.has_query_norms")


def distinct() -> Iterator[tuple[str, ModelHeader]]:
    """Yield the models of the table whose tensors can be built, each shape once."""
    seen = set()
    for entry in model_entries():
        header = entry.header
        told = tuple(sorted((key, str(value)) for key, value in header.metadata.items() if not _is_about_length(key)))
        if header.architecture in RECIPES and told not in seen:
            seen.add(told)
            yield entry.id, header


def _is_about_length(key: str) -> bool:
    return key.startswith("general.name") or "context_length" in key or "rope.scaling" in key


def metadata(header: ModelHeader) -> dict[str, object]:
    """The metadata of a file that the engine takes."""
    name = header.architecture
    extra = {**ALWAYS, **(EXPERTS if header.get("expert_count") else {}), **EXTRA.get(name, {})}
    if header.get("attention.indexer.head_count"):
        extra["attention.indexer.top_k"] = 512
    if name == "deepseek4":
        extra["swiglu_clamp_exp"] = [10.0] * int(str(header.get("block_count")))
    left_out = {f"{name}.{key}" for key in (*OWN_KEYS, "rope.scaling.type")}
    kept = {key: value for key, value in header.metadata.items() if key not in left_out}
    found = {f"{name}.{key}": value for key, value in extra.items()} | kept
    found["tokenizer.ggml.model"] = "none"
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


@pytest.fixture(autouse=True)
def _engine() -> None:
    if reason := engine_missing():
        pytest.skip(reason)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "header"), tuple(distinct()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_engine_takes_the_built_tensors(name: str, header: ModelHeader, tmp_path: Path) -> None:
    tensors = tensors_at(header, default_quantization(header))
    path = tmp_path / f"{name}.gguf"
    write_header(path, metadata(header), tuple((t.name, t.shape, t.type_name) for t in tensors), sparse=True)
    case = CASES["long"]
    for _ in range(ATTEMPTS):
        log = _run(path, case)
        answer = _read(log)
        if answer.kv or answer.state:
            break
    path.unlink()
    assert answer.kv or answer.state, re.findall(r"error[^\n]*", log)
    ours = kv_cache(layout_of(header), case.cache)
    assert _near(to_mib(ours.kv), answer.kv)
    assert _near(to_mib(ours.state), answer.state)
    ((size, unit),) = set(re.findall(r"file size\s+= ([\d.]+) ([GM]iB)", log))
    total = sum(item.n_bytes for item in tensors)
    assert float(size) == pytest.approx(total / (GIB if unit == "GiB" else MIB), abs=0.0051)
