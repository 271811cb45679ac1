"""Requests as columns, in order of time, with what does not depend on the stack: reuse of prefixes, who was busy.

The reuse distance (Mattson and others, 1970) is computed once: whether a conversation is still in a cache of any
size is then one comparison a stack.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truelimit.domain.workload import WorkRequest
from truelimit.workload.chains import folded

Floats = NDArray[np.floating[Any]]  # float32 in practice: tokens and seconds need no more
Clock = NDArray[np.float64]
Whole = NDArray[np.int32]
Flags = NDArray[np.bool_]
_ASSUMED_OUTPUT = 400.0  # tokens of an answer where no record tells any
AGENTS = ("claude-code", "cline", "codex", "opencode", "pi", "qwen-code", "roo-code")
"""Agents that have walls of their own in a replay, whatever the stack was configured for."""
_NUMBER = {name: number for number, name in enumerate(AGENTS, start=1)}
_OTHERS = 2  # requests of other conversations that may be under way when one comes


@dataclass(frozen=True, slots=True)
class Columns:
    """One row a request that was asked, in order of time: all attempts of the agent's own are one (see ``chains``).

    ``prompt`` and ``output`` in tokens: 0 where not recorded; ``known`` tells of the prompt.
    ``reusable``: tokens of the prompt that the conversation's previous request left in a cache. ``since``: tokens that
    other conversations put into caches since then (infinite for the first), ``others``: how many conversations.
    ``idle``: seconds from the end of the server's last request, as far as ends are recorded, to this one; ``gap``: the
    longest such silence since the conversation's previous request, in which a server may have let go of the model.
    ``ahead`` rows before this one (0: none) another conversation asked something, ``ahead_by`` seconds earlier (two
    rows of each). ``own`` rows before it (0: none) the conversation itself did.
    ``agent``: the number of who asked in AGENTS, from 1; 0: another, or not known.
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
    gap: Floats
    own: Whole
    agent: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.prompt)

    def rows(self, start: int, stop: int) -> Columns:
        """Return the rows from start to stop, as views. ``ahead`` still counts back from each row."""
        return Columns(*(getattr(self, field.name)[..., start:stop] for field in fields(self)))


def columns(requests: Sequence[WorkRequest], *, unknown_is_private: bool = True) -> Columns:
    """Return the columns of requests, retries folded into them; one without a time keeps its place in its session.

    ``unknown_is_private``: work that nobody called private or not counts as private.
    """
    rows = asked(requests)
    names: dict[str, int] = {}
    sessions = np.array([names.setdefault(item.session, len(names)) for item in rows], dtype=np.int32)
    prompt = _numbers([item.prompt_tokens for item in rows])
    output = _numbers([item.output_tokens for item in rows])
    private = [unknown_is_private if item.private is None else item.private for item in rows]
    time = np.array([_when(item) for item in rows], dtype=np.float64)
    recorded = _numbers([item.cached_tokens for item in rows])
    duration = _numbers([item.duration for item in rows])
    agent = np.array([_NUMBER.get(item.agent, 0) for item in rows], dtype=np.uint8)
    return from_arrays(time, sessions, prompt, output, recorded, np.array(private, dtype=bool), duration, agent)


def asked(requests: Iterable[WorkRequest]) -> list[WorkRequest]:
    """Return the requests that are work of their own, in order of time: what a row of the columns stands for.

    Each ends as the last of its attempts did, and has that one's answer and the duration of all of them.
    """
    return sorted(folded(requests), key=_when)


