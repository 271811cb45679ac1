"""Which type each tensor gets at a quantisation such as Q4_K_M: the mixes of llama.cpp's ``llama-quantize``.

Source: ``llama_tensor_get_type_impl`` and ``tensor_allows_quantization`` in ``src/llama-quant.cpp``, build b11434.
Left out: Falcon's own mix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.perf.tensor_types import TENSOR_TYPES_BY_NAME

if TYPE_CHECKING:
    from truelimit.perf.tensor_table.nouns import TensorShape

BASES = {
    "F32": "F32",
    "F16": "F16",
    "BF16": "BF16",
    "Q4_0": "Q4_0",
    "Q4_1": "Q4_1",
    "Q5_0": "Q5_0",
    "Q5_1": "Q5_1",
    "Q8_0": "Q8_0",
    "MXFP4": "MXFP4",
    "Q2_K": "Q2_K",
    "Q2_K_S": "Q2_K",
    "Q3_K_S": "Q3_K",
    "Q3_K_M": "Q3_K",
    "Q3_K_L": "Q3_K",
    "Q4_K_S": "Q4_K",
    "Q4_K_M": "Q4_K",
    "Q5_K_S": "Q5_K",
    "Q5_K_M": "Q5_K",
    "Q6_K": "Q6_K",
    "IQ1_S": "IQ1_S",
    "IQ1_M": "IQ1_M",
    "IQ2_XXS": "IQ2_XXS",
    "IQ2_XS": "IQ2_XS",
    "IQ2_S": "IQ2_XS",
    "IQ2_M": "IQ2_S",
    "IQ3_XXS": "IQ3_XXS",
    "IQ3_XS": "IQ3_S",
    "IQ3_S": "IQ3_S",
    "IQ3_M": "IQ3_S",
    "IQ4_XS": "IQ4_XS",
    "IQ4_NL": "IQ4_NL",
}
_KEPT_PARTS = (
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "ssm_conv1d",
    "shortconv.conv",
    "indexer.k_proj",
    "indexer.q_proj",
    "time_mix_",
    ".position_embd",
)
_SMALL = {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"}
_FALLBACK = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0", "Q2_K": "Q4_0", "Q3_K": "Q4_0"}
_VALUES = ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight")


@dataclass(frozen=True, slots=True)
class Mix:
    """What the choice of types depends on. ``group`` is query heads for each key head, ``experts`` their count.

    ``is_70b``: 80 layers of Llama 2's kind, whose small value tensors get more bits. ``measured``: the quantiser had
    an importance matrix, as most published files do.
    """

    name: str
    architecture: str
    layers: int
    experts: int
    group: float
    is_70b: bool = False
    measured: bool = True


def typed(shapes: Sequence[TensorShape], mix: Mix) -> Iterator[tuple[TensorShape, str]]:
    """Yield every tensor with its type's name at a quantisation."""
    tied = not any(item.name == "output.weight" for item in shapes)
    parts = [_part(item.name) for item in shapes]
    values, seen = sum(map(_holds_values, parts)), 0
    alike: dict[tuple[str, tuple[int, ...]], str] = {}  # of a kind that has one type in all blocks
    for item, part in zip(shapes, parts, strict=True):
        kind = alike.get((part, item.shape))
        if kind is None:
            kind = _type(item, part, mix, tied, seen, values)
            if not _depends_on_place(part, mix):
                alike[part, item.shape] = kind
        yield item, kind
        seen += _holds_values(part)


def _depends_on_place(part: str, mix: Mix) -> bool:
    """Whether tensors of this name have another type in some blocks than in others."""
    return _holds_values(part) or "ffn_down" in part or mix.name == "IQ3_XS"


def _part(name: str) -> str:
    """The name without its block: the same in all blocks, which may be a hundred."""
    return name[name.find(".", 4) :] if name.startswith("blk.") else name


@lru_cache(1024)
def _holds_values(part: str) -> bool:
    return any(known in part for known in _VALUES)


@lru_cache(1024)
def _is_kept(part: str) -> bool:
    """Whether tensors of this name stay as they are at any quantisation."""
    return any(known in part for known in _KEPT_PARTS)


def _type(item: TensorShape, part: str, mix: Mix, tied: bool, seen: int, values: int) -> str:
    if mix.architecture == "gpt-oss" and "_exps.weight" in item.name and mix.name != "F32":
        return "MXFP4"  # Published so: no file of these models has its experts in another type.
    if not _is_quantized(item, part):
        return "I32" if "tid2eid" in item.name else "F32"
    base = BASES[mix.name]
    if base in {"F32", "F16", "BF16"}:
        return base
    if item.name == "output.weight" or (tied and "token_embd.weight" in item.name):
        chosen = _output(item, mix, base)
    elif mix.name == "MXFP4":
        chosen = "MXFP4" if len(item.shape) > 2 and item.shape[2] > 1 else "Q8_0"
    elif "token_embd.weight" in item.name:
        chosen = _embedding(mix, base)
    elif _holds_values(part):
        chosen = _values(mix, base, seen, values)
    else:
        chosen = _inner(item, mix, base)
    return _fitting(item, chosen)


def _is_quantized(item: TensorShape, part: str) -> bool:
    """Tell whether the quantiser touches a tensor: matrices that are weights, small and delicate ones apart."""
    if len(item.shape) < 2 or not item.name.endswith("weight"):
        return False
    return not _is_kept(part)


