"""What llama-bench would print of a machine whose costs are known, in its forms (fields of builds of 2025 and 2026)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

A, B, C, D = 0.0004, 2e-8, 0.012, 1e-7
GPU = "NVIDIA GeForce RTX 4090"
DEPTHS = (0, 4096, 16384)
_WOBBLE = (0.99, 1.0, 1.01)


def read_seconds(tokens: int, depth: int) -> float:
    return A * tokens + B * (tokens * depth + tokens * tokens / 2)


def write_seconds(tokens: int, depth: int) -> float:
    return C * tokens + D * (tokens * depth + tokens * tokens / 2)


def rows(**changes: Any) -> list[dict[str, Any]]:
    return [_row(2048, 0, depth, **changes) for depth in DEPTHS] + [_row(0, 32, depth, **changes) for depth in DEPTHS]


def _row(prompt: int, wrote: int, depth: int, **changes: Any) -> dict[str, Any]:
    seconds = read_seconds(prompt, depth) if prompt else write_seconds(wrote, depth)
    samples = [round(seconds * wobble * 1e9) for wobble in _WOBBLE]
    return {
        "build_commit": "abcdef12",
        "build_number": 11434,
        "cpu_info": "AMD Ryzen 9 7950X 16-Core Processor",
        "gpu_info": GPU,
        "backends": "CUDA",
        "model_filename": "models/Model-7B-Q4_K_M.gguf",
        "model_type": "qwen2 7B Q4_K - Medium",
        "model_size": 4_677_120_000,
        "model_n_params": 7_615_616_512,
        "n_batch": 2048,
        "n_ubatch": 512,
        "n_threads": 8,
        "type_k": "f16",
        "type_v": "f16",
        "n_gpu_layers": -1,
        "n_cpu_moe": 0,
        "split_mode": "layer",
        "flash_attn": 1,
        "devices": "auto",
        "n_prompt": prompt,
        "n_gen": wrote,
        "n_depth": depth,
        "test_time": "2026-10-05T12:00:00Z",
        "avg_ns": round(seconds * 1e9),
        "stddev_ns": 1000,
        "avg_ts": (prompt or wrote) / seconds,
        "stddev_ts": 1.0,
        "samples_ns": samples,
        "samples_ts": [(prompt or wrote) / (value / 1e9) for value in samples],
        **changes,
    }


def printed(form: str, items: Sequence[dict[str, Any]] | None = None) -> str:
    chosen = list(items if items is not None else rows())
    if form == "json":
        return json.dumps(chosen, indent=2)
    if form == "jsonl":
        return "".join(json.dumps(item) + "\n" for item in chosen)
    if form == "csv":
        keys = [key for key in chosen[0] if not key.startswith("samples")]
        lines = [",".join(keys), *(",".join(f'"{item[key]}"' for key in keys) for item in chosen)]
        return "\n".join(lines) + "\n"
    return _markdown(chosen)


def _markdown(items: Sequence[dict[str, Any]]) -> str:
    lines = [
        "ggml_cuda_init: found 1 CUDA devices:",
        f"  Device 0: {GPU}, compute capability 8.9, VMM: yes",
        "| model | size | params | backend | ngl | fa | test | t/s |",
        "| ----- | ---: | -----: | ------- | --: | -: | ---: | --: |",
    ]
    for item in items:
        depth = f" @ d{item['n_depth']}" if item["n_depth"] else ""
        name = f"pp{item['n_prompt']}" if item["n_prompt"] else f"tg{item['n_gen']}"
        lines.append(
            f"| {item['model_type']:30} |   4.36 GiB |     7.62 B | CUDA       |  -1 |  1 | {name + depth:>15} "
            f"| {item['avg_ts']:12.2f} ± 1.00 |"
        )
    return "\n".join([*lines, "", "build: abcdef12 (11434)", ""])
