"""What a tensor is for, by its name; and what of a model one token uses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from truelimit.perf.layouts.keys import Keys
from truelimit.perf.tensor_table.build import tensor_shapes

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader
    from truelimit.perf.tensor_table.nouns import TensorShape


class TensorClass(StrEnum):
    """The part of a model that a tensor belongs to."""

    EMBEDDING = "embedding"
    ATTENTION = "attention"
    STATE = "state"
    FEED_FORWARD = "feed-forward"
    EXPERTS = "experts"
    OUTPUT = "output"
    DRAFTING = "drafting"
    OTHER = "other"


_PARTS = {
    TensorClass.EXPERTS: ("_exps.",),
    TensorClass.FEED_FORWARD: ("ffn_", "exp_probs_b", "post_ffw", "pre_ffw"),
    TensorClass.STATE: ("ssm_", "shortconv", "time_mix"),
    TensorClass.ATTENTION: ("attn_", "indexer", "_attention_", ".hc_attn"),
}


@lru_cache(4096)
def class_of(name: str, draft_from: int | None = None) -> TensorClass:
    """Return the class of a tensor's name; blocks from ``draft_from`` on serve drafting."""
    if draft_from is not None and name.startswith("blk."):
        number = name.split(".", 2)[1]
        if number.isdecimal() and int(number) >= draft_from:
            return TensorClass.DRAFTING
    if name.startswith(("token_embd", "per_layer_token_embd")):
        return TensorClass.EMBEDDING
    if name.startswith("output"):
        return TensorClass.OUTPUT
    for kind, parts in _PARTS.items():
        if any(part in name for part in parts):
            return kind
    return TensorClass.OTHER


def draft_from(header: ModelHeader) -> int | None:
    """Return the first block that serves drafting, or None where there is none. Raises UnknownLayoutError."""
    keys = Keys(header)
    if not keys.has("nextn_predict_layers") or not keys.has("block_count"):
        return None
    every, cached = keys.layers()
    return cached if cached < every else None


def share_used(header: ModelHeader) -> float:
    """Return the share of the experts that one token is sent to: 1 where there are none. Raises UnknownLayoutError."""
    keys = Keys(header)
    if not keys.has("expert_count") or keys.absent_or_zero("expert_count"):
        return 1.0
    count = keys.count("expert_count").value
    return min(1.0, keys.count("expert_used_count", most=count).value / count)


def active_parameters(header: ModelHeader) -> int:
    """Return the parameters that one token uses: all but the experts it is not sent to, and blocks for drafting.

    The input embedding is counted whole, as makers do. Raises UnknownLayoutError where the tensors are not known.
    """
    return _active(tensor_shapes(header), share_used(header), draft_from(header))


def _active(shapes: Iterable[TensorShape], share: float, drafting: int | None) -> int:
    total = 0.0
    for name, shape in shapes:
        kind = class_of(name, drafting)
        if kind is not TensorClass.DRAFTING:
            total += math.prod(shape) * (share if kind is TensorClass.EXPERTS else 1.0)
    return round(total)
