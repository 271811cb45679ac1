"""A model cut into what can lie apart: the bytes of each block, and of what belongs to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.same import Same
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.layouts.hybrid import ByHeads, ByInterval
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import CacheLayout, KvGroup, Span, UnknownLayoutError
from truelimit.perf.layouts.table import RULES
from truelimit.perf.layouts.windows import Windowed

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader
    from truelimit.perf.memory import MemoryNeed

_EXPERTS = "_exps."
_INPUT, _OUTPUT = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class ModelParts:
    """Bytes of each block: weights (of them those of experts), cache and state; of the embedding, output, buffer.

    ``input`` stays in main memory where devices have memory of their own; it is 0 where the output is the same
    tensor. ``told``: the weights are from a tensor table, else spread evenly.
    """

    weights: tuple[int, ...]
    experts: tuple[int, ...]
    kv_cache: tuple[int, ...]
    state: tuple[int, ...]
    input: int
    output: int
    compute: int
    told: bool

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self.weights)

    def block_bytes(self) -> list[int]:
        """Return what each block takes in all."""
        return [sum(of) for of in zip(self.weights, self.kv_cache, self.state, strict=True)]

    def without_experts(self, first: int) -> ModelParts:
        """Return the parts without the experts of the ``first`` blocks."""
        slim = [
            size - experts if index < first else size
            for index, (size, experts) in enumerate(zip(self.weights, self.experts, strict=True))
        ]
        rest = [0 if index < first else experts for index, experts in enumerate(self.experts)]
        return replace(self, weights=tuple(slim), experts=tuple(rest))


@dataclass(frozen=True, slots=True)
class CacheGroup:
    """A group of layers with caches alike: the term that counts its cells, cells, bytes of one, and its blocks."""

    term: str
    cells: float
    cell_bytes: float
    layers: tuple[int, ...]


def model_parts(header: ModelHeader, need: MemoryNeed) -> ModelParts:
    """Return the parts of a model that takes ``need``; their sum is that of the need (buffer once).

    Raises UnknownLayoutError where the header does not tell its blocks.
    """
    blocks = Keys(header).layers()[0]
    weights, experts, first, last, told = _weights(Same(header), need.weights, blocks)
    return ModelParts(
        weights, experts, _cache(header, need, blocks), even(need.state, blocks), first, last, need.compute, told
    )


@lru_cache(64)
def _weights(of: Same[ModelHeader], total: int, blocks: int) -> tuple[tuple[int, ...], tuple[int, ...], int, int, bool]:
    """Weights and experts of each block, input, output, and whether a table told them; scaled to ``total``."""
    header = of.value
    sizes, experts, first, rest = [0] * blocks, [0] * blocks, 0, 0
    for tensor in header.tensors:
        block = _block(tensor.name, blocks)
        if block is None:
            first, rest = (tensor.n_bytes, rest) if tensor.name == _INPUT else (first, rest + tensor.n_bytes)
        else:
            sizes[block] += tensor.n_bytes
            experts[block] += tensor.n_bytes if _EXPERTS in tensor.name else 0
    if not any(sizes):
        return even(total, blocks), even(_expert_share(header, total), blocks), 0, 0, False
    if not any(tensor.name == _OUTPUT for tensor in header.tensors):
        first, rest = 0, rest + first  # one tensor for both ends: the devices need it
    scaled = scale([*sizes, first, rest], total)
    moved = tuple(round(part * new / max(1, old)) for part, new, old in zip(experts, scaled, sizes, strict=False))
    return tuple(scaled[:blocks]), moved, scaled[blocks], scaled[blocks + 1], True


def _block(name: str, blocks: int) -> int | None:
    """The block that a tensor belongs to: ``blk.N.``."""
    head, _, rest = name.partition(".")
    number = rest.partition(".")[0]
    if head != "blk" or not (number.isascii() and number.isdigit() and len(number) < 5):
        return None
    return int(number) if int(number) < blocks else None


def _expert_share(header: ModelHeader, total: int) -> int:
    """What the experts take of all weights where only keys tell it: by their share of the parameters."""
    keys = ("block_count", "expert_count", "embedding_length", "expert_feed_forward_length")
    values = [header.get(key) for key in keys]
    parameters = header.metadata.get("general.parameter_count")
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (*values, parameters)):
        return 0
    layers, experts, width, inner = (int(value) for value in values if isinstance(value, int))
    share = 3 * layers * experts * width * inner / max(1, int(parameters))  # type: ignore[arg-type]
    return round(total * min(1.0, share))


def _cache(header: ModelHeader, need: MemoryNeed, blocks: int) -> tuple[int, ...]:
    """The cache of each block: that of its group of layers, in the places that the pattern gives them."""
    sizes = [0.0] * blocks
    for group in cache_groups(header, need):
        each = group.cells * group.cell_bytes / max(1, len(group.layers))
        for layer in group.layers:
            sizes[layer] += each
    return tuple(scale(sizes, need.kv_cache))


def cache_groups(header: ModelHeader, need: MemoryNeed) -> tuple[CacheGroup, ...]:
    """Return the groups of layers that share a kind of cache. Raises UnknownLayoutError as ``model_parts`` does."""
    layout, blocks = layout_of(header), Keys(header).layers()[0]
    values = {item.name: float(item.value) for item in need.cache_calculation.terms}
    found = []
    for group in layout.groups:
        name = f"{group.name}_cells" if len(layout.groups) > 1 else "cells"
        where = tuple(_layers_of(header, layout, group, blocks))
        found.append(CacheGroup(name, values.get(name, 1.0), _cell_bytes(group, values), where))
    return tuple(found)


def _cell_bytes(group: KvGroup, values: dict[str, float]) -> float:
    """What a cell of a group takes, from the terms of the cache's calculation (perf/kv_cache.py)."""
    heads = group.kv_heads.value * (1 if group.heads_summed else group.layers.value)
    row = group.key_length.value * values.get("key_bytes", 1.0)
    row += (group.value_length.value if group.value_length else 0) * values.get("value_bytes", 1.0)
    return heads * row


