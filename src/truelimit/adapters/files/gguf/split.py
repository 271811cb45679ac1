"""Models in several files, ``NAME-00001-of-0000N.gguf``, and the making of one header from their parts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.parse import Parsed
from truelimit.domain.message import said
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.units import Bytes

_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
MOST_PARTS = 1024


def part_count(parsed: Parsed) -> int:
    """Return in how many files the model lies: ``split.count`` of the metadata, as the engine reads it; else 1."""
    count = parsed.metadata.get("split.count")
    return count if isinstance(count, int) and count > 1 else 1


def part_names(name: str, count: int, where: str) -> list[str]:
    """Return the names of all parts, given the name of one and the number of parts.

    Raises GgufError when the name does not tell the others, or contradicts the count.
    """
    match = _PART.search(name)
    if match is None or int(match[2]) != count or count > MOST_PARTS:
        raise GgufError(
            where,
            said("one of {number} parts of a model, by its split.count", number=count),
            said("a name that ends in -00001-of-{number:05}.gguf, beside the other parts", number=count),
            said("give the parts the names that they were published with"),
        )
    return [f"{name[: match.start()]}-{index:05}-of-{count:05}.gguf" for index in range(1, count + 1)]


def header_of(files: Sequence[tuple[Parsed, int]], where: str) -> ModelHeader:
    """Return one header of a model's files, each with its length in bytes: metadata of the first, tensors of all.

    Raises GgufError when the architecture is not given, or tensors are missing by ``split.tensors.count``.
    """
    parts = [part for part, _ in files]
    metadata = parts[0].metadata
    tensors = tuple(tensor for part in parts for tensor in part.tensors)
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise GgufError(
            where, said("no general.architecture"), said("a string such as 'llama'"), said("convert the model again")
        )
    promised = metadata.get("split.tensors.count", len(tensors))
    if len(parts) > 1 and promised != len(tensors):
        raise GgufError(
            where,
            said("the parts hold {tensors} tensors", tensors=len(tensors)),
            said("{promised} by split.tensors.count", promised=promised),
            said("download them again"),
        )
    size = Bytes(sum(length for _, length in files))
    missing = Bytes(sum(max(0, part.length - length) for part, length in files))
    return ModelHeader(where, Basis.MEASURED, architecture, metadata, tensors, size, missing_bytes=missing)
