"""The bytes of a model at a quantisation, from its tensors' shapes; averages where there are none.

A name such as Q4_K_M is a recipe of types, not a number of bits: over the models of the table it gives 4.6 to 5.4
bits a weight. So the recipe is followed, tensor by tensor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.model import ModelHeader, Tensor
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.tensor_mix import BASES, Mix, typed
from truelimit.perf.tensor_table.build import tensor_shapes
from truelimit.perf.tensor_types import TENSOR_TYPES_BY_NAME
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.perf.tensor_table.nouns import TensorShape

_LAYERS_OF_70B = 80
_MIXES = {
    "FP16": "F16",
    "FP32": "F32",
    "MXFP4_MOE": "MXFP4",
    "Q2_K_L": "Q2_K",
    "Q2_K_XL": "Q2_K",
    "Q3_K_XL": "Q3_K_M",
    "Q4_K_L": "Q4_K_M",
    "Q4_K_XL": "Q4_K_M",
    "Q5_K_L": "Q5_K_M",
    "Q5_K_XL": "Q5_K_M",
    "Q6_K_L": "Q6_K",
    "Q6_K_XL": "Q6_K",
    "Q8_K_XL": "Q8_0",
}
_SAME = {"FP16", "FP32", "MXFP4_MOE"}


@dataclass(frozen=True, slots=True)
class _Uniform:
    """Formats of other engines: bits for a weight of a layer, scales included, and for embedding and output."""

    layer: float
    ends: float
    source: str


_DENSE_MXFP4 = _Uniform(4.25, 8.5, said("MXFP4: a scale of 8 bits for each 32 weights; 8 bits in embedding and output"))
_GROUP_64 = said("a scale and an offset of 16 bits for each 64 weights")
_MLX = said("MLX: {scale}", scale=_GROUP_64)
_UNIFORM = {
    **{
        f"{bits}BIT": _Uniform(bits + 0.5, bits + 0.5, said("MLX: {scale}", scale=_GROUP_64))
        for bits in (2, 3, 4, 5, 6, 8)
    },
    "FP8": _Uniform(8.0, 16.0, said("FP8 in the layers, 16 bits in embedding and output")),
    "NVFP4": _Uniform(4.5, 16.0, said("NVFP4: a scale of 8 bits for each 16 weights; 16 bits in embedding and output")),
    "INT4": _Uniform(4.15625, 16.0, said("AWQ and GPTQ: a scale and a zero for each 128 weights; 16 bits at the ends")),
    "INT8": _Uniform(8.125, 16.0, said("a scale for each 128 weights; 16 bits in embedding and output")),
}
# Whole-file averages for Llama-3.1-8B: tools/quantize/README.md of llama.cpp, build b11434; Q4_0 to Q5_1 as computed
# here for the same model.
_AVERAGE = {
    "IQ1_S": 2.0042, "IQ1_M": 2.1460, "IQ2_XXS": 2.3824, "IQ2_XS": 2.5882, "IQ2_S": 2.7403, "IQ2_M": 2.9294,
    "IQ3_XXS": 3.2548, "IQ3_XS": 3.4977, "IQ3_S": 3.6606, "IQ3_M": 3.7628, "IQ4_XS": 4.4597, "IQ4_NL": 4.6818,
    "Q2_K_S": 2.9697, "Q2_K": 3.1593, "Q3_K_S": 3.6429, "Q3_K_M": 3.9960, "Q3_K_L": 4.2979, "Q4_K_S": 4.6672,
    "Q4_K_M": 4.8944, "Q5_K_S": 5.5704, "Q5_K_M": 5.7036, "Q6_K": 6.5633, "Q8_0": 8.5008, "F16": 16.0005,
    "BF16": 16.0005, "F32": 32.0, "Q4_0": 4.6505, "Q4_1": 5.1031, "Q5_0": 5.5850, "Q5_1": 6.0377,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantization:
    """A quantisation by its name as written; ``mix`` is the recipe followed, or ``uniform`` the bits of another engine.

    ``approximate``: the maker's own mix is not public, and the nearest public one stands for it.
    """

    name: str
    mix: str | None
    uniform: _Uniform | None = None
    approximate: bool = False


def quantization(name: str) -> Quantization:
    """Return what a quantisation's name means, in any case. Raises UnknownLayoutError with the names there are."""
    plain = re.sub(r"[\s\-]+", "_", name.strip().upper())
    dynamic = plain.startswith("UD_")
    plain = plain.removeprefix("UD_").removeprefix("GGUF_").removeprefix("MLX_").removesuffix("_QAT")
    if plain in BASES:
        return Quantization(name, plain, approximate=dynamic)
    if plain in _MIXES:
        return Quantization(name, _MIXES[plain], approximate=plain not in _SAME)
    plain = plain.removeprefix("AWQ_").removeprefix("GPTQ_").removeprefix("AUTOROUND_").removesuffix("_STATIC")
    if plain in _UNIFORM:
        return Quantization(name, None, _UNIFORM[plain])
    raise UnknownLayoutError(
        said(
            "quantisation {name!r} is not known; there are: {join}, and UD- mixes",
            name=name[:40],
            join=", ".join((*BASES, *_MIXES, *_UNIFORM)),
        )
    )


