"""Finds the few lines of a server's log that matter, fast and in flat memory.

The file is read in blocks. In each block some patterns with a literal beginning are searched (about 1.5 GB/s each)
and only the lines that hold one are cut out: cutting all lines first would be several times slower. What a server
prints while it loads a model has many forms in a small region, so that region alone is searched for all of them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 1 << 20
LONGEST_LINE = 1 << 14
LOAD_REGION = 1 << 16

_MESSAGES = (
    rb"Listening on|server config|inference compute|vram-based|entering low vram|requested context size"
    rb"|invalid option|system memory|load\b|model weights|kv cache|compute graph|total memory|starting |truncating "
    rb"|context limit hit|loading cache slot|client connection closed|aborting |llama|runtime OOM|model re"
    rb"|template selection|cache hit|cache miss|Prompt processing|llm predict error|error loading|Load failed"
    rb"|post predict"
)
_OLLAMA = (
    re.compile(rb"\[GIN\] "),
    re.compile(rb'msg="?(?:' + _MESSAGES + rb")"),
    re.compile(rb"level=(?:ERROR|WARN|FATAL)"),
)
_SLOTS = tuple(map(re.compile, (rb"n_tokens = ", rb"eval time = ", rb"cancel task", rb"size limit")))
_ENGINE = tuple(
    map(re.compile, (rb"ontext size", rb"ut of memory", rb"OutOf", rb"ASSERT", rb"failed to ", rb"KV cache is full"))
)
_LOAD_START = (re.compile(rb"loading model"), re.compile(rb'msg="starting '))
_LOAD = re.compile(
    rb"buffer size|n_ctx|n_slots|new slot|layers to GPU|loading model|Flash Attention|flash_attn|K \(|n_u?batch  "
    rb"|training context|size limit|loading error|requires flash|listening on http"
)
_TIME = re.compile(rb"time=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) level=")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of interest: its number (from 1), its text, and its time, or that of the last line that had one."""

    number: int
    text: str
    time: str | None


@dataclass(slots=True)
class LineFinder:
    """Yields the lines of interest of one file, in order; afterwards ``damaged`` counts lines too long to read."""

    path: Path
    damaged: int = 0
    _number: int = 1
    _time: bytes | None = None
    _region_end: int = 0
    _utf16: codecs.IncrementalDecoder | None = field(default=None)

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines. Raises OSError when the file cannot be read."""
        offset = 0
        for block in self._blocks():
            yield from self._of_block(block, offset)
            offset += len(block)

    def _blocks(self) -> Iterator[bytes]:
        """Yield the file in pieces that end with a line, each at most two blocks long."""
        with self.path.open("rb") as file:
            rest = b""
            while data := file.read(BLOCK):
                data = rest + self._as_utf8(data)
                end = data.rfind(b"\n") + 1
                if not end and len(data) > BLOCK:
                    self.damaged += 1
                    end = len(data)
                rest = data[end:]
                if end:
                    yield data[:end]
            if rest:
                yield rest

    def _as_utf8(self, data: bytes) -> bytes:
        """Return the data in an encoding that the patterns fit (PowerShell writes logs in UTF-16)."""
        if self._utf16 is None and self._number == 1 and data.startswith(codecs.BOM_UTF16_LE):
            self._utf16 = codecs.getincrementaldecoder("utf-16")(errors="replace")
        return self._utf16.decode(data).encode(errors="replace") if self._utf16 else data

    def _of_block(self, block: bytes, offset: int) -> Iterator[Line]:
        position = 0
        for start in sorted(self._line_starts(block, offset)):
            end = block.find(b"\n", start)
            line = block[start : end if end >= 0 else len(block)]
            self._note_time(block, position, start + len(line))
            self._number += block.count(b"\n", position, start)
            position = start
            if len(line) > LONGEST_LINE:
                self.damaged += 1
                line = line[:LONGEST_LINE]
            line = _timing_header(block, start, line) + line
            yield Line(self._number, line.decode("utf-8", "replace").rstrip("\r"), self._time_text())
        self._note_time(block, position, len(block))
        self._number += block.count(b"\n", position)

    def _line_starts(self, block: bytes, offset: int) -> set[int]:
        """Return where the lines of interest start in the block."""
        patterns = list(_ENGINE)
        if b"msg=" in block or b"[GIN]" in block:
            patterns += _OLLAMA
        if b"eval time" in block or b"| task " in block:
            patterns += _SLOTS
        starts = {block.rfind(b"\n", 0, hit.start()) + 1 for pattern in patterns for hit in pattern.finditer(block)}
        for begin, end in self._load_regions(block, offset):
            starts.update(block.rfind(b"\n", 0, hit.start()) + 1 for hit in _LOAD.finditer(block, begin, end))
        return starts

    def _load_regions(self, block: bytes, offset: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of the block in which a model is being loaded, without overlap."""
        begins = sorted(hit.start() for pattern in _LOAD_START for hit in pattern.finditer(block))
        if self._region_end > offset:
            begins.insert(0, 0)
            yield 0, min(len(block), self._region_end - offset)
        done = max(0, self._region_end - offset)
        for begin in begins:
            end = begin + LOAD_REGION
            if end > done:
                yield max(block.rfind(b"\n", 0, begin) + 1, done), min(end, len(block))
                done = end
        self._region_end = max(self._region_end, offset + done)

    def _note_time(self, block: bytes, start: int, end: int) -> None:
        """Remember the last time that a line between start and end carries."""
        at = block.rfind(b"time=20", start, end)
        if at >= 0 and (found := _TIME.match(block, at)):
            self._time = found.group(1)

    def _time_text(self) -> str | None:
        return None if self._time is None else self._time.decode("ascii")


def _timing_header(block: bytes, start: int, line: bytes) -> bytes:
    """Return ``slot print_timing: id  0 | task 0 | `` where builds before 2026 put it on a line of its own."""
    if b"eval time = " not in line or b"| task " in line:
        return b""
    at = block.rfind(b"slot print_timing: id", max(0, start - 400), start)
    return block[at : block.find(b"\n", at)] if at >= 0 else b""
