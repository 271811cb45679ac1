"""Measures what the processor can draw from main memory and multiply, with numpy: bounded in memory and time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

from truelimit.app.measurement import ARRAYS
from truelimit.domain.message import said
from truelimit.units import GIB, MIB, Bytes, BytesPerSecond, OperationsPerSecond

SECONDS = 9.0
"""All of a run: memory is filled in what is left of it too."""
SHARE = 0.25
"""Of free memory, for all arrays together."""

_LARGEST = GIB  # bytes of one array
_SMALLEST = 8 * MIB
_TIMES_CACHE = 4  # STREAM asks for four times the last level's cache
_USUAL_CACHE = 64 * MIB
_SIDE = 2048  # rows of a matrix: 16 MiB each in float32
_PASSES = 20

Progress = Callable[[str, float], None]
"""Told what is being measured, and the share of the whole that is done."""


class ProbeError(RuntimeError):
    """It cannot be measured here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Best of several passes: reading an array, STREAM's Add, products of float32 matrices."""

    array: Bytes
    read: BytesPerSecond
    add: BytesPerSecond
    matrix: OperationsPerSecond


def measure(free: int, cache: int | None, threads: int, progress: Progress, seconds: float = SECONDS) -> Rates:
    """Return the rates of this machine's processor. Takes at most about ``seconds``, and a quarter of ``free`` bytes.

    Raises ProbeError where numpy is not installed or free memory does not do.
    """
    numpy = _numpy()
    size = array_bytes(free, cache)
    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        probe = _Probe(numpy, pool, size, threads)
        progress(said("filling memory"), 0.0)
        size = probe.fill(seconds / 4)
        left = max(0.3, seconds - (time.monotonic() - started)) / 3
        progress(said("reading"), 0.25)
        read = probe.best(probe.read, ARRAYS * size, left)
        progress(said("adding"), 0.5)
        add = probe.best(probe.add, ARRAYS * size, left)
        probe.drop()
    progress(said("multiplying matrices"), 0.75)
    matrix = _matrix(numpy, left)
    progress(said("done"), 1.0)
    return Rates(size, BytesPerSecond(read), BytesPerSecond(add), OperationsPerSecond(matrix))


def array_bytes(free: int, cache: int | None) -> Bytes:
    """Return the size of one of three arrays: four times the cache, within a quarter of free memory and 1 GiB.

    Raises ProbeError where that is less than 8 MiB.
    """
    most = min(int(free * SHARE) // ARRAYS, _LARGEST)
    if most < _SMALLEST:
        raise ProbeError(
            said(
                "only {free} MiB of memory are free; measuring needs {smallest}",
                free=free // MIB,
                smallest=_SMALLEST * ARRAYS * 4 // MIB,
            )
        )
    wanted = _TIMES_CACHE * (cache or _USUAL_CACHE)
    return Bytes(min(max(wanted, _SMALLEST), most) // 4096 * 4096)


def _numpy() -> ModuleType:
    try:
        import numpy as np
    except ImportError:
        raise ProbeError(
            said("measuring needs numpy, which is not installed here; expected: pip install 'truelimit[measure]'")
        ) from None
    return np


class _Probe:
    """Three arrays, cut into a slice for each thread; each pass is one call of numpy a slice, outside Python's lock."""

    def __init__(self, numpy: Any, pool: ThreadPoolExecutor, size: int, threads: int) -> None:
        self._numpy, self._pool = numpy, pool
        self._threads, self._count = threads, size // 8
        self._arrays = [numpy.empty(self._count) for _ in range(ARRAYS)]
        self._slices: list[slice] = []

    def fill(self, seconds: float) -> Bytes:
        """Write every page once; return the bytes of an array that were written in this time: only they are used."""

        def one(part: slice) -> None:
            for array in self._arrays:
                array[part] = 1.0

        end, until = 0, time.monotonic() + seconds
        while end < self._count and (end == 0 or time.monotonic() < until):
            start, end = end, min(end + _SMALLEST // 8, self._count)
            list(self._pool.map(one, self._cut(start, end)))
        self._slices = self._cut(0, end)
        return Bytes(end * 8)

    def _cut(self, start: int, end: int) -> list[slice]:
        """Return a slice for each thread."""
        edges = [start + (end - start) * index // self._threads for index in range(self._threads + 1)]
        return [slice(low, high) for low, high in pairwise(edges) if high > low]

    def read(self, part: slice) -> None:
        """Read a slice of each array: the largest of its numbers, which numpy finds with vector instructions."""
        for array in self._arrays:
            array[part].max()

    def add(self, part: slice) -> None:
        """Add two slices into a third."""
        self._numpy.add(self._arrays[1][part], self._arrays[2][part], out=self._arrays[0][part])

    def best(self, act: Callable[[slice], None], moved: int, seconds: float) -> float:
        """Return the best rate of passes within ``seconds``, at least two, in bytes per second."""
        return moved / _fastest(lambda: list(self._pool.map(act, self._slices)), seconds)

    def drop(self) -> None:
        """Give the arrays back."""
        self._arrays.clear()


def _matrix(numpy: Any, seconds: float) -> float:
    one = numpy.ones((_SIDE, _SIDE), dtype=numpy.float32)
    out = numpy.empty_like(one)
    return 2 * _SIDE**3 / _fastest(lambda: numpy.matmul(one, one, out=out), seconds)


def _fastest(act: Callable[[], object], seconds: float) -> float:
    """Return the seconds of the fastest pass; the first one warms up. A pass that takes all the time counts."""
    started = time.perf_counter()
    act()
    best = time.perf_counter() - started
    for _ in range(_PASSES):
        begun = time.perf_counter()
        if begun - started > seconds:
            break
        act()
        best = min(best, time.perf_counter() - begun)
    return max(best, 1e-9)
