"""ggml's tensor types: how many bytes a block of numbers takes.

Source: llama.cpp ``ggml/src/ggml-common.h`` (block structures) and ``ggml/include/ggml.h`` (numbers), build b11434.
"""

from __future__ import annotations

import math

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.units import Bytes


@dataclass(frozen=True, slots=True)
class TensorType:
    """A ggml type: ``block`` elements are stored together in ``n_bytes`` bytes."""

    name: str
    id: int
    block: int
    n_bytes: int

    def stored_bytes(self, shape: tuple[int, ...]) -> Bytes:
        """Return the bytes of a tensor of this shape (fastest dimension first).

        Raises ValueError when a row is not a whole number of blocks.
        """
        if shape and shape[0] % self.block:
            raise ValueError(
                said(
                    "rows of {shape} are not a multiple of {name}'s block of {block}",
                    shape=shape[0],
                    name=self.name,
                    block=self.block,
                )
            )
        return Bytes(math.prod(shape) // self.block * self.n_bytes)


_ROWS = """
F32 0 1 4        F16 1 1 2        Q4_0 2 32 18      Q4_1 3 32 20     Q5_0 6 32 22      Q5_1 7 32 24
Q8_0 8 32 34     Q8_1 9 32 40     Q2_K 10 256 84    Q3_K 11 256 110  Q4_K 12 256 144   Q5_K 13 256 176
Q6_K 14 256 210  Q8_K 15 256 292  IQ2_XXS 16 256 66 IQ2_XS 17 256 74 IQ3_XXS 18 256 98 IQ1_S 19 256 50
IQ4_NL 20 32 18  IQ3_S 21 256 110 IQ2_S 22 256 82   IQ4_XS 23 256 136 I8 24 1 1        I16 25 1 2
I32 26 1 4       I64 27 1 8       F64 28 1 8        IQ1_M 29 256 56  BF16 30 1 2       TQ1_0 34 256 54
TQ2_0 35 256 66  MXFP4 39 32 17   NVFP4 40 64 36    Q1_0 41 128 18   Q2_0 42 64 18
"""


def _table() -> dict[int, TensorType]:
    words = _ROWS.split()
    rows = (words[i : i + 4] for i in range(0, len(words), 4))
    return {int(number): TensorType(name, int(number), int(block), int(size)) for name, number, block, size in rows}


TENSOR_TYPES: dict[int, TensorType] = _table()
TENSOR_TYPES_BY_NAME: dict[str, TensorType] = {entry.name: entry for entry in TENSOR_TYPES.values()}
