"""The grammar of a GGUF header: counts, metadata, tensor table.

Source: llama.cpp ``ggml/src/gguf.cpp`` (build b11434) and ``docs/gguf.md`` of ggml. Nothing in the bytes is trusted:
every count is compared with the bytes that follow, and what is kept in memory is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from struct import Struct

from truelimit.adapters.files.gguf.cursor import Buffer, Cursor
from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.types import (
    DEFAULT_ALIGNMENT,
    MAGIC,
    MAX_DIMENSIONS,
    STRUCT_CODE,
    TENSOR_TYPES,
    ValueType,
)
from truelimit.domain.message import Message, said
from truelimit.domain.model import MetadataValue, Tensor

LONGEST_KEPT_STRING = 2**18
LONGEST_KEPT_LIST = 4096
MOST_PAIRS = 4096
MOST_TENSORS = 65536
MOST_KEPT_NUMBERS = 2**18
MOST_KEPT_TEXT = 2**23
LARGEST_ALIGNMENT = 2**20

_START = Struct("<4sI")
_COUNTS = Struct("<QQ")
_TYPE = Struct("<I")
_LIST = Struct("<IQ")
_SCALARS = {kind: Struct("<" + code) for kind, code in STRUCT_CODE.items()}
_ROWS = {n: Struct(f"<{n}QIQ") for n in range(MAX_DIMENSIONS + 1)}


@dataclass(frozen=True, slots=True)
class Parsed:
    """Metadata and tensors of one file, in file order; ``length``: where the last tensor ends, in bytes."""

    metadata: Mapping[str, MetadataValue]
    tensors: tuple[Tensor, ...]
    length: int = 0


def parse(buffer: Buffer, where: str) -> Parsed:
    """Return what a header says.

    String arrays, numeric arrays of more than 4,096 elements and strings of more than 256 KiB are left out; of each
    array left out the number of elements is kept as ``<key>.count``. Raises GgufError for anything that is no valid
    header, ShortError when the bytes end within it.
    """
    try:
        return _parse(Cursor(buffer, where, exact=False))
    except GgufError:
        return _parse(Cursor(buffer, where, exact=True))


def _parse(cursor: Cursor) -> Parsed:
    n_tensors, n_pairs = _counts(cursor)
    metadata = _metadata(cursor, n_pairs)
    alignment = _alignment(cursor, metadata.get("general.alignment", DEFAULT_ALIGNMENT))
    cursor.doing = _in_table
    cursor.fits(n_tensors, 8 + 1 + 4 + 4 + 8, said("a tensor table"))
    tensors = tuple(_tensor(cursor) for _ in range(n_tensors))
    return Parsed(metadata, tensors, _length(tensors, cursor.position, alignment))


def _length(tensors: tuple[Tensor, ...], end: int, alignment: int) -> int:
    """Where the last tensor ends: each starts at the next multiple of the alignment (``GGML_PAD`` in ``gguf.cpp``)."""
    for tensor in tensors:
        end += -end % alignment + tensor.n_bytes
    return end


def _counts(cursor: Cursor) -> tuple[int, int]:
    check_start(cursor.buffer[: _START.size], cursor.where)
    cursor.skip(_START.size)
    n_tensors, n_pairs = cursor.unpack(_COUNTS)
    if n_tensors > MOST_TENSORS or n_pairs > MOST_PAIRS:
        raise cursor.error(
            said(
                "the file claims {n_tensors:,} tensors and {n_pairs:,} metadata keys",
                n_tensors=n_tensors,
                n_pairs=n_pairs,
            ),
            said("at most {most_tensors:,} and {most_pairs:,}", most_tensors=MOST_TENSORS, most_pairs=MOST_PAIRS),
        )
    return n_tensors, n_pairs


def check_start(start: bytes, where: str) -> None:
    """Raise GgufError unless the first eight bytes are those of a little-endian GGUF of version 2 or 3."""
    if len(start) < _START.size and MAGIC.startswith(start[:4]):
        raise GgufError(
            where,
            said("the file ends after {length} bytes", length=len(start)),
            said("the header of a GGUF file"),
            said("download the model again"),
        )
    if len(start) < _START.size or start[:4] != MAGIC:
        found = (
            said("a Git LFS pointer, not the model")
            if start[:4] == b"vers"
            else said("the file starts with {start!r}", start=start[:4])
        )
        raise GgufError(where, found, f"{MAGIC!r}", said("give a GGUF model file"))
    version = int.from_bytes(start[4:], "little")
    if version in {2, 3}:
        return
    expected = said("little-endian GGUF of version 2 or 3")
    if version == 1:
        raise GgufError(where, said("GGUF version 1 (August 2023)"), expected, said("convert the model again"))
    if int.from_bytes(start[4:], "big") in {1, 2, 3}:
        raise GgufError(
            where, said("a big-endian GGUF"), expected, said("convert it with gguf-convert-endian FILE little")
        )
    raise GgufError(
        where,
        said("unknown GGUF version {version}", version=version),
        expected,
        said("update truelimit or download the model again"),
    )


class _Kept:
    """Counts what is kept in memory, as a file could ask for any amount."""

    def __init__(self) -> None:
        self.numbers = self.text = 0

    def check(self, cursor: Cursor) -> None:
        if self.numbers > MOST_KEPT_NUMBERS or self.text > MOST_KEPT_TEXT:
            raise cursor.error(
                said("the metadata hold more than any model's"),
                said(
                    "at most {most_kept_numbers:,} numbers in short arrays and {most_kept_text:,} characters",
                    most_kept_numbers=MOST_KEPT_NUMBERS,
                    most_kept_text=MOST_KEPT_TEXT,
                ),
            )


def _in_table() -> Message:
    return said("the tensor table")


def _in_pair(index: int, n_pairs: int) -> Message:
    return said("metadata key {number} of {pairs}", number=index + 1, pairs=n_pairs)


def _in_key(key: str) -> Message:
    return said("key {key!r}", key=key[:80])


def _in_tensor(name: str) -> Message:
    return said("tensor {name!r}", name=name[:80])


def _metadata(cursor: Cursor, n_pairs: int) -> dict[str, MetadataValue]:
    metadata: dict[str, MetadataValue] = {}
    kept = _Kept()
    for index in range(n_pairs):
        cursor.doing = partial(_in_pair, index, n_pairs)
        key = cursor.name()
        cursor.doing = partial(_in_key, key)
        if key in metadata:
            raise cursor.error(said("the key is there twice"), said("each key once"))
        (kind,) = cursor.unpack(_TYPE)
        if kind == ValueType.ARRAY:
            _array(cursor, key, metadata, kept)
        else:
            _scalar(cursor, key, kind, metadata, kept)
        kept.text += len(key)
        kept.check(cursor)
    return metadata


def _scalar(cursor: Cursor, key: str, kind: int, metadata: dict[str, MetadataValue], kept: _Kept) -> None:
    if kind == ValueType.STRING:
        text = cursor.string(LONGEST_KEPT_STRING)
        if text is not None:
            metadata[key] = text
            kept.text += len(text)
        return
    (metadata[key],) = cursor.unpack(_form(cursor, kind))


def _array(cursor: Cursor, key: str, metadata: dict[str, MetadataValue], kept: _Kept) -> None:
    kind, count = cursor.unpack(_LIST)
    if kind == ValueType.STRING:
        metadata[f"{key}.count"] = count
        cursor.skip_strings(count)
        return
    form = _form(cursor, kind)
    if count > LONGEST_KEPT_LIST:
        metadata[f"{key}.count"] = count
        cursor.fits(count, form.size, said("a list"))
        cursor.skip(count * form.size)
        return
    metadata[key] = cursor.unpack(Struct(f"<{count}{STRUCT_CODE[kind]}"))
    kept.numbers += count


def _form(cursor: Cursor, kind: int) -> Struct:
    form = _SCALARS.get(kind)
    if form is None:
        what = (
            said("an array inside an array")
            if kind == ValueType.ARRAY
            else said("unknown value type {kind}", kind=kind)
        )
        raise cursor.error(what, said("one of the types 0 to {valuetype}, arrays not nested", valuetype=max(ValueType)))
    return form


def _alignment(cursor: Cursor, alignment: MetadataValue) -> int:
    if type(alignment) is int and 0 < alignment <= LARGEST_ALIGNMENT and alignment.bit_count() == 1:
        return alignment
    cursor.doing = partial(_in_key, "general.alignment")
    raise cursor.error(
        said("the alignment is {alignment!r:.60}", alignment=alignment),
        said("a power of two up to {largest_alignment:,}", largest_alignment=LARGEST_ALIGNMENT),
    )


def _tensor(cursor: Cursor) -> Tensor:
    name = cursor.name()
    cursor.doing = partial(_in_tensor, name)
    (n_dimensions,) = cursor.unpack(_TYPE)
    if n_dimensions > MAX_DIMENSIONS:
        raise cursor.error(
            said("{n_dimensions} dimensions", n_dimensions=n_dimensions),
            said("at most {max_dimensions}", max_dimensions=MAX_DIMENSIONS),
        )
    *shape, kind_id, _offset = cursor.unpack(_ROWS[n_dimensions])
    kind = TENSOR_TYPES.get(kind_id)
    if kind is None:
        raise cursor.error(
            said("unknown tensor type {kind_id}", kind_id=kind_id),
            said("a ggml type of llama.cpp b11434"),
            said("update truelimit"),
        )
    try:
        size = kind.stored_bytes(tuple(shape))
    except ValueError as error:
        raise cursor.error(str(error), said("whole blocks")) from None
    if size >= 2**63:
        raise cursor.error(said("the shape {shape} overflows", shape=tuple(shape)), said("less than 2**63 bytes"))
    return Tensor(name, tuple(shape), kind.name, size)
