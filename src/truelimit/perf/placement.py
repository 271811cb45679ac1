"""Which blocks of a model lie in which memory. Devices with memory of their own are never one sum.

Rules of llama.cpp (``docs/multi-gpu.md``, ``src/llama-model.cpp`` load_tensors, build b11434): each device holds a
contiguous run of blocks with their cache; the output lies on the last; the input embedding stays in main memory; each
device takes a compute buffer of its own. With ``--split-mode tensor`` weights and cache are cut across all devices.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import field
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.domain.provenance import Known
    from truelimit.perf.placement_parts import ModelParts
    from truelimit.units import Bytes


class Mode(StrEnum):
    """How a model is put: on one memory, block after block over several, cut across them, or partly in main memory."""

    WHOLE = "whole"
    LAYER = "layer"
    TENSOR = "tensor"
    PARTIAL = "partial"
    EXPERTS = "experts-in-main-memory"


@dataclass(frozen=True, slots=True)
class Place:
    """A memory that can hold blocks: ``size`` is what a model may take of it, ``kept_free`` what must stay free."""

    name: str
    size: Known[Bytes]
    kept_free: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What a place holds: the blocks [first, last), and bytes. ``experts_of``: only experts of so many first blocks."""

    place: Place
    first: int
    last: int
    weights: int
    kv_cache: int
    state: int
    compute: int
    experts_of: int = 0

    @property
    def total(self) -> int:
        """All that it holds, in bytes."""
        return self.weights + self.kv_cache + self.state + self.compute

    @property
    def left(self) -> int:
        """What is left of it, in bytes; below 0 where it does not hold."""
        return self.place.size.value - self.total

    @property
    def spare(self) -> int:
        """What is left beyond what must stay free, in bytes."""
        return self.left - self.place.kept_free


@dataclass(frozen=True, slots=True)
class Placement:
    """Where all parts of a model lie. ``host`` is main memory, None where nothing that is counted lies there."""

    mode: Mode
    devices: tuple[Held, ...]
    host: Held | None
    blocks: int
    notes: tuple[str, ...] = field(default=())

    @property
    def fits(self) -> bool:
        """Whether every memory holds its part, with what must stay free."""
        return all(item.spare >= 0 for item in self._all())

    @property
    def tightest(self) -> Held:
        """The memory with the least left: its headroom is that of the whole."""
        return min(self._all(), key=lambda item: item.spare)

    @property
    def blocks_on_devices(self) -> int:
        """How many blocks lie on accelerators (their experts aside)."""
        return sum(item.last - item.first for item in self.devices)

    def _all(self) -> tuple[Held, ...]:
        used = tuple(item for item in self.devices if item.total)
        return (*used, self.host) if self.host is not None else used or self.devices


def place(parts: ModelParts, devices: Sequence[Place], host: Place | None = None, split: str = "layer") -> Placement:
    """Return where the parts lie: on the devices where they hold them, else partly in ``host`` where there is one.

    ``split`` is ``layer`` or ``tensor``. Raises ValueError for no device or another split.
    """
    if split not in {"layer", "tensor"} or not devices:
        raise ValueError(
            said(
                "split is {split!r} over {devices} devices; expected layer or tensor, and a device",
                split=split,
                devices=len(devices),
            )
        )
    on_devices = _tensor(parts, devices) if split == "tensor" and len(devices) > 1 else over_devices(parts, devices)
    if on_devices.fits or host is None:
        return on_devices
    return partial(parts, devices, host)


def over_devices(parts: ModelParts, devices: Sequence[Place]) -> Placement:
    """Return contiguous runs of blocks that leave the most room on the tightest device."""
    ends = _ends(parts, devices, 0)
    mode = Mode.WHOLE if len(devices) == 1 else Mode.LAYER
    return Placement(mode, _runs(parts, devices, 0, ends), None, parts.blocks, _notes(parts))


def partial(parts: ModelParts, devices: Sequence[Place], host: Place) -> Placement:
    """Return a placement over accelerators and main memory that keeps as much as possible on the accelerators.

    A mixture of experts moves the experts of its first blocks (``--n-cpu-moe``), where that is enough: caches and
    attention stay fast. Any other model moves whole blocks (``-ngl``).
    """
    moved = _experts_moved(parts, devices)
    if moved is not None:
        return _with_experts_on_host(parts, devices, host, moved)
    low, high = 0, parts.blocks
    while low < high:  # the first block that lies on a device: the fewer blocks, the more room
        middle = (low + high) // 2
        low, high = (low, middle) if _holds(parts, devices, middle) else (middle + 1, high)
    return _with_blocks_on_host(parts, devices, host, low)


