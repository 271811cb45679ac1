"""Fields of a batch's case, checked: each error names the key, what it holds, and what was expected."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

from truelimit.domain.message import said
from truelimit.perf.rates.classes import engine_class

_MOST_TOKENS = 10**8


KEYS = (
    "id", "machine", "n_devices", "backend", "engine", "model", "kind", "n_tokens", "depth", "flash_attn", "kv_type",
    "split", "ubatch", "quant",
)  # fmt: skip


class CaseError(ValueError):
    """A case that cannot be answered; the text says which key, what it holds, and what was expected."""


def unused_keys(case: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a note on each key of a case that is none of ours: it was not used, and may be a slip of the pen."""
    found = []
    for key in sorted(str(key)[:60] for key in case if key not in KEYS):
        near = ", ".join(difflib.get_close_matches(key, KEYS, 2, 0.6))
        meant = said("; nearest: {near}", near=near) if near else ""
        found.append(said("the key {key!r} is not known and was not used{meant}", key=key, meant=meant))
    return tuple(found)


def one_of(case: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    """Return one of the known texts, in lower case. Raises CaseError for anything else."""
    value = case.get(key)
    if isinstance(value, str) and value.strip().lower() in known:
        return value.strip().lower()
    raise CaseError(f"{key} is {shown(value)}; expected {', '.join(known)}")


ENGINES = (
    "llama.cpp", "llama-server", "ollama", "lm-studio", "docker-model-runner", "jan", "llamafile", "ik_llama.cpp",
    "mlx", "mlx-lm", "mlx-vlm", "omlx", "vllm-mlx", "vllm", "sglang", "trt-llm", "tensorrt-llm", "exllamav2",
    "exllamav3", "mlc", "ds4",
)  # fmt: skip
_VERSION = re.compile(r"[-\s]v?\d[\w.]*\Z")


def engine_of(case: Mapping[str, Any], default: str) -> str:
    """Return the engine of a case, with or without a version. Raises CaseError with the nearest."""
    name = text(case, "engine", default)
    plain = _VERSION.sub("", name.lower().rstrip("?"))
    if plain in ENGINES or engine_class(plain) in ENGINES:
        return name
    near = difflib.get_close_matches(plain[:60], ENGINES, 3, 0.5)
    there = f"nearest: {', '.join(near)}" if near else f"expected one of {', '.join(ENGINES)}"
    raise CaseError(f"engine is {shown(name)}, which is not known; {there}")


def text(case: Mapping[str, Any], key: str, default: str) -> str:
    """Return a text, or the default where it is missing or empty. Raises CaseError for anything else."""
    value = case.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise CaseError(f"{key} is {shown(value)}; expected a text")
    return value.strip() or default


def whole(case: Mapping[str, Any], key: str, default: int, least: int = 1, most: int = _MOST_TOKENS) -> int:
    """Return a whole number within bounds, or the default where it is missing. Raises CaseError for anything else."""
    value = case.get(key)
    if value is None:
        return default
    whole = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not whole or value != int(value) or not least <= value <= most:
        raise CaseError(f"{key} is {shown(value)}; expected a whole number from {least} to {most:,}")
    return int(value)


def number(case: Mapping[str, Any], key: str, most: float) -> float | None:
    """Return a number above 0, or None where it is missing. Raises CaseError for anything else."""
    value = case.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise CaseError(f"{key} is {shown(value)}; expected a number above 0, at most {most:g}")
    return float(value)


def shown(value: object) -> str:
    """Return a value as an error shows it."""
    return "missing" if value is None else f"{value!r:.60}"
