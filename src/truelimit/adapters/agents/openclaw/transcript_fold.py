"""Feeds a transcript file to its ``Transcript``: from where an earlier run stopped, where that is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_lines import read_lines
from truelimit.adapters.agents.openclaw.transcript_reading import entry_in
from truelimit.adapters.agents.openclaw.transcript_shown import show
from truelimit.adapters.agents.openclaw.transcript_state import restore, snapshot
from truelimit.adapters.store.evidence_cache import EvidenceCache, active

READER = "transcript"
_BUFFER = 2**20


def fold(path: Path, transcript: Transcript) -> None:
    """Feed all entries of a file to a new transcript. Raises OSError."""
    cache = active()
    with path.open("rb", buffering=_BUFFER) as stream:
        if cache is None:
            _feed(stream, transcript, 0, 0)
        else:
            _fold_on(cache, path, stream, transcript)


def _fold_on(cache: EvidenceCache, path: Path, stream: BinaryIO, transcript: Transcript) -> None:
    status = os.fstat(stream.fileno())
    kept = cache.find(READER, path, status)
    if kept is not None and kept.offset == status.st_size and show(transcript, kept.state):
        return
    number = restore(transcript, kept.state) if kept is not None else None
    begin = kept.offset if kept is not None and number is not None else 0
    stream.seek(begin)
    end, number, state = _feed(stream, transcript, begin, number or 0)
    if state is not None and end > begin:
        cache.keep(READER, path, status, end, state)


def _feed(stream: BinaryIO, transcript: Transcript, offset: int, number: int) -> tuple[int, int, object]:
    """Feed what follows ``offset``, which is after line ``number``.

    Returns where the last line that is complete ends, its number, and the state there (None where it cannot be kept).
    A last line without an end may still be being written: it is fed, but not part of the state.
    """
    where = f"{transcript.where}: line "
    state: object = None
    is_partial = was_whole = False
    for begin, length, line, was_whole in read_lines(stream, offset):
        is_partial = was_whole and not line.endswith(b"\n")
        if is_partial:
            state = snapshot(transcript, number)
        else:
            offset, number = begin + length, number + 1
        entry = entry_in(begin, length, line, was_whole)
        if entry is not None:
            transcript.feed(entry, f"{where}{number + is_partial}")
    if was_whole and not is_partial:
        state = snapshot(transcript, number)
    return offset, number, state
