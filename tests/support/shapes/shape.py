"""Models of true shape without weights: metadata and tensor table of each, kept in ``models/*.json``.

Sizes are those that the makers published for these models (``... geometry`` in a name: the layout is real, some
sizes are not published). The tensor names and shapes are those that a real engine (llama.cpp b11549) asked for when it
was given the metadata.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from truelimit.adapters.files.gguf.types import TENSOR_TYPES_BY_NAME
from truelimit.adapters.files.gguf.write import write_header
from truelimit.domain.model import ModelHeader, Tensor
from truelimit.domain.provenance import Basis
from truelimit.units import Bytes

MODELS = Path(__file__).parent / "models"
TensorRow = tuple[str, tuple[int, ...], str]


@dataclass(frozen=True, slots=True)
class Shape:
    """One model: its own metadata keys carry the architecture's prefix."""

    id: str
    name: str
    architecture: str
    metadata: dict[str, Any]
    tensors: tuple[TensorRow, ...]

    def header(self) -> ModelHeader:
        """Return what a reader of its file would give."""
        tensors = tuple(
            Tensor(name, shape, kind, Bytes(TENSOR_TYPES_BY_NAME[kind].stored_bytes(shape)))
            for name, shape, kind in self.tensors
        )
        metadata = {key: tuple(value) if isinstance(value, list) else value for key, value in self.metadata.items()}
        return ModelHeader(f"{self.id}.gguf", Basis.MEASURED, self.architecture, metadata, tensors)

    def write(self, path: Path) -> Path:
        """Write the file without weights, at its full length, and return its path."""
        write_header(path, self.metadata, self.tensors, sparse=True)
        return path


def names() -> list[str]:
    """Return the ids of all shapes."""
    return sorted(path.stem for path in MODELS.glob("*.json"))


@cache
def shape(name: str, file_type: str = "F16") -> Shape:
    """Return a shape by its id; ``file_type`` F16, or Q4_K_M for the mix of types that quantisation gives."""
    data = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))
    architecture = data["architecture"]
    own = {f"{architecture}.{key}": value for key, value in data["metadata"].items()}
    general = {
        "general.architecture": architecture,
        "general.name": data["name"],
        "tokenizer.ggml.model": "none",
    }
    layers = [kind for count, kind in data["layers"] for _ in range(count)]
    rows = [(tensor, tuple(size)) for tensor, size in data["tensors"]["model"].items()]
    for layer, kind in enumerate(layers):
        rows += [(f"blk.{layer}.{tensor}", tuple(size)) for tensor, size in data["tensors"].get(kind, {}).items()]
    typed = [(tensor, size, _type(tensor, size, file_type, len(layers))) for tensor, size in rows]
    return Shape(name, data["name"], architecture, {**general, **own}, tuple(typed))


def _type(tensor: str, size: tuple[int, ...], file_type: str, layers: int) -> str:
    """Return the type of a tensor: vectors and states in F32, the rest by the type of the file."""
    if "tid2eid" in tensor:
        return "I32"
    if len(size) == 1 or any(part in tensor for part in ("ssm", "shortconv", "time_mix", "ffn_gate_inp")):
        return "F32"
    if file_type != "Q4_K_M" or math.prod(size) % 256:
        return "F16"
    return "Q6_K" if _needs_more_bits(tensor, layers) else "Q4_K"


def _needs_more_bits(tensor: str, layers: int) -> bool:
    """Tell whether Q4_K_M keeps a tensor in Q6_K: the output, and values and ffn_down of half of the layers."""
    if tensor == "output.weight":
        return True
    if not any(part in tensor for part in ("attn_v.", "ffn_down")):
        return False
    layer = int(tensor.split(".")[1])
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
