"""Finds the few lines of a server's log that matter, fast and in bounded memory.

The file is read in blocks. In each block some patterns with a literal beginning are searched (1 to 2 GB/s each) and
only the lines that hold one are cut out: cutting all lines first would be several times slower. What a server prints
while it loads a model has many forms in a small region, so that region alone is searched for all of them.
Of each group of lines the newest are kept, up to its bound; what is let go is counted.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from truelimit.adapters.files.server_log_noise import MESSAGES, START, Noise
from truelimit.domain.message import said

BLOCK = 1 << 20
LONGEST_LINE = 1 << 14
LOAD_REGION = 1 << 16
_LOOK_BACK = 400

_LOAD = re.compile(
    rb"buffer size|n_ctx|n_slots|new slot|layers to GPU|loading model|Flash Attention|flash_attn|K \(|n_u?batch  "
    rb"|training context|prompt cache is |loading error|requires flash|listening on http"
)
_LOAD_START = (re.compile(rb"loading model"), re.compile(rb'msg="starting '))
_LOAD_END = (b"started in ", b"all slots are idle")
_TIME = re.compile(rb"time=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))(?: level=|[\r\n]|$)")


def _patterns(*sources: bytes) -> tuple[re.Pattern[bytes], ...]:
    return tuple(re.compile(source) for source in sources)


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one sort: what finds them, how many of the newest are kept, and in which logs they occur."""

    name: str
    most: int
    patterns: tuple[re.Pattern[bytes], ...]
    needs: bytes = b""


