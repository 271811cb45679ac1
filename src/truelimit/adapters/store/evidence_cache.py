"""What a run found in large files, kept for the next run: one that finds them unchanged need not read them again.

An entry belongs to one file (its absolute path) and one reader. It holds for the file with the same size, time of
change and inode. A file that has only grown since, which its first and its last block that were read show, is read on
from there. Entries are checked by a sum; one that is damaged, foreign or of other readers is as if it were not there.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import zlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import field
from pathlib import Path
from typing import Any

from truelimit.domain.frozen import dataclass
from truelimit.units import MIB

LEAST_FILE = MIB
MOST_BYTES = 64 * MIB
_MOST_ENTRY = 16 * MIB
_BLOCK = 1 << 16
_MAGIC = b"truelimit evidence 1 "
_READERS = ("adapters/files", "adapters/files/gguf", "adapters/agents/openclaw", "adapters/store", "domain")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reader kept: its state after the first ``offset`` bytes; ``is_same``: the file has not changed since."""

    offset: int
    state: Any
    is_same: bool


@dataclass(slots=True)
class EvidenceCache:
    """Entries in one folder, together at most ``most`` bytes: the ones not used for longest go first."""

    folder: Path
    most: int = MOST_BYTES
    least_file: int = LEAST_FILE
    _written: bool = field(default=False, repr=False)

    def find(self, reader: str, path: Path, status: os.stat_result, least: int | None = None) -> Kept | None:
        """Return what the reader kept of this file, or None. Never raises.

        ``least``: from which size on the reader keeps files, where that is less than for all.
        """
        if self._is_small(status, least):
            return None
        try:
            entry = self._entry(reader, path)
            offset, state = int(entry["offset"]), entry["state"]
            if entry["file"] == _file(status) and offset <= status.st_size:
                return Kept(offset, state, is_same=True)
            size, _, *identity = entry["file"]
            is_grown = max(size, offset) <= status.st_size and identity == _file(status)[2:]
            same = is_grown and size < status.st_size and entry["marks"] == _marks(path, offset)
            return Kept(offset, state, is_same=False) if same else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError, MemoryError):
            return None

    def keep(
        self, reader: str, path: Path, status: os.stat_result, offset: int, state: Any, least: int | None = None
    ) -> None:
        """Keep the reader's state after ``offset`` bytes of a file that had this status before. Never raises."""
        if self._is_small(status, least):
            return
        try:
            entry = {"file": _file(status), "offset": offset, "marks": _marks(path, offset), "state": state}
            body = json.dumps(entry, separators=(",", ":"), check_circular=False).encode("ascii")
            if len(body) <= min(_MOST_ENTRY, self.most):
                self._write(self._path(reader, path), _seal(body) + body)
        except (OSError, ValueError, TypeError, RecursionError, MemoryError):
            return

    def trim(self) -> None:
        """Remove the entries not used for longest until the rest fit; does nothing in a run that wrote none."""
        if not self._written:
            return
        with contextlib.suppress(OSError):
            found = [(item.stat(), Path(item.path)) for item in os.scandir(self.folder) if item.is_file()]
            total = sum(status.st_size for status, _ in found)
            for status, path in sorted(found, key=lambda item: item[0].st_mtime_ns):
                if total <= self.most:
                    break
                with contextlib.suppress(OSError):
                    path.unlink()
                    total -= status.st_size

    def _is_small(self, status: os.stat_result, least: int | None) -> bool:
        return status.st_size < (self.least_file if least is None else min(self.least_file, least))

    def _path(self, reader: str, path: Path) -> Path:
        import hashlib

        name = hashlib.sha256(f"{reader}\0{path}\0{path.absolute()}".encode(errors="surrogatepass")).hexdigest()
        return self.folder / f"{name[:40]}.json"

    def _entry(self, reader: str, path: Path) -> dict[str, Any]:
        """Return an entry, marked as used now. Raises OSError or ValueError when there is none that holds."""
        place = self._path(reader, path)
        with place.open("rb") as file:
            seal, body = file.readline(256), file.read(_MOST_ENTRY + 1)
        if seal != _seal(body):
            raise ValueError("damaged, or of another version of the readers")
        with contextlib.suppress(OSError):
            os.utime(place)
        entry = json.loads(body)
        if not isinstance(entry, dict):
            raise ValueError("not an entry")
        return entry

    def _write(self, place: Path, data: bytes) -> None:
        """Write an entry in one instant. Two runs may do so at once: either one is whole."""
        import tempfile

        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix="new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).replace(place)
            self._written = True
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise


_ACTIVE: ContextVar[EvidenceCache | None] = ContextVar("evidence_cache", default=None)


def active() -> EvidenceCache | None:
    """Return the cache of this run, or None: readers then read whole files, as they do where nobody set one."""
    return _ACTIVE.get()


@contextlib.contextmanager
def using(cache: EvidenceCache | None) -> Iterator[None]:
    """Let readers use a cache (None: no cache) for a while, then trim it."""
    token = _ACTIVE.set(cache)
    try:
        yield
    finally:
        _ACTIVE.reset(token)
        if cache is not None:
            cache.trim()


def _file(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev]


def _marks(path: Path, offset: int) -> list[str]:
    """Return what the beginning of a file and the last block before ``offset`` are known by. Raises OSError."""
    import hashlib

    with path.open("rb") as file:
        head = file.read(min(_BLOCK, offset))
        file.seek(max(0, offset - _BLOCK))
        return [hashlib.sha256(part).hexdigest() for part in (head, file.read(min(_BLOCK, offset)))]


def _seal(body: bytes) -> bytes:
    return _MAGIC + f"{_parsers()} {len(body)} {zlib.crc32(body):08x}\n".encode("ascii")


def _name(item: os.DirEntry[str]) -> str:
    return item.name


@functools.cache
def _parsers() -> str:
    """Return what tells these readers from those of another version: entries of others do not count."""
    import hashlib

    import truelimit

    root = Path(__file__).resolve().parents[2]
    marks = [truelimit.__version__]
    for room in _READERS:
        with contextlib.suppress(OSError):
            found = sorted((item for item in os.scandir(root / room) if item.name.endswith(".py")), key=_name)
            marks += [f"{item.name} {item.stat().st_size} {item.stat().st_mtime_ns}" for item in found]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
