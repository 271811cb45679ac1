"""The quantisation that a model is stored in, by its name: a recipe of types, not the type that most of it has.

Source of the numbers: ``enum llama_ftype`` of llama.cpp ``include/llama.h``, build b11434.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from truelimit.perf.quantization import default_quantization

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader

_KEY = "general.file_type"
# Recipes that mix types; of the others (Q8_0, MXFP4, F16) the type of most bytes has the name.
_MIXES = {
    10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M",
    18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M",
}  # fmt: skip
# A file with most of its bytes in one of these is no such mix, whatever its header says (gpt-oss keeps its MXFP4).
_NO_MIX = {"MXFP4", "NVFP4", "F16", "BF16", "F32", "F64"}


def stored_quantization(header: ModelHeader) -> str:
    """Return the name of the quantisation that a model is stored in.

    That which its tensors were derived at, else that of the file's own type, else the type that most bytes have; the
    usual quantisation where there are no tensors.
    """
    if header.quantization is not None:
        return header.quantization
    if not header.tensors:
        return default_quantization(header)
    most, told = _most_bytes(header), header.metadata.get(_KEY)
    mix = _MIXES.get(told) if isinstance(told, int) else None
    return most if mix is None or most in _NO_MIX else mix


def _most_bytes(header: ModelHeader) -> str:
    """The type that most bytes of a file have."""
    sums: Counter[str] = Counter()
    for tensor in header.tensors:
        sums[tensor.type_name] += tensor.n_bytes
    return sums.most_common(1)[0][0]