def from_arrays(
    time: Clock,
    session: Whole,
    prompt: Floats,
    output: Floats,
    cached: Floats,
    private: Flags,
    duration: Floats | None = None,
    agent: NDArray[np.uint8] | None = None,
) -> Columns:
    """Return the columns of arrays that are in order of time.

    NaN in ``prompt``, ``output``, ``cached`` and ``duration`` (what was recorded) stands for not known. An answer whose
    length is not known counts as the usual one of the others: a request that completes writes something.
    """
    known, prompt = ~np.isnan(prompt), np.nan_to_num(prompt, nan=0.0)
    output = np.nan_to_num(output, nan=usual_output(output))
    idle = _idle(time, duration)
    reusable, since, others, gap, own = _reuse(session, prompt, output, cached, idle)
    ahead, ahead_by = _ahead(time, session)
    agent = np.zeros(len(time), np.uint8) if agent is None else agent
    return Columns(
        time, session, prompt, output, reusable, since, others, idle, ahead, ahead_by, private, known, gap, own, agent
    )


def usual_output(output: Floats) -> float:
    """Return the median of the known lengths of answers in tokens, 400 where none is known (assumed)."""
    told = output[~np.isnan(output) & (output > 0)]
    return float(np.median(told)) if len(told) else _ASSUMED_OUTPUT


def _idle(time: Clock, duration: Floats | None) -> Floats:
    """Seconds without any request before each one. An agent asks after its answer: this outlives a faster server."""
    ends = time if duration is None else time + np.nan_to_num(duration, nan=0.0)
    before = np.concatenate(([-np.inf], np.maximum.accumulate(ends)[:-1])) if len(time) else ends
    found: Floats = np.maximum(time - before, 0).astype(np.float32)
    return found


def _when(item: WorkRequest) -> float:
    return item.time.timestamp() if item.time else 0.0


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def _reuse(
    session: Whole, prompt: Floats, output: Floats, cached: Floats, idle: Floats
) -> tuple[Floats, Floats, Whole, Floats, Whole]:
    """Return tokens that could be reused, the distance in tokens and conversations, the longest silence, rows back.

    A prompt that grew starts with the one before it and its answer: an agent appends. One that shrank was rewritten
    (compaction, a new head): then only what the recorded cache held is known to be common. What it held of a
    conversation's first prompt came from another one, so it needs no earlier request of its own.
    """
    n = len(session)
    since, others = np.full(n, np.inf, dtype=np.float32), np.full(n, 2**30, dtype=np.int32)
    reusable = np.nan_to_num(cached, nan=0.0).astype(np.float32)
    shared = reusable > 0
    since[shared], others[shared] = 0, 0
    gap, own = idle.copy(), np.zeros(n, dtype=np.int32)
    recent: dict[int, int] = {}  # conversation to its last row, the most recent last
    silences = _Silences(idle.tolist())
    keys, ends, sizes = session.tolist(), (prompt + output).tolist(), prompt.tolist()
    for row, key in enumerate(keys):
        silences.add(row)
        last = recent.pop(key, None)
        if last is not None:
            own[row] = row - last
            since[row], others[row] = _distance(recent, last, ends)
            gap[row] = silences.longest_after(last)
            if sizes[row] >= sizes[last]:
                reusable[row] = max(reusable[row], min(ends[last], sizes[row]))
        recent[key] = row
    return reusable, since, others, gap, own


def _distance(recent: dict[int, int], last: int, ends: list[float]) -> tuple[float, int]:
    """Tokens and number of the other conversations that asked something after a row."""
    tokens, count = 0.0, 0
    for other in reversed(recent.values()):
        if other < last:
            break
        tokens, count = tokens + ends[other], count + 1
    return tokens, count


class _Silences:
    """The longest silence of any run of rows that ends at the last one: those that no later one exceeds."""

    def __init__(self, idle: list[float]) -> None:
        self._idle = idle
        self._rows: list[int] = []  # their silences fall from left to right

    def add(self, row: int) -> None:
        rows, idle = self._rows, self._idle
        while rows and idle[rows[-1]] <= idle[row]:
            rows.pop()
        rows.append(row)

    def longest_after(self, row: int) -> float:
        return self._idle[self._rows[bisect_right(self._rows, row)]]


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
