"""Where the blocks lie at many contexts at once: what ``placement.place`` says of each, in arrays.

Weights are the same at each context; caches and the buffer grow. So every search of ``placement`` is done for all
contexts together, one row each. Devices in turn only (``layer``), with main memory beside them or without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.perf.placement import Place
    from truelimit.perf.placement_parts import CacheGroup, ModelParts

Array = Any  # of numpy: whole numbers of 64 bits, or booleans; one row a context
_AT_ONCE = 32_768  # rows: what is worked on together stays below 100 MB


@dataclass(frozen=True, slots=True)
class ManyNeeds:
    """What grows with the context, one value a context: all cache, the buffer (bytes), the cells of each group."""

    kv_cache: Array
    compute: Array
    cells: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class ManyPlaced:
    """Where the parts lie, one row a context; columns are the devices and, last, main memory.

    ``moved`` counts the first blocks whose experts lie in main memory, ``first`` the whole blocks that lie there;
    ``on_host`` says whether it takes part. ``blocks`` are those of each device. ``left`` is what is left on the
    tightest memory, in bytes.
    """

    on_host: Array
    first: Array
    moved: Array
    blocks: Array
    weights: Array
    kv_cache: Array
    left: Array


def place_many(
    parts: ModelParts, groups: Sequence[CacheGroup], needs: ManyNeeds, devices: Sequence[Place], host: Place | None
) -> ManyPlaced:
    """Return where the parts lie at each context. ``parts`` are those of one of them."""
    found = []
    for start in range(0, len(needs.kv_cache), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        some = ManyNeeds(needs.kv_cache[rows], needs.compute[rows], tuple(cells[rows] for cells in needs.cells))
        found.append(_Search(parts, groups, some, devices, host).placed())
    names = ("on_host", "first", "moved", "blocks", "weights", "kv_cache", "left")
    return ManyPlaced(*(np.concatenate([getattr(item, name) for item in found]) for name in names))


def _sums(values: Sequence[int]) -> Array:
    return np.concatenate([[0], np.cumsum(np.array(values, dtype=np.int64))])


def _cache_sums(groups: Sequence[CacheGroup], needs: ManyNeeds, blocks: int) -> Array:
    """The cache of the blocks before each one, scaled to what all take: ``placement_parts.scale`` of each row."""
    sizes = np.zeros((len(needs.kv_cache), blocks))
    for group, cells in zip(groups, needs.cells, strict=True):
        sizes[:, list(group.layers)] += (cells * group.cell_bytes / max(1, len(group.layers)))[:, None]
    seen = np.cumsum(sizes, axis=1)
    whole = seen[:, -1:]
    shares = np.divide(seen, whole, out=np.zeros_like(seen), where=whole > 0)
    reached = np.rint(needs.kv_cache[:, None] * shares).astype(np.int64)
    reached[:, -1] = needs.kv_cache
    return np.concatenate([np.zeros((len(reached), 1), np.int64), reached], axis=1)


class _Search:
    """The searches of ``placement`` over some contexts."""

    def __init__(
        self,
        parts: ModelParts,
        groups: Sequence[CacheGroup],
        needs: ManyNeeds,
        devices: Sequence[Place],
        host: Place | None,
    ) -> None:
        self.parts, self.devices, self.host, self.compute = parts, devices, host, needs.compute
        self.weights, self.experts, self.state = _sums(parts.weights), _sums(parts.experts), _sums(parts.state)
        self.cache = _cache_sums(groups, needs, parts.blocks)
        self.all = self.cache + self.weights + self.state
        self.rows = np.arange(len(needs.compute))
        self.none = np.zeros(len(needs.compute), np.int64)

    def placed(self) -> ManyPlaced:
        """Return the placement of each row."""
        blocks = self.parts.blocks
        if self.host is None:
            return self._held(self.none > 0, self.none, self.none)
        whole = self._holds(self.none, self.none)
        moved = self._fewest(lambda count: self._holds(self.none, count), blocks + 1)
        with_experts = ~whole & (moved <= blocks) & any(self.parts.experts)
        moved = np.where(with_experts, moved, 0)
        first = self._fewest(lambda count: self._holds(count, self.none), blocks)
        first = np.where(whole | with_experts, 0, first)
        return self._held(~whole, first, moved)

    def _fewest(self, holds: Any, most: int) -> Array:
        """The smallest count for which each row holds: ``most`` where none below it does."""
        low, high = self.none, self.none + most
        while (low < high).any():
            middle = (low + high) // 2
            good = holds(np.minimum(middle, self.parts.blocks))
            open_ = low < high
            low, high = np.where(open_ & ~good, middle + 1, low), np.where(open_ & good, middle, high)
        return low

    def _slim(self, moved: Array) -> Array:
        """The bytes before each block, without the experts of the first ``moved`` ones."""
        if not moved.any():
            return self.all
        count = np.minimum(np.arange(self.parts.blocks + 1)[None, :], moved[:, None])
        return self.all - self.experts[count]

    def _holds(self, first: Array, moved: Array) -> Array:
        """Whether the devices hold the blocks from ``first`` on: filled in turn, they reach the end."""
        return self._fill(self._slim(moved), first, self.none)[-1] == self.parts.blocks

    def _fill(self, sums: Array, first: Array, spare: Array) -> list[Array]:
        blocks, ends, at = self.parts.blocks, [], first
        for device in self.devices:
            room = device.size.value - device.kept_free - spare - self.compute
            before = sums[self.rows, at]
            end = (sums <= (before + room)[:, None]).sum(axis=1) - 1
            over = sums[self.rows, end.clip(0, blocks)] - before + self.parts.output > room
            end = np.where(room >= 0, np.maximum(end, at) - ((end == blocks) & over), at)
            at = np.maximum(at, np.minimum(end, blocks))
            ends.append(at)
        return ends

    def _ends(self, sums: Array, first: Array) -> list[Array]:
        """Where each device's run ends, so that the least spare over all of them is the largest that can be had."""
        if len(self.devices) == 1:
            return [self.none + self.parts.blocks]
        top = max(item.size.value for item in self.devices)
        kept = max(item.kept_free for item in self.devices)
        high = self.none + top
        low = -(sums[:, -1] + self.parts.output + self.compute + kept) - high
        while ((high - low) > 1).any():
            middle = (low + high) // 2
            reached = self._fill(sums, first, middle)[-1] == self.parts.blocks
            open_ = (high - low) > 1
            low, high = np.where(open_ & reached, middle, low), np.where(open_ & ~reached, middle, high)
        return self._fill(sums, first, low)

    def _held(self, on_host: Array, first: Array, moved: Array) -> ManyPlaced:
        """What each memory holds, and what is left on the tightest."""
        sums, blocks = self._slim(moved), self.parts.blocks
        ends = self._ends(sums, first)
        starts = [first, *ends[:-1]]
        last = np.max([np.where(b > a, index, -1) for index, (a, b) in enumerate(zip(starts, ends, strict=True))], 0)
        counts, weights, caches, spares, lefts = [], [], [], [], []
        for index, (device, a, b) in enumerate(zip(self.devices, starts, ends, strict=True)):
            used = b > a
            cache = np.where(used, self.cache[self.rows, b] - self.cache[self.rows, a], 0)
            output = np.where((last == index) & (b == blocks) & used, self.parts.output, 0)
            taken = np.where(used, sums[self.rows, b] - sums[self.rows, a] + self.compute, 0) + output
            state = np.where(used, self.state[b] - self.state[a], 0)
            counts.append(np.where(used, b - a, 0))
            weights.append(taken - cache - state - np.where(used, self.compute, 0))
            caches.append(cache)
            lefts.append(device.size.value - taken)
            spares.append(np.where(used, lefts[-1] - device.kept_free, np.iinfo(np.int64).max))
        on_none = np.where(first >= blocks, self.parts.output, 0)
        stored = self.parts.input + np.where(moved > 0, self.experts[moved], self.weights[first]) + on_none
        weights.append(np.where(on_host, stored, 0))
        caches.append(np.where(on_host, self.cache[self.rows, first], 0))
        taken = weights[-1] + caches[-1] + self.state[first] + self.compute
        lefts.append((self.host.size.value if self.host else 0) - taken)
        kept = self.host.kept_free if self.host else 0
        spares.append(np.where(on_host, lefts[-1] - kept, np.iinfo(np.int64).max))
        tightest = np.argmin(spares, axis=0)
        left = np.array(lefts)[tightest, self.rows]
        blocks_of, stored_in, cache_in = (np.stack(item, axis=1) for item in (counts, weights, caches))
        return ManyPlaced(on_host, first, moved, blocks_of, stored_in, cache_in, left)
