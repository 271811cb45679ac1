"""Keeps polls of ``/slots`` and ``/metrics`` apart.

Asked more than once a second, a llama-server no longer notices that a client has gone, and reads its prompt to the
end (measured on b10434 and b11549: each answer restarts the one second after which it looks).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
INTERVAL = 2.0


class Pace(Generic[T]):
    """Lets a question through at most once per interval for each key; in between the last answer stands."""

    def __init__(self, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the least number of seconds between two questions."""
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[str, float] = {}
        self._answers: dict[str, T] = {}

    def ask(self, key: str, question: Callable[[], T]) -> T | None:
        """Return a new answer, or the last one when it is too early to ask; None when that question failed.

        Raises what the question raises.
        """
        with self._lock:
            last = self._asked.get(key)
            now = self._clock()
            if last is not None and now - last < self._interval:
                return self._answers.get(key)
            self._asked[key] = now
            self._answers.pop(key, None)
        answer = question()
        self._answers[key] = answer
        return answer
