"""The two type tables of GGUF: metadata value types, and ggml tensor types by the numbers in the file.

Source: llama.cpp ``ggml/include/gguf.h``, build b11434.
"""

from __future__ import annotations

from enum import IntEnum

from truelimit.perf.tensor_types import TENSOR_TYPES, TENSOR_TYPES_BY_NAME, TensorType

__all__ = [
    "DEFAULT_ALIGNMENT",
    "MAGIC",
    "MAX_DIMENSIONS",
    "STRUCT_CODE",
    "TENSOR_TYPES",
    "TENSOR_TYPES_BY_NAME",
    "TensorType",
    "ValueType",
]

MAGIC = b"GGUF"
DEFAULT_ALIGNMENT = 32
MAX_DIMENSIONS = 4


class ValueType(IntEnum):
    """Types of metadata values, with their numbers in the file."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


# struct's letter of each scalar type; STRING and ARRAY have none.
STRUCT_CODE: dict[int, str] = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
