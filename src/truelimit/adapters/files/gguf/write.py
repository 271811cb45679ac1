"""Writes a GGUF without data: header, metadata and tensor table with true shapes.

An engine that is asked for its buffers, or this program's own reader, needs no weights; the file of a 30 B model
is then a few kilobytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from truelimit.adapters.files.gguf.types import (
    DEFAULT_ALIGNMENT,
    MAGIC,
    MAX_DIMENSIONS,
    STRUCT_CODE,
    TENSOR_TYPES_BY_NAME,
    ValueType,
)

TensorRow = tuple[str, tuple[int, ...], str]

# llama.cpp reads these with the given width only (src/llama-model-loader.cpp).
_FIXED = {"split.no": ValueType.UINT16, "split.count": ValueType.UINT16, "split.tensors.count": ValueType.INT32}


def write_header(
    path: Path, metadata: Mapping[str, object], tensors: Sequence[TensorRow], *, sparse: bool = False
) -> None:
    """Write a GGUF v3 file without tensor data to ``path``.

    Metadata types follow the values: int is u32 (u64 above it, i32 or i64 below 0), float f32, bool, str; a list
    of ints is i32 (i64 or u64 when larger), of floats f32, of bools, of strings. A tensor is
    (name, shape fastest dimension first, ggml type name). ``general.alignment`` is honoured. With ``sparse`` the file
    is extended to its full length without writing data; a file system without sparse files then takes that space.
    Raises ValueError for a value, type or shape that GGUF cannot hold, and OSError as the system does.
    """
    if not isinstance(metadata.get("general.architecture"), str):
        raise ValueError("metadata: general.architecture is missing (expected a string such as 'llama')")
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0:
        raise ValueError(f"metadata: general.alignment is {alignment!r} (expected a positive int)")
    table, data_bytes = _tensor_table(tensors, alignment)
    parts = [MAGIC, struct.pack("<IQQ", 3, len(tensors), len(metadata)), *_metadata(metadata), *table]
    header = b"".join(parts)
    header += bytes(-len(header) % alignment)
    with path.open("wb") as file:
        file.write(header)
        if sparse:
            file.truncate(len(header) + data_bytes)


def _tensor_table(tensors: Sequence[TensorRow], alignment: int) -> tuple[list[bytes], int]:
    """Return the encoded rows and the padded length of the data that they describe."""
    rows, offset = [], 0
    for name, shape, type_name in tensors:
        kind = TENSOR_TYPES_BY_NAME.get(type_name)
        if kind is None:
            raise ValueError(
                f"tensor {name}: unknown type {type_name!r} (expected one of {list(TENSOR_TYPES_BY_NAME)})"
            )
        if not 1 <= len(shape) <= MAX_DIMENSIONS or min(shape) < 1:
            raise ValueError(f"tensor {name}: shape {shape} (expected 1 to {MAX_DIMENSIONS} positive dimensions)")
        try:
            size = kind.stored_bytes(shape)
        except ValueError as error:
            raise ValueError(f"tensor {name}: {error}") from None
        rows.append(_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind.id, offset))
        offset += size + -size % alignment
    return rows, offset


def _metadata(metadata: Mapping[str, object]) -> Iterable[bytes]:
    for key, value in metadata.items():
        yield _string(key)
        if isinstance(value, list | tuple):
            yield _array(key, value)
        elif isinstance(value, str):
            yield struct.pack("<I", ValueType.STRING) + _string(value)
        else:
            kind = _FIXED.get(key) or _scalar_type(key, value)
            yield struct.pack("<I" + STRUCT_CODE[kind], kind, value)


def _array(key: str, values: Sequence[object]) -> bytes:
    if not values:
        raise ValueError(f"metadata: {key} is an empty list (expected elements that tell its type)")
    head = struct.pack("<I", ValueType.ARRAY)
    if all(isinstance(value, str) for value in values):
        return head + struct.pack("<IQ", ValueType.STRING, len(values)) + b"".join(_string(str(v)) for v in values)
    kind = _element_type(key, values)
    return head + struct.pack(f"<IQ{len(values)}{STRUCT_CODE[kind]}", kind, len(values), *values)


def _scalar_type(key: str, value: object) -> ValueType:
    match value:
        case bool():
            return ValueType.BOOL
        case float():
            return ValueType.FLOAT32
        case int():
            return _int_type(key, value, value, (ValueType.UINT32, ValueType.INT32))
    raise ValueError(f"metadata: {key} is a {type(value).__name__} (expected int, float, bool, str or a list of these)")


def _element_type(key: str, values: Sequence[object]) -> ValueType:
    if all(isinstance(value, bool) for value in values):
        return ValueType.BOOL
    ints = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(ints) == len(values):
        return _int_type(key, min(ints), max(ints), (ValueType.INT32, ValueType.UINT32))
    if all(isinstance(value, float) for value in values):
        return ValueType.FLOAT32
    raise ValueError(f"metadata: {key} mixes types (expected a list of one type)")


_RANGES = {
    ValueType.UINT32: (0, 2**32 - 1),
    ValueType.INT32: (-(2**31), 2**31 - 1),
    ValueType.UINT64: (0, 2**64 - 1),
    ValueType.INT64: (-(2**63), 2**63 - 1),
}


def _int_type(key: str, low: int, high: int, preferred: tuple[ValueType, ...]) -> ValueType:
    for kind in (*preferred, ValueType.UINT64, ValueType.INT64):
        if _RANGES[kind][0] <= low and high <= _RANGES[kind][1]:
            return kind
    raise ValueError(f"metadata: {key} holds {low} to {high} (expected at most 64 bits)")


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw
