"""The header of a model file written anew: numbers and shapes, without vocabulary, templates and weights."""

from __future__ import annotations

import math
from pathlib import Path

from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.files.gguf.write import write_header
from truelimit.domain.model import MetadataValue, ModelHeader

# Texts in metadata that tell of the model's kind; all others (chat templates, authors, addresses) are left out.
_TEXTS = (
    "general.architecture",
    "general.name",
    "general.basename",
    "general.finetune",
    "general.size_label",
    "general.type",
    "tokenizer.ggml.model",
    "tokenizer.ggml.pre",
)
_TEXT_ENDS = (".rope.scaling.type",)
_LARGEST_FLOAT = 3.4e38


def copy_header(source: Path, target: Path, redact: Redactor) -> ModelHeader:
    """Write the header of a model file (of all its parts, where it is split) to ``target``, and return it.

    Raises GgufError for a file that has none, ValueError for one that cannot be written anew, OSError as the system.
    """
    header = read_header(source)
    metadata = {key: value for key, value in header.metadata.items() if _is_kept(key, value, redact)}
    rows = [(tensor.name, tensor.shape, tensor.type_name) for tensor in header.tensors]
    write_header(target, metadata, rows)
    redact.drop("weights, vocabularies and chat templates of models")
    return header


def is_text_kept(key: str) -> bool:
    """Return whether a text of metadata tells of the model's kind."""
    return key in _TEXTS or key.endswith(_TEXT_ENDS)


def _is_kept(key: str, value: MetadataValue, redact: Redactor) -> bool:
    if key.startswith("split."):
        return False
    if isinstance(value, str):
        return is_text_kept(key) and redact.title(value) == value.strip()
    if isinstance(value, tuple):
        return len(value) > 0 and all(_is_single(item) for item in value if isinstance(item, float))
    return not isinstance(value, float) or _is_single(value)


def _is_single(value: float) -> bool:
    return not math.isfinite(value) or abs(value) <= _LARGEST_FLOAT
