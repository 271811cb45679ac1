"""Reads what is new in the files with records and puts it into the store.

A file is known by size, time and inode. One that only grew (its bytes before the old end are the same) is read on from
there, with what its reader remembered; any other change reads it whole. Records have ids of their own, so reading
again changes nothing. A last line without an end is read, but read again the next time.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from truelimit.adapters.work import cline, llama_swap, openclaw, opencode, opencode_log, server_logs, table
from truelimit.adapters.work.claude_code import ClaudeCode
from truelimit.adapters.work.codex import Codex
from truelimit.adapters.work.context import Context, DamagedLine, Fold, WholeReader
from truelimit.adapters.work.lines import BUFFER, Cut, lines
from truelimit.adapters.work.pi import Pi
from truelimit.adapters.work.places import SourceFile
from truelimit.adapters.work.qwen_code import QwenCode
from truelimit.adapters.work.store import FileState, WorkStore
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import WorkRequest

FOLDS: dict[str, Callable[[Context], Fold]] = {
    "claude-code": ClaudeCode, "codex": Codex, "pi": Pi, "qwen-code": QwenCode,
}  # fmt: skip
WHOLE: dict[str, WholeReader] = {
    "cline": cline.read, "llama-swap": llama_swap.read, "openclaw": openclaw.read, "opencode": opencode.read,
    "opencode-log": opencode_log.read, "server-log": server_logs.read, "table": table.read,
}  # fmt: skip
_VERSION = 2  # of the readers: another one reads everything again
_BATCH = 5_000
_MARKED = 4096
_HOSTILE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)
Tell = Callable[[Path, int, int], None]
"""Called while reading with the file, the bytes read of all files so far, and the bytes that there are to read."""


@dataclass(slots=True)
class Ingested:
    """What a run read: files with anything new, files unchanged, bytes, damaged lines in them, what was odd."""

    files: int = 0
    unchanged: int = 0
    size: int = 0
    damaged: int = 0
    copies: int = 0
    odd: Counter[str] = field(default_factory=Counter)
    missing: list[Missing] = field(default_factory=list)


def ingest(
    store: WorkStore, sources: Sequence[SourceFile], context: Context, tell: Tell = lambda _path, _done, _total: None
) -> Ingested:
    """Read what is new in the files and return what was read.

    Raises TableRefused for a table that cannot be taken; a file that cannot be read is told as missing.
    """
    run = _Run(store, context, tell)
    run.total = sum(_size(item.path) for item in sources)
    try:
        for item in sources:
            run.read(item)
    finally:
        run.flush()
    run.result.odd = context.odd
    return run.result


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class _Run:
    def __init__(self, store: WorkStore, context: Context, tell: Tell) -> None:
        self.store, self.context, self.tell = store, context, tell
        self.result = Ingested()
        self.total = self.done = 0
        self._states: dict[tuple[str, str], FileState] = {}
        self._requests: list[WorkRequest] = []
        self._known = {(item.path, item.reader): item for item in store.states()}

    def read(self, source: SourceFile) -> None:
        """Read one file."""
        try:
            status = _status(source.path)
            known = self._of(source)
            if known is not None and _same(known, status):
                self.result.unchanged += 1
            else:
                self.result.files += 1
                self._new(source, status, known)
        except OSError as error:
            why = error.strerror or type(error).__name__
            self.result.missing.append(Missing("records", f"{source.path}: {why}"))
        self.done += _size(source.path)
        self.tell(source.path, self.done, self.total)

    def _of(self, source: SourceFile) -> FileState | None:
        """Return how far a file was read, if it was with these readers and these rules."""
        known = self._known.get((str(source.path.absolute()), source.reader))
        memory = _memory(known)
        current = memory.get("version") == _VERSION and memory.get("rules") == self.context.rules.mark
        return known if current else None

    def _new(self, source: SourceFile, status: _Status, known: FileState | None) -> None:
        if source.reader in FOLDS:
            self._fold(source, status, known)
            return
        memory = _memory(known).get("reader", {}) if known is not None else {}
        reading = WHOLE[source.reader](source.path, self.context, memory)
        self.result.missing += reading.missing
        self.result.damaged += reading.damaged
        found = 0
        for item in reading.requests:
            self._requests.append(item)
            found += 1
            if len(self._requests) >= _BATCH:
                self.flush()
        self.result.size += status.size
        if found or not reading.missing:  # what could not be read is tried again
            memory = {"reader": reading.memory, "damaged": reading.damaged}
            self._keep(source, status, status.size, memory, reading.damaged)

    def _fold(self, source: SourceFile, status: _Status, known: FileState | None) -> None:
        with source.path.open("rb", buffering=BUFFER) as stream:
            fold, begin, damaged = self._begun(source, stream, status, known)
            before, end, partial = damaged, begin, 0
            odd = Counter(self.context.odd)
            state: Any = None
            for place, line in lines(stream, begin):
                if isinstance(line, bytes) and not line.endswith(b"\n"):
                    state, partial = fold.state(), self._feed(fold, line)
                    break
                end, damaged = place, damaged + self._feed(fold, line)
                if len(self._requests) >= _BATCH:
                    self._keep(
                        source, replace(status, size=end), end, self._memory_of(fold.state(), damaged, source, end)
                    )
                    self.flush()
                    self.tell(source.path, self.done + end, self.total)
        memory = self._memory_of(fold.state() if state is None else state, damaged, source, end)
        earlier = Counter(_memory(known).get("odd", {})) if begin else Counter[str]()
        memory["odd"] = dict(earlier + (self.context.odd - odd))
        self.result.damaged += damaged + partial - before
        self.result.size += max(0, status.size - begin)
        self._keep(source, status, end, memory, damaged + partial)

    def _memory_of(self, state: Any, damaged: int, source: SourceFile, end: int) -> dict[str, Any]:
        return {"reader": state, "damaged": damaged, "mark": _mark(source.path, end)}

    def _begun(
        self, source: SourceFile, stream: BinaryIO, status: _Status, known: FileState | None
    ) -> tuple[Fold, int, int]:
        """Return a fold, where it goes on, and the damaged lines before that."""
        fold = FOLDS[source.reader](self.context)
        if known is not None and known.inode == status.inode and known.offset <= status.size:
            memory = _memory(known)
            if memory.get("mark") == _mark(source.path, known.offset):
                try:
                    fold.restore(memory["reader"])
                except _HOSTILE:
                    fold = FOLDS[source.reader](self.context)
                else:
                    stream.seek(known.offset)
                    return fold, known.offset, int(memory.get("damaged", 0))
        return fold, 0, 0

    def _feed(self, fold: Fold, line: bytes | Cut) -> int:
        """Give a line to its fold. Returns 1 for a damaged one."""
        if isinstance(line, Cut):
            fold.feed_cut(line.head, line.tail)
            return 0
        text = line.strip(b" \t\r\n\xef\xbb\xbf")
        if not text:
            return 0
        try:
            self._requests += fold.feed(text)
        except (DamagedLine, *_HOSTILE):
            return 1
        return 0

    def _keep(
        self, source: SourceFile, status: _Status, offset: int, memory: dict[str, Any], damaged: int | None = None
    ) -> None:
        path = str(source.path.absolute())
        memory = {"version": _VERSION, "rules": self.context.rules.mark, **memory}
        self._states[path, source.reader] = FileState(
            path, status.size, status.modified_ns, status.inode, offset, source.reader,
            json.dumps(memory, separators=(",", ":")), memory["damaged"] if damaged is None else damaged,
        )  # fmt: skip

    def flush(self) -> None:
        """Put what was read into the store."""
        if self._states or self._requests:
            self.result.copies += self.store.add_all(list(self._states.values()), self._requests)
        self._states, self._requests = {}, []


def oddities(store: WorkStore) -> Counter[str]:
    """Return what was odd in all files that were read line by line, by the words of context.py."""
    found: Counter[str] = Counter()
    for state in store.states():
        held = _memory(state).get("odd", {})
        found.update({key: count for key, count in held.items() if isinstance(count, int)})
    return found


@dataclass(frozen=True, slots=True)
class _Status:
    """What a file is known by; a database counts with its write-ahead log."""

    size: int
    modified_ns: int
    inode: int


def _status(path: Path) -> _Status:
    status = path.stat()
    log = path.with_name(path.name + "-wal")
    size, modified = status.st_size, status.st_mtime_ns
    if log.is_file():
        beside = log.stat()
        size, modified = size + beside.st_size, max(modified, beside.st_mtime_ns)
    return _Status(size, modified, status.st_ino)


def _same(known: FileState, status: _Status) -> bool:
    return (known.size, known.modified_ns, known.inode) == (status.size, status.modified_ns, status.inode)


def _memory(known: FileState | None) -> dict[str, Any]:
    try:
        value = json.loads(known.memory) if known is not None and known.memory else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _mark(path: Path, offset: int) -> str:
    """Return a hash of the bytes just before a place: a file that only grew still has them."""
    with path.open("rb") as stream:
        stream.seek(max(0, offset - _MARKED))
        return hashlib.blake2b(stream.read(min(offset, _MARKED)), digest_size=12).hexdigest()
