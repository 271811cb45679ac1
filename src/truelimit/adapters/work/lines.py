"""The lines of a large file, from where an earlier run stopped, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from truelimit.units import MIB

LONGEST = 16 * MIB
KEPT = 1 << 16
BUFFER = 4 * MIB


@dataclass(frozen=True, slots=True)
class Cut:
    """A line longer than LONGEST: its first and its last KEPT bytes are given, the rest was passed over."""

    head: bytes
    tail: bytes


def lines(stream: BinaryIO, offset: int) -> Iterator[tuple[int, bytes | Cut]]:
    """Yield (where the line ends, the line with its end) from a stream that stands at ``offset``.

    A last line without an end is given too: it may still be being written. One of more than LONGEST bytes is a Cut.
    """
    while line := stream.readline(LONGEST):
        offset += len(line)
        if len(line) < LONGEST or line.endswith(b"\n"):
            yield offset, line
            continue
        tail, passed = _pass_over(stream, line[-KEPT:])
        offset += passed
        yield offset, Cut(line[:KEPT], tail)


def _pass_over(stream: BinaryIO, tail: bytes) -> tuple[bytes, int]:
    passed = 0
    while rest := stream.readline(MIB):
        passed += len(rest)
        tail = (tail + rest)[-KEPT:]
        if rest.endswith(b"\n"):
            break
    return tail, passed
