"""What llama-server prints about requests: reading, writing, cancelling, refusing. Joined by task.

Cached tokens are never counted as evaluated. Where the default verbosity hides how many came from the cache, they
follow from the line that ends the task: tokens in place = cached + evaluated + written - 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_store import EventStore
from truelimit.domain.server import (
    AnswerWritten,
    CacheEntryRefused,
    PoolExhausted,
    PromptProgress,
    PromptRead,
    PromptRefused,
    PromptStarted,
    RequestCancelled,
)
from truelimit.units import Seconds, Tokens, from_mib, from_ms

_MOST_WAITING = 2000
_LEAST_SPAN = 0.2

_TASK = re.compile(r"\| task (\d+) \|")
_NEW = re.compile(r"new prompt, n_ctx_slot = (\d+), n_keep = -?\d+, (?:task\.n_tokens|n_prompt_tokens) = (\d+)")
_CACHED = re.compile(r"(?:cached n_tokens|kv cache rm|n_past) = (\d+), memory_seq_rm")
_PROGRESS = re.compile(
    r"prompt processing, n_tokens = +(\d+), progress = ([\d.]+), t = +([\d.]+) s / +([\d.]+) tokens per second"
)
_READ = re.compile(r"prompt eval time = +([\d.]+) ms / +(\d+) tokens")
_WRITTEN = re.compile(r" eval time = +([\d.]+) ms / +(\d+) (?:tokens|runs) +\( *([\d.]+) ms per token")
_STOP = re.compile(r"stop processing: n_tokens = (\d+)(?:, truncated = (\d))?")
_CANCEL = re.compile(r"cancel task, id_task = (\d+)")
_REFUSED = re.compile(r"request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)")
_ENTRY = re.compile(r"prompt state size ([\d.]+) MiB exceeds cache size limit ([\d.]+) MiB")
_FAILED_TASK = re.compile(r"send_error: task id = (\d+)")
_EXHAUSTED = re.compile(r"send_error: task id = (\d+), error: Context size has been exceeded|KV cache is full")


@dataclass(frozen=True, slots=True)
class Progress:
    """One progress line: its count of tokens, the count that seconds x rate gives, the fraction, the seconds."""

    line: Line
    n_tokens: int
    by_rate: float
    fraction: float
    seconds: float


@dataclass(slots=True)
class Task:
    """One request inside the engine, as far as its lines told of it."""

    line: Line
    prompt: int | None = None
    context: int | None = None
    cached: int | None = None
    started: bool = False
    progress: list[Progress] = field(default_factory=list)
    read: tuple[Line, int, float] | None = None
    written: tuple[Line, int, int, float] | None = None
    running: bool = True
    cancelled: bool = False
    failed: bool = False


class Tasks:
    """Turns request lines into events."""

    def __init__(self, store: EventStore) -> None:
        """Start with no task running."""
        self._store = store
        self._running: dict[str, Task] = {}
        self._exhausted: tuple[Line, int] | None = None

    def see(self, line: Line) -> bool:
        """Return whether the line was one about a request; its events go to the store."""
        text = line.text
        for mark, pattern, handle in _HANDLERS:
            if mark in text and (found := pattern.search(text)):
                handle(self, line, found)
                return True
        return False

    def end(self) -> None:
        """Tell what was still open: at a reload, a new start, or the end of the log."""
        for key, task in self._running.items():
            self._finish(key, task, None)
        self._running.clear()
        if self._exhausted is not None:
            line, count = self._exhausted
            self._store.add(PoolExhausted, line, tasks=count)
            self._exhausted = None

    def _task(self, line: Line) -> tuple[str, Task]:
        found = _TASK.search(line.text)
        key = found[1] if found else ""
        return key, self._running.setdefault(key, Task(line))

    def _new(self, line: Line, found: re.Match[str]) -> None:
        key, old = self._task(line)
        self._finish(key, old, None)
        self._running[key] = Task(line, prompt=int(found[2]), context=int(found[1]))
        if self._exhausted is not None:
            self._store.add(PoolExhausted, self._exhausted[0], tasks=self._exhausted[1])
            self._exhausted = None

    def _cached(self, line: Line, found: re.Match[str]) -> None:
        key, task = self._task(line)
        if task.cached is None and task.prompt is not None:
            task.cached = int(found[1])
            self._start(key, task)

    def _start(self, key: str, task: Task) -> None:
        if task.started or task.prompt is None:
            return
        task.started = True
        self._store.add(
            PromptStarted, task.line, task=key, prompt=task.prompt, cached=task.cached, context=task.context
        )

    def _progress(self, line: Line, found: re.Match[str]) -> None:
        key, task = self._task(line)
        self._start(key, task)
        seconds = float(found[3])
        task.progress.append(Progress(line, int(found[1]), seconds * float(found[4]), float(found[2]), seconds))
        if task.cached is not None or len(task.progress) > _MOST_WAITING:
            self._tell_progress(key, task, task.cached)

    def _tell_progress(self, key: str, task: Task, cached: int | None) -> None:
        """Tell of the progress lines that waited until the cached part was known, or will not be."""
        if cached is None:
            cached = _cached_from_fractions(task.progress)
        for item in task.progress:
            evaluated, tokens = _counts(item, cached)
            self._store.add(
                PromptProgress,
                item.line,
                task=key,
                tokens=tokens,
                evaluated=evaluated,
                fraction=item.fraction,
                seconds=Seconds(item.seconds),
            )
        task.progress = []

    def _read(self, line: Line, found: re.Match[str]) -> None:
        key, task = self._task(line)
        self._start(key, task)
        task.read = (line, int(found[2]), from_ms(float(found[1])))
        if task.cached is None and task.prompt is not None:
            task.cached = max(0, task.prompt - task.read[1])

    def _written(self, line: Line, found: re.Match[str]) -> None:
        _, task = self._task(line)
        written, each = int(found[2]), float(found[3])
        timed = round(float(found[1]) / each) if each > 0 else written
        task.written = (line, written, min(timed, written), from_ms(float(found[1])))

    def _stop(self, line: Line, found: re.Match[str]) -> None:
        key, task = self._task(line)
        # A prompt that was shifted while writing has fewer tokens in place than the sum: nothing follows from it.
        self._finish(key, task, int(found[1]), countable=found[2] != "1")
        self._running.pop(key, None)

    def _cancel(self, line: Line, found: re.Match[str]) -> None:
        # Ending a task that failed or is over prints this line too: then nothing was running, or no end follows.
        task = self._running.setdefault(found[1], Task(line, running=False))
        if not task.failed:
            task.line, task.cancelled = line, True

    def _refused(self, line: Line, found: re.Match[str]) -> None:
        if task := _FAILED_TASK.search(line.text):
            self._running.setdefault(task[1], Task(line)).failed = True
        self._store.add(PromptRefused, line, prompt=Tokens(int(found[1])), context=Tokens(int(found[2])))

    def _entry(self, line: Line, found: re.Match[str]) -> None:
        self._store.add(CacheEntryRefused, line, size=from_mib(float(found[1])), limit=from_mib(float(found[2])))

    def _exhaust(self, line: Line, found: re.Match[str]) -> None:
        first, count = self._exhausted or (line, 0)
        self._exhausted = (first, count + 1)
        if found[1]:
            self._running.setdefault(found[1], Task(line)).failed = True

    def _finish(self, key: str, task: Task, in_place: int | None, *, countable: bool = True) -> None:
        """Tell of reading and writing, now that all that can be known of the task is."""
        if task.cached is not None or not task.failed:
            self._start(key, task)
        depth = task.cached if task.cached is not None else _cached_from_end(task, in_place if countable else None)
        self._tell_progress(key, task, depth)
        if task.read is not None:
            line, evaluated, seconds = task.read
            self._store.add(PromptRead, line, task=key, evaluated=Tokens(evaluated), seconds=seconds, from_depth=depth)
        if task.written is not None:
            line, _, timed, seconds = task.written
            before = None if depth is None or task.read is None else Tokens(depth + task.read[1])
            self._store.add(AnswerWritten, line, task=key, tokens=Tokens(timed), seconds=seconds, depth=before)
        if task.cancelled and (task.running or in_place is not None):
            tokens = None if in_place is None else Tokens(in_place)
            self._store.add(RequestCancelled, task.line, task=key, tokens=tokens)


def _counts(item: Progress, cached: int | None) -> tuple[Tokens | None, Tokens]:
    """Return (evaluated, in place) for a progress line; evaluated None when the cached part is not known.

    Builds differ in whether the count leaves out the cached part; seconds x rate is always the evaluated part, so
    it decides. It is exact to about a hundredth of a second of reading.
    """
    n_tokens = item.n_tokens
    if cached is None:
        return None, Tokens(n_tokens)
    if abs(item.by_rate - n_tokens) <= abs(item.by_rate - (n_tokens - cached)):
        return Tokens(n_tokens), Tokens(n_tokens + cached)
    return Tokens(max(0, n_tokens - cached)), Tokens(n_tokens)


def _cached_from_fractions(progress: list[Progress]) -> int | None:
    """Return how many tokens came from the cache, from two progress lines far apart; None when they are too near.

    fraction = (cached + evaluated) / prompt on both lines gives prompt and cached. Fractions have two decimals, so
    the result is good to about one part in thirty of the prompt: less than that is taken as nothing cached.
    """
    if not progress:
        return None
    first, last = progress[0], progress[-1]
    span = last.fraction - first.fraction
    if span < _LEAST_SPAN:
        return None
    prompt = (last.by_rate - first.by_rate) / span
    cached = first.fraction * prompt - first.by_rate
    return round(cached) if cached > prompt / 30 else 0


def _cached_from_end(task: Task, in_place: int | None) -> Tokens | None:
    """Return how many tokens came from the cache, from what was in place at the end; None when it cannot be told."""
    if in_place is None or task.read is None or task.written is None:
        return None
    cached = in_place - task.read[1] - task.written[1] + 1
    return Tokens(cached) if cached >= 0 else None


_HANDLERS = (
    ("cached n_tokens", _CACHED, Tasks._cached),
    ("prompt processing, n", _PROGRESS, Tasks._progress),
    ("prompt eval time", _READ, Tasks._read),
    (" eval time", _WRITTEN, Tasks._written),
    ("stop processing", _STOP, Tasks._stop),
    ("new prompt", _NEW, Tasks._new),
    ("memory_seq_rm", _CACHED, Tasks._cached),
    ("cancel task", _CANCEL, Tasks._cancel),
    ("exceeds the available", _REFUSED, Tasks._refused),
    ("exceeds cache size", _ENTRY, Tasks._entry),
    ("ontext size has been", _EXHAUSTED, Tasks._exhaust),
    ("KV cache is full", _EXHAUSTED, Tasks._exhaust),
)


def task_match(text: str) -> str | None:
    """Return the part of a line that makes it one about a request, or None: nothing else of it is read."""
    matches = (pattern.search(text) for mark, pattern, _ in _HANDLERS if mark in text)
    return next((found.group(0) for found in matches if found), None)