def _fitting(item: TensorShape, kind: str) -> str:
    """Return the type, or that which the quantiser takes where a row is no whole number of blocks."""
    if item.shape[0] % TENSOR_TYPES_BY_NAME[kind].block == 0:
        return kind
    other = _FALLBACK.get(kind, "IQ4_NL" if kind.startswith("IQ") else kind)
    return other if item.shape[0] % TENSOR_TYPES_BY_NAME[other].block == 0 else "F16"


def _output(item: TensorShape, mix: Mix, base: str) -> str:
    if mix.name == "MXFP4" or base == "Q8_0" or item.shape[0] % TENSOR_TYPES_BY_NAME[base].block:
        return "Q8_0"
    return "Q5_K" if mix.name in _SMALL or mix.name == "IQ3_XXS" else "Q6_K"


def _embedding(mix: Mix, base: str) -> str:
    if mix.name in {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS"}:
        return "Q2_K"
    return "IQ3_S" if mix.name in {"IQ2_S", "IQ2_M", "IQ3_XXS"} else base


def _values(mix: Mix, base: str, seen: int, values: int) -> str:
    """Return the type of a tensor of values (or of query, key and value together)."""
    if mix.name in _SMALL:
        if mix.group >= 4 or mix.experts >= 4:
            return "Q4_K"
        return "IQ3_S" if mix.name in {"IQ2_S", "IQ2_M"} else "Q2_K"
    chosen = _values_of_name(mix, base, seen, values)
    if mix.is_70b and chosen in {"Q3_K", "Q4_K"}:
        chosen = "Q5_K"
    return "Q8_0" if mix.experts == 8 else chosen


def _values_of_name(mix: Mix, base: str, seen: int, values: int) -> str:
    shared = mix.group >= 4
    by_name = {
        "Q2_K": "Q4_K" if shared else "Q3_K",
        "Q2_K_S": "Q4_K" if shared else base,
        "IQ3_XXS": "Q4_K" if shared else "IQ3_XXS" if mix.measured else "IQ3_S",
        "IQ3_XS": "Q4_K" if shared else base,
        "IQ3_S": "Q4_K" if shared else base,
        "IQ3_M": "Q4_K",
        "Q3_K_M": "Q5_K" if seen < 2 else "Q4_K",
        "Q3_K_L": "Q5_K",
        "IQ4_NL": "Q5_K" if shared else base,
        "IQ4_XS": "Q5_K" if shared else base,
        "Q4_K_S": "Q5_K" if seen < 4 else base,
        "Q4_K_M": "Q6_K" if _gets_more(seen, values) else base,
        "Q5_K_M": "Q6_K" if _gets_more(seen, values) else base,
    }
    return by_name.get(mix.name, base)


def _inner(item: TensorShape, mix: Mix, base: str) -> str:
    """Return the type of any other tensor of a layer."""
    name = item.name
    layer = int(name.split(".", 2)[1]) if name.startswith("blk.") else 0
    if "ffn_down" in name:
        return _down(mix, base, layer)
    if mix.experts == 8 and "attn_k.weight" in name:
        return "Q4_K" if mix.name in _SMALL else "Q8_0"
    if "attn_output.weight" in name:
        return _attention_output(mix, base)
    if "attn_k.weight" in name or "attn_q.weight" in name:
        return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(mix.name, base)
    between = mix.layers // 8 <= layer < 7 * mix.layers // 8
    if mix.name == "IQ3_XS" and between and ("ffn_gate" in name or "ffn_up" in name):
        return "IQ3_XXS"
    return base


def _down(mix: Mix, base: str, layer: int) -> str:
    early, more = layer < mix.layers // 8, _gets_more(layer, mix.layers)
    if mix.name in _SMALL:
        if not early:
            return base
        return "IQ3_S" if mix.name in {"IQ2_S", "IQ2_M"} else "Q2_K"
    by_name = {
        "Q2_K": "Q3_K",
        "Q2_K_S": "Q4_K" if early else base,
        "IQ3_XXS": base if mix.measured else "Q4_K" if early else "Q3_K",
        "Q3_K_M": "Q5_K" if layer < mix.layers // 16 else "Q4_K",
        "IQ3_M": "Q4_K" if early or (mix.experts == 8 and more) else base,
        "Q3_K_L": "Q5_K",
        "Q4_K_M": "Q6_K" if more else base,
        "Q5_K_M": "Q6_K" if more else base,
        "IQ4_NL": base if mix.measured or not early else "Q5_K",
        "IQ4_XS": base if mix.measured or not early else "Q5_K",
        "Q4_K_S": "Q5_K" if early else base,
        "Q4_0": "Q4_1" if mix.measured and early else base,
        "Q5_0": "Q5_1" if mix.measured and early else base,
    }
    return by_name.get(mix.name, base)


def _attention_output(mix: Mix, base: str) -> str:
    if mix.experts == 8:
        plain = {"Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q3_K_L", "Q2_K_S"}
        return base if mix.name in plain else "Q5_K"
    by_name = {
        "IQ1_S": "IQ2_XXS",
        "IQ1_M": "IQ2_XXS",
        "IQ2_S": "IQ3_S",
        "IQ2_M": "IQ3_S",
        "Q2_K": "Q3_K",
        "IQ3_XXS": "IQ3_S",
        "Q3_K_M": "Q4_K",
        "Q3_K_L": "Q5_K",
        "IQ3_M": "Q4_K",
    }
    return by_name.get(mix.name, base)


def _gets_more(layer: int, layers: int) -> bool:
    """Tell whether a layer gets more bits: those of the first and last eighth, and each third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
