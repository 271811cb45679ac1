"""Reads what is new in the files with records and puts it into the store.

A file is known by size, time and inode. One that only grew (its bytes before the old end are the same) is read on from
there, with what its reader remembered; any other change reads it whole, and what it no longer tells of goes. From logs,
which are rotated, and databases, which are tidied, no conversation goes that is not there any more. Nothing that names
a person, a folder or a session gets into the store: what a reader remembers is hashes, counts and times. A last line
without an end is read, but read again the next time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from truelimit.adapters.work import cline, llama_swap, openclaw, opencode, opencode_log, server_logs, table
from truelimit.adapters.work.claude_code import ClaudeCode
from truelimit.adapters.work.codex import Codex
from truelimit.adapters.work.context import Context, Damage, DamagedLine, Fold, Reading, WholeReader
from truelimit.adapters.work.lines import BUFFER, Cut, lines
from truelimit.adapters.work.pi import Pi
from truelimit.adapters.work.places import SourceFile
from truelimit.adapters.work.qwen_code import QwenCode
from truelimit.adapters.work.store import FileState, Part, WorkStore
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

FOLDS: dict[str, Callable[[Context], Fold]] = {
    "claude-code": ClaudeCode, "codex": Codex, "pi": Pi, "qwen-code": QwenCode,
}  # fmt: skip
WHOLE: dict[str, WholeReader] = {
    "cline": cline.read, "llama-swap": llama_swap.read, "openclaw": openclaw.read, "opencode": opencode.read,
    "opencode-log": opencode_log.read, "server-log": server_logs.read, "table": table.read,
}  # fmt: skip
_KEEPING = frozenset({"llama-swap", "openclaw", "opencode", "opencode-log", "server-log"})
_VERSION = 2  # of the readers: another one reads everything again
_BATCH = 5_000
_MARKED = 4096
_HOSTILE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)
Tell = Callable[[Path, int, int], None]
"""Called while reading with the file, the bytes read of all files so far, and the bytes that there are to read."""


@dataclass(slots=True)
class Ingested:
    """What a run read: files with anything new, files unchanged, bytes, damaged lines in them, what was odd.

    ``refused``: files that cannot be taken at all, each with the reason.
    """

    files: int = 0
    unchanged: int = 0
    size: int = 0
    damaged: int = 0
    copies: int = 0
    odd: Counter[str] = field(default_factory=Counter)
    missing: list[Missing] = field(default_factory=list)
    refused: list[Missing] = field(default_factory=list)


def ingest(
    store: WorkStore, sources: Sequence[SourceFile], context: Context, tell: Tell = lambda _path, _done, _total: None
) -> Ingested:
    """Read what is new in the files and return what was read.

    A table that cannot be taken is told as refused, a file that cannot be read as missing: neither ends the rest.
    Raises WorkStoreError for a store that was made with another salt.
    """
    store.belongs_to(context.hasher("store"))
    run = _Run(store, context, tell)
    run.total = sum(_size(item.path) for item in sources)
    try:
        for item in sources:
            run.read(item)
    finally:
        run.flush()
    run.result.odd, run.result.copies = context.odd, store.copies()
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
        self._parts: list[Part] = []
        self._pending = 0
        self._rules = context.hasher("rules", context.rules.mark)
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
            self.result.missing.append(Missing(said("records"), f"{source.path}: {why}"))
        except table.TableRefused as error:
            self.result.refused.append(Missing(str(source.path), error.why))
        self.done += _size(source.path)
        self.tell(source.path, self.done, self.total)

    def _name(self, source: SourceFile) -> str:
        return self.context.hasher("path", str(source.path.absolute()))

    def _of(self, source: SourceFile) -> FileState | None:
        """Return how far a file was read, if it was with these readers and these rules."""
        known = self._known.get((self._name(source), source.reader))
        memory = _memory(known)
        return known if memory.get("version") == _VERSION and memory.get("rules") == self._rules else None

    def _new(self, source: SourceFile, status: _Status, known: FileState | None) -> None:
        if source.reader in FOLDS:
            self._fold(source, status, known)
            return
        memory = _memory(known).get("reader", {}) if known is not None else {}
        reading = WHOLE[source.reader](source.path, self.context, memory)
        part = Part(
            self._name(source), source.reader, anew=not reading.adds,
            keeps_sessions=source.reader in _KEEPING, renews_sessions=reading.adds,
        )  # fmt: skip
        found = self._take(part, reading, has_tools=source.has_tools)
        damaged = reading.damaged + reading.lines.count
        self.result.damaged += damaged
        self.result.missing += [*reading.missing, *_damaged(source.path, reading.lines)]
        self.result.size += status.size
        if found or not reading.missing:  # what could not be read is tried again
            memory = {"reader": reading.memory, "damaged": damaged}
            self._keep(part, status, status.size, memory)

    def _take(self, part: Part, reading: Reading, *, has_tools: bool) -> int:
        """Take the records of a reading, and put them into the store where they are many. Returns how many there are.

        What was known of the file stays what is seen until the last of them is there. Without tool calls nobody knows
        what a turn was: its records are of none.
        """
        found = 0
        for item in reading.requests:
            part.requests.append(item if has_tools else replace(item, turn=None))
            found += 1
            if part.anew and len(part.requests) >= _BATCH:
                self.store.add_all([part])
                part.requests = []
        return found

    def _fold(self, source: SourceFile, status: _Status, known: FileState | None) -> None:
        with source.path.open("rb", buffering=BUFFER) as stream:
            fold, begin, damaged = self._begun(source, stream, status, known)
            part = Part(self._name(source), source.reader, anew=not begin)
            before, end, partial = damaged, begin, 0
            odd = Counter(self.context.odd)
            state: Any = None
            for place, line in lines(stream, begin):
                if isinstance(line, bytes) and not line.endswith(b"\n"):
                    state, partial = fold.state(), self._feed(fold, line, part)
                    break
                end, damaged = place, damaged + self._feed(fold, line, part)
                if len(part.requests) >= _BATCH:
                    memory = self._memory_of(fold.state(), damaged, source, end)
                    self._keep(part, replace(status, size=end), end, memory)
                    self.flush()
                    part = replace(part, anew=False, requests=[], state=None)
                    self.tell(source.path, self.done + end, self.total)
        memory = self._memory_of(fold.state() if state is None else state, damaged, source, end)
        earlier = Counter(_memory(known).get("odd", {})) if begin else Counter[str]()
        memory["odd"] = dict(earlier + (self.context.odd - odd))
        self.result.damaged += damaged + partial - before
        self.result.size += max(0, status.size - begin)
        self._keep(part, status, end, memory, damaged + partial)

    def _memory_of(self, state: Any, damaged: int, source: SourceFile, end: int) -> dict[str, Any]:
        return {"reader": state, "damaged": damaged, "mark": self._mark(source.path, end)}

    def _mark(self, path: Path, offset: int) -> str:
        """Return a hash of the bytes just before a place: a file that only grew still has them."""
        with path.open("rb") as stream:
            stream.seek(max(0, offset - _MARKED))
            return self.context.hasher.of_bytes(stream.read(min(offset, _MARKED)))

    def _begun(
        self, source: SourceFile, stream: BinaryIO, status: _Status, known: FileState | None
    ) -> tuple[Fold, int, int]:
        """Return a fold, where it goes on, and the damaged lines before that."""
        fold = FOLDS[source.reader](self.context)
        if known is not None and known.inode == status.inode and known.offset <= status.size:
            memory = _memory(known)
            if memory.get("mark") == self._mark(source.path, known.offset):
                try:
                    fold.restore(memory["reader"])
                except _HOSTILE:
                    fold = FOLDS[source.reader](self.context)
                else:
                    stream.seek(known.offset)
                    return fold, known.offset, int(memory.get("damaged", 0))
        return fold, 0, 0

    @staticmethod
    def _feed(fold: Fold, line: bytes | Cut, part: Part) -> int:
        """Give a line to its fold. Returns 1 for a damaged one."""
        if isinstance(line, Cut):
            fold.feed_cut(line.head, line.tail)
            return 0
        text = line.strip(b" \t\r\n\xef\xbb\xbf")
        if not text:
            return 0
        try:
            part.requests += fold.feed(text)
        except (DamagedLine, *_HOSTILE):
            return 1
        return 0

    def _keep(
        self, part: Part, status: _Status, offset: int, memory: dict[str, Any], damaged: int | None = None
    ) -> None:
        memory = {"version": _VERSION, "rules": self._rules, **memory}
        part.state = FileState(
            part.path, status.size, status.modified_ns, status.inode, offset, part.reader,
            json.dumps(memory, separators=(",", ":")), memory["damaged"] if damaged is None else damaged,
        )  # fmt: skip
        self._parts.append(part)
        self._pending += len(part.requests)
        if self._pending >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Put what was read into the store."""
        parts, self._parts, self._pending = self._parts, [], 0
        if parts:
            self.store.add_all(parts)


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


def _damaged(path: Path, found: Damage) -> list[Missing]:
    """Return a word on each of the first damaged lines of a file."""
    told = [
        Missing(said("line {line:,} of {path}", line=line, path=path), said("skipped: {why}", why=why))
        for line, why in found.first
    ]
    more = found.count - len(told)
    if more > 0:
        told.append(Missing(str(path), said("and {more:,} damaged lines more", more=more)))
    return told