def default_quantization(header: ModelHeader) -> str:
    """Return the quantisation that people run where none is named: MXFP4 for gpt-oss, made in it, else Q4_K_M."""
    return "MXFP4" if header.architecture == "gpt-oss" else "Q4_K_M"


def weights_at(header: ModelHeader, quant: str) -> Known[Bytes]:
    """Return the bytes of all weights at a quantisation, and how they are known.

    DERIVED where the tensors are known and the mix is public; ASSUMED where one of them is not. Raises
    UnknownLayoutError for an unknown name, and where neither tensors nor a count of parameters is known.
    """
    chosen = quantization(quant)
    try:
        tensors = tensors_at(header, quant)
    except UnknownLayoutError:
        return _average(header, chosen)
    return _sum(header, tensors, chosen)


def derived_weights(header: ModelHeader) -> Known[Bytes]:
    """Return ``weights_at`` the quantisation that the header's tensors were derived at, by these tensors."""
    return _sum(header, header.tensors, quantization(header.quantization or ""))


def _sum(header: ModelHeader, tensors: tuple[Tensor, ...], chosen: Quantization) -> Known[Bytes]:
    basis = worst([header.basis, Basis.ASSUMED if chosen.approximate or chosen.uniform else Basis.DERIVED])
    return Known(
        Bytes(sum(item.n_bytes for item in tensors)),
        said(
            "{where}: {tensors} tensors at {quant} ({chosen})",
            where=header.where,
            tensors=len(tensors),
            quant=chosen.name,
            chosen=_told(chosen),
        ),
        basis,
    )


def tensors_at(header: ModelHeader, quant: str) -> tuple[Tensor, ...]:
    """Return the tensors with types and bytes at a quantisation. Raises UnknownLayoutError like ``tensor_shapes``."""
    chosen = quantization(quant)
    shapes = tensor_shapes(header)
    uniform = chosen.uniform
    if chosen.mix == "MXFP4" and not any("_exps." in item.name for item in shapes):
        uniform = _DENSE_MXFP4  # llama-quantize has it for experts alone
    if uniform is not None:
        return tuple(_uniform(item, uniform, chosen.name) for item in shapes)
    return tuple(_mixed(shapes, header, chosen.mix or ""))


def _mixed(shapes: tuple[TensorShape, ...], header: ModelHeader, mix: str) -> Iterator[Tensor]:
    for item, kind in typed(shapes, _mix(header, mix)):
        size = TENSOR_TYPES_BY_NAME[kind].stored_bytes(item.shape)
        yield Tensor(item.name, item.shape, kind, size)


def _mix(header: ModelHeader, name: str) -> Mix:
    keys = Keys(header)
    every = keys.layers()[0]
    heads, kv_heads = keys.per_layer("attention.head_count", every)[0], keys.kv_heads(every)[0]
    experts = keys.count_or("expert_count", 0, "none").value
    alike = header.architecture in {"llama", "qwen2"} and heads != kv_heads and not experts
    group = heads / kv_heads if kv_heads else 0
    return Mix(name, header.architecture, every, experts, group, is_70b=alike and every == _LAYERS_OF_70B)


def _uniform(item: TensorShape, form: _Uniform, name: str) -> Tensor:
    if len(item.shape) < 2 or not item.name.endswith("weight"):
        return Tensor(item.name, item.shape, "F32", Bytes(4 * math.prod(item.shape)))
    bits = form.ends if item.name in {"output.weight", "token_embd.weight"} else form.layer
    return Tensor(item.name, item.shape, name, Bytes(math.ceil(math.prod(item.shape) * bits / 8)))


def _average(header: ModelHeader, chosen: Quantization) -> Known[Bytes]:
    """Return parameters times an average of bits. Raises UnknownLayoutError where no parameters are told."""
    count = header.metadata.get("general.parameter_count")
    if isinstance(count, bool) or not isinstance(count, int) or count <= 0:
        raise UnknownLayoutError(
            said(
                "{where}: the size at {chosen} cannot be told: neither its tensors nor "
                "general.parameter_count are known",
                where=header.where,
                chosen=chosen.name,
            )
        )
    bits = chosen.uniform.layer if chosen.uniform else _AVERAGE.get(chosen.mix or "", _DENSE_MXFP4.layer)
    return Known(
        Bytes(round(count * bits / 8)),
        said(
            "{where}: {number:,} parameters at {bits} bits, the average of {mix} "
            "({chosen}); the tensors of {architecture} are not known",
            where=header.where,
            number=count,
            bits=bits,
            mix=chosen.mix or chosen.name,
            chosen=_told(chosen),
            architecture=header.architecture,
        ),
        Basis.ASSUMED,
    )


def _told(chosen: Quantization) -> str:
    if chosen.uniform:
        return chosen.uniform.source
    if chosen.approximate:
        return said(
            "its maker's mix is not public: counted as {mix}; published files are 7 % smaller to 32 % larger",
            mix=chosen.mix,
        )
    return said("the mix of llama-quantize")


__all__ = [
    "Quantization",
    "default_quantization",
    "derived_weights",
    "quantization",
    "tensors_at",
    "weights_at",
]
