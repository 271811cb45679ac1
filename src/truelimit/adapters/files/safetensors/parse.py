"""One safetensors header: eight bytes of length, then JSON with type, shape and place of each tensor.

Source: the format's README (github.com/huggingface/safetensors): a header has at most 100,000,000 bytes.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from truelimit.app.model import StoredWeights
from truelimit.domain.message import said
from truelimit.units import Bytes

LONGEST_HEADER = 100_000_000
MOST_TENSORS = 1_000_000
_LENGTH = 8
_MOST_DIMENSIONS = 8
_LARGEST = 2**63
_DO = said("download the file again, or name a GGUF file of the model")


class SafetensorsError(ValueError):
    """A safetensors file or its index is of no use: says where, what was found and what was expected."""

    def __init__(self, where: str, what: str, expected: str, do: str = _DO) -> None:
        """Keep the sentence."""
        super().__init__(
            said("{where}: {what}; expected {expected}; {do}", where=where, what=what, expected=expected, do=do)
        )


@dataclass(slots=True)
class Tally:
    """What tensors of several files add up to."""

    tensors: int = 0
    numbers: int = 0
    n_bytes: int = 0
    missing: int = 0
    by_type: Counter[str] = field(default_factory=Counter)

    def stored(self, where: str) -> StoredWeights:
        """Return the sum."""
        kinds = {kind: Bytes(size) for kind, size in self.by_type.most_common()}
        return StoredWeights(where, self.tensors, self.numbers, Bytes(self.n_bytes), kinds, Bytes(self.missing))


def header_length(start: bytes, where: str, file_bytes: int) -> int:
    """Return the length of the JSON after the first eight bytes. Raises SafetensorsError for another file."""
    length = int.from_bytes(start[:_LENGTH], "little")
    if len(start) < _LENGTH or not 2 <= length <= min(LONGEST_HEADER, max(0, file_bytes - _LENGTH)):
        raise SafetensorsError(where, said("no safetensors header at its start"), said("a length, then JSON"))
    return length


def add(tally: Tally, text: bytes, where: str, file_bytes: int | None = None) -> None:
    """Add the tensors of one header, and what a file of this length lacks of them (None: its length is not known).

    Raises SafetensorsError for a header that cannot be understood.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SafetensorsError(
            where, said("its header is no JSON ({name})", name=type(error).__name__), said("a safetensors file")
        ) from None
    if not isinstance(data, Mapping):
        raise SafetensorsError(where, said("its header is no table"), said("tensors by name"))
    ends = [_add(tally, name, row, where) for name, row in data.items() if name != "__metadata__"]
    if file_bytes is not None:
        tally.missing += max(0, _LENGTH + len(text) + max(ends, default=0) - file_bytes)
    if tally.tensors > MOST_TENSORS:
        raise SafetensorsError(
            where, said("more than {most_tensors:,} tensors", most_tensors=MOST_TENSORS), said("a model")
        )


def _add(tally: Tally, name: str, row: object, where: str) -> int:
    """Add a tensor; return where it ends after the header, in bytes."""
    fields: Mapping[str, object] = row if isinstance(row, Mapping) else {}
    kind, shape, place = fields.get("dtype"), _counts(fields.get("shape")), _counts(fields.get("data_offsets"))
    if not isinstance(kind, str) or shape is None or place is None or len(place) != 2:
        raise SafetensorsError(where, said("no type, shape and place for {name!r}", name=name[:80]), said("all three"))
    first, last = place
    if last < first:
        raise SafetensorsError(where, said("{name!r} ends before it starts", name=name[:80]), said("growing offsets"))
    tally.tensors += 1
    tally.numbers += math.prod(shape)
    tally.n_bytes += last - first
    tally.by_type[kind[:20]] += last - first
    if tally.numbers >= _LARGEST or tally.n_bytes >= _LARGEST:
        raise SafetensorsError(
            where, said("the size of {name!r} is beyond any model", name=name[:80]), said("sizes of a model")
        )
    return last


def _counts(value: object) -> list[int] | None:
    """Return a short list of whole numbers from 0, or None where it is none."""
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        return None
    found = [item for item in value if type(item) is int and 0 <= item < _LARGEST]
    return found if len(found) == len(value) else None
