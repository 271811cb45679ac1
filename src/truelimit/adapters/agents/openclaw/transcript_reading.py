"""Reads the lines of a transcript file into entries: long ones, which are most of its bytes, only in part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.transcript_lines import PREFIX, Damaged, Entry, Input, entry_of, read_lines

_PARSED_AT_ONCE = 1024
_JUDGED_WHOLE = 4096
# JSON.stringify keeps the order of insertion, so a message entry starts with these keys. Anchored at the start and made
# of whole JSON tokens only, the pattern can't be misled by the same keys inside text or tool arguments.
_STRING = rb'"(?:[^"\\]|\\.)*"'
_MESSAGE_LINE = re.compile(
    rb'\s*\{\s*"type"\s*:\s*"message"\s*,\s*"id"\s*:\s*'
    + _STRING
    + rb'\s*,\s*"parentId"\s*:\s*(?:null|'
    + _STRING
    + rb")"
    rb'\s*,\s*"timestamp"\s*:\s*"([^"\\]{10,40})"\s*,\s*"message"\s*:\s*\{\s*"role"\s*:\s*'
    rb'(?:"(user|toolResult)"|"assistant"\s*,\s*"content"\s*:\s*\[)'
)
# What follows the content of an answer, over the OpenAI-style apis and over "ollama".
_API_NEXT, _STOP_NEXT = b'],"api":', b'],"stopReason":'


def entries(stream: BinaryIO) -> Iterator[tuple[int, Entry]]:
    """Yield (line number from 1, entry) for each line that is not blank."""
    for index, (offset, length, line, whole) in enumerate(read_lines(stream), 1):
        entry = entry_in(offset, length, line, whole)
        if entry is not None:
            yield index, entry


def entry_in(offset: int, length: int, line: bytes, whole: bool) -> Entry | None:
    """Return the entry in one of ``read_lines``, or None for a blank line."""
    if not whole or length > _PARSED_AT_ONCE:
        return _long_entry(offset, length, line, whole)
    return None if line.isspace() else entry_of(read.parse(line))


def _long_entry(offset: int, length: int, line: bytes, whole: bool) -> Entry:
    """Return the entry of a long line, leaving the text of inputs unread until somebody needs its length."""
    match = _MESSAGE_LINE.match(line, 0, PREFIX)
    role = match.group(2) if match else None
    if match is None or role is None:
        return entry_of(_parsed(line, match)) if whole else Damaged()
    if length <= _JUDGED_WHOLE:
        return entry_of(read.parse(line))
    if whole and not _ends_object(line):
        return Damaged()
    time = read.moment(match.group(1).decode("ascii", "replace"))
    return Input(time, role == b"user", None, (offset, length), exact=whole)


def _ends_object(line: bytes) -> bool:
    return line.endswith((b"}\n", b"}\r\n")) or line.rstrip().endswith(b"}")


def _parsed(line: bytes, head: re.Match[bytes] | None) -> object:
    """Return the decoded line, of a long answer without its content, which nobody reads and which is most of it.

    What is left is decoded as before. Where anything hints that the line isn't one whole message (two that were
    written into one line, holes, bytes that are no UTF-8), the line is decoded whole.
    """
    if head is not None:
        begin = head.end()
        least = max(begin, len(line) - PREFIX)
        end = max(line.rfind(_API_NEXT, least), line.rfind(_STOP_NEXT, least))
        if end >= 0 and line.find(b'"parentId"', begin, end) < 0 and _is_text(line):
            value = read.parse(line[:begin] + line[end:])
            if value is not None:
                return value
    return read.parse(line)


def _is_text(line: bytes) -> bool:
    """Return whether a line is UTF-8 without zero bytes (what a lost page of a file reads as)."""
    if b"\0" in line:
        return False
    if line.isascii():
        return True
    try:
        line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
