"""Failures of an engine in a log: crash, out of memory, load timeout; each told once, with its most telling line.

A line such as "cudaMalloc failed: out of memory" is not yet a failure: engines try again with less. It counts when
the engine then dies, when the load is given up, or when nothing follows it.
"""

from __future__ import annotations

import re

from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_slog import plain
from truelimit.adapters.files.server_log_store import EventStore
from truelimit.domain.server import EngineFailed

CRASH, OUT_OF_MEMORY, LOAD_TIMEOUT = "crash", "out-of-memory", "load-timeout"
_LONGEST_TEXT = 200
_SAME_FAILURE_LINES = 40

_HINTS = re.compile(
    r"cudaMalloc failed: out of memory|failed to allocate|unable to allocate|Insufficient Memory|ErrorOutOfMemory"
    r"|OutOfDeviceMemory|out of memory|OutOfMemory"
)
_MEMORY = re.compile(
    r"CUDA error: out of memory|requires more system memory|memory layout cannot be allocated"
    r"|unable to load full model on GPU|runtime OOM detected|too large for system|kIOGPUCommandBufferCallbackErrorOutOf"
    r"|^(?:fatal error: )?.*runtime: out of memory"
)
_TIMEOUT = re.compile(r"timed out waiting for llama")
_CRASH = re.compile(
    r"GGML_ASSERT|ASSERT\(|CUDA error|process has terminated|has unexpectedly stopped|llm predict error"
    r"|requires flash_attn|exiting due to model loading error|SIGSEGV|SIGABRT|panic:|/completion\\?\": EOF"
    r"|terminate called|error loading llama server|loading error"
)
_CALLED_OFF = re.compile(r"context canceled|client clos|aborting|exceeds the available context|context length")
# An engine's words are quoted in reports; a key that strayed into them is not.
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|hf|xox[abp]|AKIA)[-_]?[A-Za-z0-9_-]{12,}"
    r"|(?i:(?<=bearer )|(?<=pass=)|(?<=password=)|(?<=key=)|(?<=token=)|(?<=secret=))[^\s,;\"']+"
)
_FRAME = re.compile(r"^time=\S+ level=\w+ source=\S+ |^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] ")


class Failures:
    """Keeps a hint of memory shortage until it is known what came of it."""

    def __init__(self, store: EventStore) -> None:
        """Start with no failure seen."""
        self._store = store
        self._hint: Line | None = None
        self._last: tuple[int, str, str] | None = None

    def see(self, line: Line) -> bool:
        """Return whether the line told of a failure or of a shortage that may become one."""
        text = line.text
        if _CALLED_OFF.search(text):
            return False
        reason = _reason(text)
        if reason is not None:
            self._tell(line, reason)
            return True
        if _HINTS.search(text):
            self._hint = self._hint or line
            return True
        return False

    def loaded(self) -> None:
        """Forget a shortage: the engine got what it needed after all."""
        self._hint = None
        self._last = None

    def end(self) -> None:
        """Tell of a shortage that nothing followed."""
        if self._hint is not None:
            self._tell(self._hint, OUT_OF_MEMORY)

    def state(self) -> tuple[Line | None, tuple[int, str, str] | None]:
        """Return what is not yet told and what was told last, of texts only what would be told."""
        hint = self._hint and Line(self._hint.number, _short(self._hint.text), self._hint.time)
        return hint, self._last

    def set_state(self, hint: Line | None, last: tuple[int, str, str] | None) -> None:
        """Go on from a ``state``."""
        self._hint, self._last = hint, last

    def _tell(self, line: Line, reason: str) -> None:
        if self._hint is not None and reason == CRASH:
            line, reason = self._hint, OUT_OF_MEMORY
        self._hint = None
        if not self._is_same(line, reason):
            self._store.add(EngineFailed, line, reason=reason, text=_short(line.text))
        self._last = (line.number, reason, _short(line.text))

    def _is_same(self, line: Line, reason: str) -> bool:
        """Return whether this is one more line on the failure told last.

        A cause is followed by what it led to, and a trial run before a load fails as the load then does.
        """
        if self._last is None:
            return False
        number, before, text = self._last
        return text == _short(line.text) or (line.number - number <= _SAME_FAILURE_LINES and reason in {before, CRASH})


def _reason(text: str) -> str | None:
    if _MEMORY.search(text):
        return OUT_OF_MEMORY
    if _TIMEOUT.search(text):
        return LOAD_TIMEOUT
    return CRASH if _CRASH.search(text) else None


def failure_match(text: str) -> tuple[str, str] | None:
    """Return the part of a text that makes it a failure or a hint of one, and the text that tells it from others."""
    if _CALLED_OFF.search(text):
        return None
    matches = (pattern.search(text) for pattern in (_MEMORY, _TIMEOUT, _CRASH, _HINTS))
    return next(((found.group(0), _short(text)) for found in matches if found), None)


def _short(text: str) -> str:
    return _SECRET.sub("(removed)", _FRAME.sub("", plain(text)).strip()[:_LONGEST_TEXT])
