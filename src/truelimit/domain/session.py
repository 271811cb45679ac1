"""What really happened: calls of a model, as transcripts and logs recorded them. Never prompt text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.provenance import Known


class Outcome(StrEnum):
    """How a call ended for the agent."""

    DONE = "done"
    ERROR = "error"
    ABORTED = "aborted"


class ErrorKind(StrEnum):
    """What the error text of a call means, whatever the agent made of it."""

    OVERFLOW = "overflow"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    ENGINE_CRASH = "engine-crash"
    OUT_OF_MEMORY = "out-of-memory"
    LOAD_TIMEOUT = "load-timeout"
    BUSY = "busy"
    WINDOW_TOO_SMALL = "window-too-small"
    CANCELLED = "cancelled"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CallError:
    """An error of a call: its kind, a short text without content, and numbers that the text names.

    ``misread``: the agent's own class of the error hides what it is (an overflow shown as a schema error, say).
    ``advice_key``: a key that the error text tells the user to raise.
    """

    kind: ErrorKind
    text: str
    prompt: Tokens | None = None
    context: Tokens | None = None
    seconds: Seconds | None = None
    misread: bool = False
    advice_key: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One model call as the agent recorded it.

    ``prompt_tokens`` is the whole prompt (cached part included), ``cached_tokens`` that part, None unknown.
    ``first_token`` is the seconds to the first token where recorded. ``estimated_tokens`` is what the agent itself took
    the prompt for before it sent it, uncut; estimates run high (measured: 1.2 to 1.3 times).
    """

    session: str
    agent: str
    provider: str
    model: str
    api: str
    where: str
    started: datetime | None
    ended: datetime | None
    outcome: Outcome
    prompt_tokens: Known[Tokens] | None = None
    cached_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    error: CallError | None = None
    first_token: Seconds | None = None
    estimated_tokens: Tokens | None = None

    @property
    def seconds(self) -> Seconds | None:
        """Duration, or None when a time is missing or the clock went backwards."""
        if self.started is None or self.ended is None:
            return None
        duration = (self.ended - self.started).total_seconds()
        return Seconds(duration) if duration >= 0 else None


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation: its calls, and the agent's own counters.

    ``pinned_model`` is a per-session model override that survives a change of the primary model.
    """

    id: str
    agent: str
    where: str
    calls: tuple[Call, ...] = ()
    compaction_count: Known[int] | None = None
    compaction_entries: int = 0
    context_tokens: Known[Tokens] | None = None
    total_tokens: Known[Tokens] | None = None
    pinned_model: str | None = None
    damaged_lines: int = 0


class Cause(StrEnum):
    """Why an incident happened."""

    OVERFLOW = "overflow"
    TRUNCATION = "truncation"
    PREFILL_EXCEEDS_WALL = "prefill-exceeds-wall"
    LOAD_EXCEEDS_WALL = "load-exceeds-wall"
    QUEUE_EXCEEDS_WALL = "queue-exceeds-wall"
    ENGINE_CRASH = "engine-crash"
    OUT_OF_MEMORY = "out-of-memory"
    CANCELLED = "cancelled"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Incident:
    """One failure as the user met it: one turn with all its attempts, visible and hidden.

    ``attempt_seconds`` is the mean length of one attempt. ``reasons`` say in words why this cause and not another.
    """

    id: str
    time: datetime | None
    session: str | None
    model: str
    cause: Cause
    explained: bool
    attempts: int
    hidden_attempts: int
    prompt_tokens: Known[Tokens] | None
    seconds: Seconds | None
    attempt_seconds: Seconds | None
    calculations: tuple[Calculation, ...] = ()
    reasons: tuple[str, ...] = ()
    error: CallError | None = None
    where: str = ""

    @property
    def calculation(self) -> Calculation | None:
        """The calculation that explains it, or None."""
        return self.calculations[0] if self.calculations else None
