"""Requests as columns, in order of time, with what does not depend on the stack: reuse of prefixes, who was busy.

The reuse distance (Mattson and others, 1970) is computed once: whether a conversation is still in a cache of any
size is then one comparison a stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truelimit.domain.workload import WorkRequest

Floats = NDArray[np.floating[Any]]  # float32 in practice: tokens and seconds need no more
Clock = NDArray[np.float64]
Whole = NDArray[np.int32]
Flags = NDArray[np.bool_]
_OTHERS = 2  # requests of other conversations that may be under way when one comes


@dataclass(frozen=True, slots=True)
class Columns:
    """One row a request that was asked (a retry of the agent's own is no new work), in order of time.

    ``prompt`` and ``output`` in tokens: 0 where not recorded; ``known`` tells of the prompt.
    ``reusable``: tokens of the prompt that the conversation's previous request left in a cache. ``since``: tokens that
    other conversations put into caches since then (infinite for the first), ``others``: how many conversations.
    ``idle``: seconds since the server's last request was asked. ``ahead`` rows before this one (0: none) another
    conversation asked something, ``ahead_by`` seconds earlier (two rows of each).
    """

    time: Clock
    session: Whole
    prompt: Floats
    output: Floats
    reusable: Floats
    since: Floats
    others: Whole
    idle: Floats
    ahead: NDArray[np.int32]
    ahead_by: Floats
    private: Flags
    known: Flags

    def __len__(self) -> int:
        return len(self.prompt)

    def rows(self, start: int, stop: int) -> Columns:
        """Return the rows from start to stop, as views. ``ahead`` still counts back from each row."""
        return Columns(*(getattr(self, field.name)[..., start:stop] for field in fields(self)))


def columns(requests: Sequence[WorkRequest], *, unknown_is_private: bool = True) -> Columns:
    """Return the columns of requests. Retries are left out; a request without a time keeps its place in its session.

    ``unknown_is_private``: work that nobody called private or not counts as private.
    """
    asked = sorted((item for item in requests if item.retry_of is None), key=_when)
    names: dict[str, int] = {}
    sessions = np.array([names.setdefault(item.session, len(names)) for item in asked], dtype=np.int32)
    prompt = _numbers([item.prompt_tokens for item in asked])
    output = _numbers([item.output_tokens for item in asked])
    private = [unknown_is_private if item.private is None else item.private for item in asked]
    time = np.array([_when(item) for item in asked], dtype=np.float64)
    recorded = _numbers([item.cached_tokens for item in asked])
    return from_arrays(time, sessions, prompt, output, recorded, np.array(private, dtype=bool))


def from_arrays(time: Clock, session: Whole, prompt: Floats, output: Floats, cached: Floats, private: Flags) -> Columns:
    """Return the columns of arrays that are in order of time.

    NaN in ``prompt``, ``output`` and ``cached`` (what was recorded) stands for not known.
    """
    known, prompt, output = ~np.isnan(prompt), np.nan_to_num(prompt, nan=0.0), np.nan_to_num(output, nan=0.0)
    reusable, since, others = _reuse(session, prompt, output, cached)
    ahead, ahead_by = _ahead(time, session)
    idle = np.diff(time, prepend=-np.inf)
    return Columns(
        time, session, prompt, output, reusable, since, others, idle.astype(np.float32), ahead, ahead_by, private, known
    )


def _when(item: WorkRequest) -> float:
    return item.time.timestamp() if item.time else 0.0


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def _reuse(session: Whole, prompt: Floats, output: Floats, cached: Floats) -> tuple[Floats, Floats, Whole]:
    """Return tokens that could be reused, and the reuse distance in tokens and in conversations.

    A prompt that grew starts with the one before it and its answer: an agent appends. One that shrank was rewritten
    (compaction, a new head): then only what the recorded cache held is known to be common.
    """
    n = len(session)
    since, others = np.full(n, np.inf, dtype=np.float32), np.full(n, 2**30, dtype=np.int32)
    reusable = np.nan_to_num(cached, nan=0.0).astype(np.float32)
    size = prompt + output
    recent: dict[int, int] = {}  # conversation to its last row, the most recent last
    keys, ends, sizes = session.tolist(), size.tolist(), prompt.tolist()
    for row, key in enumerate(keys):
        last = recent.pop(key, None)
        if last is not None:
            tokens, count = 0.0, 0
            for other in reversed(recent.values()):
                if other < last:
                    break
                tokens, count = tokens + ends[other], count + 1
            since[row], others[row] = tokens, count
            if sizes[row] >= sizes[last]:
                reusable[row] = max(reusable[row], min(ends[last], sizes[row]))
        recent[key] = row
    return reusable, since, others


def _ahead(time: Clock, session: Whole) -> tuple[NDArray[np.int32], Floats]:
    """Return how many rows back the nearest requests of other conversations are (2 rows), and by how many seconds."""
    n = len(time)
    back, by = np.zeros((_OTHERS, n), dtype=np.int32), np.full((_OTHERS, n), np.inf, dtype=np.float32)
    rows = np.arange(n)
    found = 0 * rows
    for step in range(1, 5):
        earlier = np.maximum(rows - step, 0)
        other = (session[earlier] != session) & (rows >= step) & (found < _OTHERS)
        for place in range(_OTHERS):
            here = other & (found == place)
            back[place][here] = step
            by[place][here] = (time - time[earlier])[here]
        found = found + other
    return back, by