def _holds(parts: ModelParts, devices: Sequence[Place], first: int) -> bool:
    runs = _runs(parts, devices, first, _ends(parts, devices, first))
    return all(item.spare >= 0 for item in runs if item.total)


def _experts_moved(parts: ModelParts, devices: Sequence[Place]) -> int | None:
    """The fewest first blocks whose experts must leave the devices, or None where that is not enough."""
    if not any(parts.experts):
        return None
    low, high = 0, parts.blocks + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _holds(parts.without_experts(middle), devices, 0) else (middle + 1, high)
    return low if low <= parts.blocks else None


def _with_experts_on_host(parts: ModelParts, devices: Sequence[Place], host: Place, moved: int) -> Placement:
    slim = parts.without_experts(moved)
    runs = _runs(slim, devices, 0, _ends(slim, devices, 0))
    weights = parts.input + sum(parts.experts[:moved])
    held = Held(host, 0, 0, weights, 0, 0, parts.compute, experts_of=moved)
    return Placement(Mode.EXPERTS, runs, held, parts.blocks, _notes(parts))


def _with_blocks_on_host(parts: ModelParts, devices: Sequence[Place], host: Place, first: int) -> Placement:
    runs = _runs(parts, devices, first, _ends(parts, devices, first))
    on_none = first >= parts.blocks
    weights = parts.input + sum(parts.weights[:first]) + (parts.output if on_none else 0)
    held = Held(host, 0, first, weights, sum(parts.kv_cache[:first]), sum(parts.state[:first]), parts.compute)
    return Placement(Mode.PARTIAL, runs, held, parts.blocks, _notes(parts))


def _tensor(parts: ModelParts, devices: Sequence[Place]) -> Placement:
    """Weights and caches cut alike across all devices; the compute buffer lies whole on each."""
    sizes = [item.size.value - item.kept_free for item in devices]
    shares = [size / sum(sizes) for size in sizes] if min(sizes) > 0 else [1 / len(sizes)] * len(sizes)
    wholes = (sum(parts.weights) + parts.output, sum(parts.kv_cache), sum(parts.state))
    held = []
    for device, share in zip(devices, shares, strict=True):
        weights, cache, state = (round(whole * share) for whole in wholes)
        held.append(Held(device, 0, parts.blocks, weights, cache, state, parts.compute))
    return Placement(Mode.TENSOR, tuple(held), None, parts.blocks, _notes(parts))


def _ends(parts: ModelParts, devices: Sequence[Place], first: int) -> list[int]:
    """Where each device's run ends, so that the least spare over all devices is the largest that can be had."""
    sums = [0, *accumulate(parts.block_bytes())]
    high = max(int(item.size.value) for item in devices)
    low = -(sums[-1] + parts.output + parts.compute + max(item.kept_free for item in devices)) - high
    while high - low > 1:
        middle = (low + high) // 2
        reached = _fill(parts, devices, first, sums, middle)
        low, high = (middle, high) if reached[-1] == parts.blocks else (low, middle)
    return _fill(parts, devices, first, sums, low)


def _fill(parts: ModelParts, devices: Sequence[Place], first: int, sums: Sequence[int], spare: int) -> list[int]:
    """Fill devices one after the other, each up to ``spare`` bytes below its size; return where their runs end."""
    ends, at = [], first
    for device in devices:
        room = device.size.value - device.kept_free - spare - parts.compute
        end = bisect_right(sums, sums[at] + room, lo=at) - 1 if room >= 0 else at
        if end == parts.blocks and sums[end] - sums[at] + parts.output > room:
            end -= 1  # the output lies with the last block
        at = max(at, min(end, parts.blocks))
        ends.append(at)
    return ends


def _runs(parts: ModelParts, devices: Sequence[Place], first: int, ends: Sequence[int]) -> tuple[Held, ...]:
    starts = [first, *ends[:-1]]
    last_used = max((index for index, (a, b) in enumerate(zip(starts, ends, strict=True)) if b > a), default=None)
    return tuple(
        _run(parts, device, start, end, has_output=index == last_used and end == parts.blocks)
        for index, (device, start, end) in enumerate(zip(devices, starts, ends, strict=True))
    )


def _run(parts: ModelParts, device: Place, start: int, end: int, *, has_output: bool) -> Held:
    if start >= end:
        return Held(device, start, start, 0, 0, 0, 0)
    weights = sum(parts.weights[start:end]) + (parts.output if has_output else 0)
    return Held(device, start, end, weights, sum(parts.kv_cache[start:end]), sum(parts.state[start:end]), parts.compute)


def _notes(parts: ModelParts) -> tuple[str, ...]:
    return () if parts.told else (said("no tensor table: the weights are taken as spread evenly over the blocks"),)
