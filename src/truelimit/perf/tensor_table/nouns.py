"""The nouns of tensor tables: a row, the geometry it is built from, and the recipe of an architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from truelimit.domain.frozen import dataclass
from truelimit.perf.layouts.keys import MAX_ROW, Keys


class TensorShape(NamedTuple):
    """A tensor's name, and its shape in file order (fastest dimension first)."""

    name: str
    shape: tuple[int, ...]


Rows = Iterator[TensorShape]


@dataclass(frozen=True, slots=True)
class Geometry:
    """What shapes are made of: counts of the header, those that may vary given by layer.

    ``layers`` are all blocks, of which the last ``drafting`` serve drafting. ``shares_values``: layers with the whole
    context use their keys as values. ``ends_alone``: the output has a tensor of its own; ``drafts_alone``: so have the
    blocks for drafting, and an embedding.
    """

    keys: Keys
    embedding: int
    vocabulary: int
    layers: int
    drafting: int
    heads: tuple[int, ...]
    kv_heads: tuple[int, ...]
    feed_forward: tuple[int, ...]
    windowed: tuple[bool, ...]
    ends_alone: bool = True
    shares_values: bool = False
    drafts_alone: bool = False

    def head(self, layer: int) -> tuple[int, int]:
        """Return the lengths of keys and of values of one head of a layer."""
        names = ("key_length", "value_length")
        return tuple(self._length(name, layer) for name in names)  # type: ignore[return-value]

    def _length(self, name: str, layer: int) -> int:
        own = f"attention.{name}_swa"
        if self.windowed[layer] and self.keys.has(own):
            return self.keys.count(own, most=MAX_ROW).value
        return self.keys.head_length(name).value

    def has_experts(self, layer: int) -> bool:
        """Tell whether a layer has experts: all but the first dense ones, or each so-many-th one."""
        if not self.keys.has("expert_count") or self.keys.count("expert_count", 0).value == 0:
            return False
        step = self.keys.count_or("interleave_moe_layer_step", 1, "every layer").value or 1
        dense = self.keys.count_or("leading_dense_block_count", 0, "none").value
        return layer >= dense and (layer + 1) % step == 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the layers of an architecture are made: mixing of tokens, feed-forward, and vectors of the embedding's width.

    ``head`` yields tensors of the whole model beside embedding, norm and output. ``tied`` is whether the output always
    shares the embedding's tensor; None: it may.
    """

    mixing: Callable[[Geometry, int], Rows]
    feed_forward: Callable[[Geometry, int], Rows]
    norms: tuple[str, ...] = ("attn_norm", "ffn_norm")
    head: Callable[[Geometry], Rows] | None = None
    tied: bool | None = None


def row(name: str, *shape: int) -> TensorShape:
    """Return a row; a name without an ending is a weight."""
    ends = (".weight", ".bias", ".scale")
    return TensorShape(name if name.endswith(ends) or name in {"ssm_a", "ssm_d"} else f"{name}.weight", shape)