LOADS = Group(said("lines of loading models"), 20_000, ())
GROUPS = (
    Group(said("lines of a server's start"), 10_000, _patterns(rb'msg="?(?:' + START + rb")"), b"msg="),
    Group("messages", 40_000, _patterns(rb'msg="?(?:' + MESSAGES + rb")", rb"level=(?:ERROR|WARN|FATAL)"), b"msg="),
    Group(said("access lines"), 20_000, _patterns(rb"\[GIN\] "), b"[GIN]"),
    Group(said("lines of requests"), 40_000, _patterns(rb"n_tokens = ", rb"cancel task", rb"size limit"), b"| task "),
    Group("timings", 20_000, _patterns(rb"eval time = ")),
    Group(
        said("lines of failures"),
        20_000,
        _patterns(rb"ontext size", rb"ut of memory", rb"OutOf", rb"ASSERT", rb"failed to "),
    ),
    LOADS,
)
_Found = tuple[int, bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of interest: its number (from 1), its text, and its time, or that of the last line that had one."""

    number: int
    text: str
    time: str | None


@dataclass(slots=True)
class LineFinder:
    """Yields the lines of interest of one file, in order.

    Afterwards ``damaged`` counts lines too long to read whole, ``left_out`` by group the older lines that were let go,
    ``seen`` by group all lines. ``offset`` is where the lines end that are complete; a finder that is given it, with
    what else a finder had noted there, goes on from there.
    """

    path: Path
    damaged: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    offset: int = 0
    number: int = 1
    time: bytes | None = None
    region_end: int = 0
    _rest: bytes = b""
    _before: bytes = b""
    _utf16: codecs.IncrementalDecoder | None = None
    _kept: dict[str, deque[_Found]] = field(default_factory=dict)
    _noise: Noise = field(default_factory=Noise)

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines. Raises OSError when the file cannot be read."""
        yield from self.whole_lines()
        yield from self.last_line()

    def whole_lines(self) -> Iterator[Line]:
        """Yield the lines that have an end. Raises OSError when the file cannot be read."""
        self._kept = {group.name: deque(maxlen=group.most) for group in GROUPS}
        for block in self._blocks():
            self._search(block)
        return self._found()

    def last_line(self) -> Iterator[Line]:
        """Yield what follows the last end of a line, after ``whole_lines``: it may still be being written."""
        self._kept = {group.name: deque(maxlen=group.most) for group in GROUPS}
        if self._rest:
            self._search(self._rest)
        return self._found()

    @property
    def can_go_on(self) -> bool:
        """Whether another finder could go on from ``offset`` and find what one that reads all would."""
        return self._utf16 is None and self._before.endswith(b"\n")

    @property
    def is_over(self) -> bool:
        """Whether there were more lines than are kept, in the parts read before and in this one."""
        return any(self.seen.get(group.name, 0) > group.most for group in GROUPS)

    def _found(self) -> Iterator[Line]:
        found = sorted((item for kept in self._kept.values() for item in kept), key=itemgetter(0))
        self._kept = {}
        for number, line, time in found:
            text = line.decode("utf-8", "replace").rstrip("\r")
            yield Line(number, text, None if time is None else time.decode("ascii"))

    def _blocks(self) -> Iterator[bytes]:
        """Yield the file in pieces that end with a line, each at most two blocks long; what is left is the rest."""
        with self.path.open("rb") as file:
            if self.offset:
                file.seek(max(0, self.offset - _LOOK_BACK))
                self._before = file.read(self.offset - file.tell())
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
                    self.offset += end
            self._rest = rest

    def _as_utf8(self, data: bytes) -> bytes:
        """Return the data in an encoding that the patterns fit (PowerShell writes logs in UTF-16)."""
        if self._utf16 is None and self.number == 1 and data.startswith(codecs.BOM_UTF16_LE):
            self._utf16 = codecs.getincrementaldecoder("utf-16")(errors="replace")
        return self._utf16.decode(data).encode(errors="replace") if self._utf16 else data

    def _search(self, whole: bytes) -> None:
        """Keep the lines of interest of a block, with their numbers and times."""
        block = self._noise.shortened(whole)
        starts = self._line_starts(block)
        position, number = 0, self.number
        is_timed = b"time=20" in block
        for start in sorted(starts):
            end = block.find(b"\n", start)
            end = len(block) if end < 0 else end
            if is_timed:
                self._note_time(block, position, end)
            number += block.count(b"\n", position, start)
            position = start
            self._keep(starts[start], (number, self._line(block, start, end), self.time))
        if is_timed:
            self._note_time(block, position, len(block))
        self.number = number + block.count(b"\n", position)
        self._before = whole[-_LOOK_BACK:]

    def _keep(self, group: Group, found: _Found) -> None:
        kept = self._kept[group.name]
        if len(kept) == group.most:
            self.left_out[group.name] = self.left_out.get(group.name, 0) + 1
        self.seen[group.name] = self.seen.get(group.name, 0) + 1
        kept.append(found)

    def _line(self, block: bytes, start: int, end: int) -> bytes:
        if end - start > LONGEST_LINE:
            self.damaged += 1
            end = start + LONGEST_LINE
        line = block[start:end]
        return _timing_header(self._before, block, start, line) + line

    def _line_starts(self, block: bytes) -> dict[int, Group]:
        """Return where the lines of interest start in the block, each with its group."""
        starts: dict[int, Group] = {}
        for group in GROUPS:
            if group.needs and group.needs not in block:
                continue
            for pattern in group.patterns:
                for hit in pattern.finditer(block):
                    starts.setdefault(block.rfind(b"\n", 0, hit.start()) + 1, group)
        for begin, end in self._load_regions(block):
            for hit in _LOAD.finditer(block, begin, end):
                starts.setdefault(block.rfind(b"\n", 0, hit.start()) + 1, LOADS)
        return starts

    def _load_regions(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Yield the parts of the block in which a model is being loaded, without overlap.

        A region that reaches beyond the block goes on in the next one.
        """
        begins = sorted(hit.start() for pattern in _LOAD_START for hit in pattern.finditer(block))
        done = 0
        if self.region_end > 0:
            done = _end_of_load(block, 0, self.region_end)
            yield 0, min(done, len(block))
        for begin in begins:
            if begin >= done:
                done = _end_of_load(block, begin, begin + LOAD_REGION)
                yield block.rfind(b"\n", 0, begin) + 1, min(done, len(block))
        self.region_end = max(0, done - len(block))

    def _note_time(self, block: bytes, start: int, end: int) -> None:
        """Remember the last time that a line between start and end carries."""
        at = block.rfind(b"time=20", start, end)
        if at >= 0 and (found := _TIME.match(block, at)):
            self.time = found.group(1)


def _end_of_load(block: bytes, begin: int, end: int) -> int:
    """Return where the load that begins there is over, at most ``end`` (which may lie beyond the block)."""
    marks = [at for mark in _LOAD_END if (at := block.find(mark, begin, end)) >= 0]
    return min(marks) + 1 if marks else end


def _timing_header(before: bytes, block: bytes, start: int, line: bytes) -> bytes:
    """Return ``slot print_timing: id  0 | task 0 | `` where builds before 2026 put it on a line of its own."""
    if b"eval time = " not in line or b"| task " in line:
        return b""
    text = block[max(0, start - _LOOK_BACK) : start]
    if start < _LOOK_BACK:
        text = before + text
    at = text.rfind(b"slot print_timing: id")
    return text[at : text.find(b"\n", at)] if at >= 0 else b""
