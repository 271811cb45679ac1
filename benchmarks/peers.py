"""The same cases through other estimators, where they can answer: llmfit 1.1.17 and llama-mdl 0.14.0.

llmfit takes a profile of any machine as JSON and a model of its own list: ``plan`` gives its decode rate, ``info`` one
prefill rate for all prompts. llama-mdl plans for the machine that it runs on alone: it cannot answer.
Found on PATH, or in the folder that ``--peers`` names (``python -m venv`` and ``pip install llmfit==1.1.17`` make one).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.runs import Run
from benchmarks.scores import Miss
from truelimit.units import TERA, to_gb_per_s, to_gib

_NAMES = {
    "llama-2-7b": "meta-llama/Llama-2-7b-hf",
    "llama-3-8b": "meta-llama/Meta-Llama-3-8B",
    "llama-3-70b": "meta-llama/Llama-3.1-70B",
    "llama-3.2-1b": "meta-llama/Llama-3.2-1B",
    "gpt-oss-20b": "openai/gpt-oss-20b",
    "gpt-oss-120b": "openai/gpt-oss-120b",
    "qwen3-30b-a3b": "Qwen/Qwen3-30B-A3B",
    "qwen3-32b": "Qwen/Qwen3-32B",
    "qwen3-8b": "Qwen/Qwen3-8B",
    "qwen3.6-27b": "Qwen/Qwen3.6-27B",
    "qwen2.5-14b": "Qwen/Qwen2.5-14B-Instruct",
    "gemma-3-27b": "google/gemma-3-27b-it",
}
_QUANTS = {"Q4_0": "Q4_0", "Q4_K_M": "Q4_K_M", "Q8_0": "Q8_0", "F16": "F16", "Q6_K": "Q6_K", "MXFP4": "Q4_K_M"}
MDL = "llama-mdl 0.14.0: cannot answer (it plans for the machine that it runs on alone)"


def find(folder: Path | None) -> str | None:
    """Return the path of llmfit, or None where there is none."""
    return shutil.which("llmfit", path=str(folder)) if folder else shutil.which("llmfit")


def version(program: str) -> str:
    """Return what the program calls itself."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() or "llmfit"


def llmfit(program: str, runs: Sequence[Run]) -> list[Miss]:
    """Return the misses of llmfit's rates for the runs that it can answer."""
    found, rates = [], dict[tuple[str, str, str], float | None]()
    with tempfile.TemporaryDirectory() as folder:
        for run in runs:
            key = (run.device, _NAMES.get(run.model, ""), _QUANTS.get(run.case.shape.quantization, ""))
            if not key[1] or not key[2] or run.case.backend == "cpu":
                continue
            if key not in rates:
                rates[key] = _rate(program, run, key, Path(folder))
            rate = rates[key]
            if rate:
                found.append(Miss(run, rate / run.rate - 1))
    return found


def _rate(program: str, run: Run, key: tuple[str, str, str], folder: Path) -> float | None:
    name = "machine"
    (folder / f"{name}.json").write_text(json.dumps(_profile(run, name)), encoding="utf-8")
    command = [program, "--profile", str(folder / f"{name}.json"), "--no-dashboard"]
    if run.kind == "pp":
        told = _told([*command, "info", key[1], "--json"])
        return next((model.get("prefill_tps") for model in told.get("models", [])), None)
    told = _told([*command, "plan", key[1], "--context", "512", "--quant", key[2], "--json"])
    return next((path["estimated_tps"] for path in told.get("run_paths", []) if path["path"] == "gpu"), None)


def _told(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(list(command), capture_output=True, text=True, check=False, timeout=60)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return {}


def _profile(run: Run, name: str) -> dict[str, object]:
    device = run.case.device
    memory = max((to_gib(size) for size in device.memory_options), default=64.0)
    hardware: dict[str, object] = {
        "total_ram_gb": max(memory, 64.0),
        "unified_memory": device.kind == "unified",
        "gpu_memory_bandwidth_gbps": to_gb_per_s(device.bandwidth.value) if device.bandwidth else 0.0,
        "ddr_bandwidth_gbps": 80.0,
    }
    if device.fp16:
        hardware["gpu_compute_tflops_fp16"] = device.fp16.value / TERA
    return {"name": name, "schema_version": 1, "hardware": hardware, "match": {"gpu_name_contains": device.name}}
