"""Headers of model files, kept for the next run: a vocabulary of 250,000 words takes longer to pass over than a log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.store.evidence_cache import active
from truelimit.adapters.store.evidence_codec import Codec, CodecError
from truelimit.domain.model import ModelHeader, Tensor
from truelimit.domain.provenance import Basis
from truelimit.units import KIB

READER = "header of a model"
_LEAST_FILE = 64 * KIB  # a header alone, as bundles hold it, is worth keeping too
_CODEC = Codec(Tensor, Basis)


def read_kept_header(path: Path) -> ModelHeader:
    """Return the header of a local model as ``read_header`` does, from what an earlier run kept where it holds.

    Raises GgufError as ``read_header`` does. Of a model in several files nothing is kept.
    """
    cache = active()
    status = _status(path)
    if cache is None or status is None:
        return read_header(path)
    kept = cache.find(READER, path, status, least=_LEAST_FILE)
    if kept is not None and kept.is_same and (known := _made(path, kept.state)) is not None:
        return known
    header = read_header(path)
    if header.file_bytes == status.st_size:
        cache.keep(READER, path, status, status.st_size, _state(header), least=_LEAST_FILE)
    return header


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _state(header: ModelHeader) -> dict[str, Any]:
    return {
        "basis": _CODEC.encode(header.basis),
        "architecture": header.architecture,
        "metadata": {key: list(value) if isinstance(value, tuple) else value for key, value in header.metadata.items()},
        "tensors": _CODEC.rows(header.tensors),
        "bytes": header.file_bytes,
        "missing_bytes": header.missing_bytes,
    }


def _made(path: Path, state: Any) -> ModelHeader | None:
    """Return the header of a kept state, or None where it cannot be read."""
    try:
        metadata = {key: tuple(value) if isinstance(value, list) else value for key, value in state["metadata"].items()}
        tensors = tuple(_CODEC.made_rows(state["tensors"]))
        basis = _CODEC.decode(state["basis"])
        size, missing = state["bytes"], state["missing_bytes"]
        return ModelHeader(str(path), basis, state["architecture"], metadata, tensors, size, missing_bytes=missing)
    except (CodecError, ValueError, TypeError, KeyError, IndexError, AttributeError, MemoryError):
        return None