def _layers_of(header: ModelHeader, layout: CacheLayout, group: KvGroup, blocks: int) -> list[int]:
    """The blocks of a group: as the model's pattern says where one is known, else spread evenly."""
    apart = _apart(header, blocks)
    count = group.layers.value
    if apart is not None:
        wanted = group.span is Span.WINDOW and layout.window is not None
        found = [layer for layer, is_apart in enumerate(apart) if is_apart is wanted]
        if len(found) == count:
            return found
    return [layer for layer in range(blocks) if (layer + 1) * count // blocks > layer * count // blocks]


def _apart(header: ModelHeader, blocks: int) -> Sequence[bool] | None:
    """Which blocks have a window, or a state in place of a cache; None where the rule has no pattern."""
    rule, keys = RULES.get(header.architecture), Keys(header)
    try:
        match rule:
            case Windowed():
                flags = [bool(flag) for flag in rule.layers(keys, blocks)]
            case ByInterval():
                flags = [bool(flag) for flag in rule.recurrent(keys)]
            case ByHeads():
                flags = [heads == 0 for heads in keys.kv_heads(blocks)]
            case _:
                return None
    except UnknownLayoutError:
        return None
    return [*flags, *([False] * (blocks - len(flags)))]


def even(total: int, count: int) -> tuple[int, ...]:
    """Return ``total`` in ``count`` parts as equal as whole numbers allow; their sum is ``total``."""
    return tuple((index + 1) * total // count - index * total // count for index in range(count))


def scale(sizes: Sequence[float], total: int) -> list[int]:
    """Return whole numbers in the proportion of ``sizes`` whose sum is ``total`` (all at the end where all are 0)."""
    whole = sum(sizes)
    if whole == total and all(isinstance(size, int) for size in sizes):
        return [int(size) for size in sizes]
    if whole <= 0:
        return [*([0] * (len(sizes) - 1)), total] if sizes else []
    found, seen, given = [], 0.0, 0
    for size in sizes:
        seen += size
        reach = round(total * (seen / whole))
        found.append(reach - given)
        given = reach
    found[-1] += total - given
    return found
