"""Reading a file with a cache of what an earlier run found, and what a test wants to know of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from truelimit.adapters.files import server_log
from truelimit.adapters.store.evidence_cache import EvidenceCache, Kept, using

R = TypeVar("R")


class Watched(EvidenceCache):
    """A cache that takes files of any size and notes what was found in it."""

    def __init__(self, folder: Path, most: int = 1 << 20) -> None:
        super().__init__(folder, most, 0)
        self.found: list[Kept | None] = []

    def find(self, reader: str, path: Path, status: object, least: int | None = None) -> Kept | None:
        kept = super().find(reader, path, status, least)  # type: ignore[arg-type]
        self.found.append(kept)
        return kept


@contextmanager
def kept_in(folder: Path, most: int = 1 << 20) -> Iterator[Watched]:
    """Let readers use a cache in this folder."""
    cache = Watched(folder, most)
    with using(cache):
        yield cache


def read_with(folder: Path, read: Callable[[Path], R], path: Path) -> tuple[R, list[Kept | None]]:
    """Return what a reader gives with a cache in this folder, and what it found there."""
    server_log._read_once.cache_clear()
    with kept_in(folder) as cache:
        result = read(path)
    server_log._read_once.cache_clear()
    return result, cache.found
