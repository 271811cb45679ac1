"""One request of the user's real work: counts, times, hashes and classes, never text of a prompt."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.units import Seconds, Tokens


class Ending(StrEnum):
    """How a request ended. ``unknown`` is said where the record does not tell."""

    DONE = "done"
    OVERFLOW = "overflow"
    TRUNCATED = "truncated"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    UNKNOWN = "unknown"


class WorkClass(StrEnum):
    """What a turn was, by the files that its tool calls changed; see workload/classes.py for the rule."""

    EDIT_ONE = "edit-1"
    EDIT_FEW = "edit-2-4"
    EDIT_MANY = "edit-5+"
    REFACTOR = "large-refactor"
    READ = "read"
    CHAT = "chat"
    SIDE_CALL = "side-call"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """One call of a model as an agent or a server recorded it.

    ``id``, ``session``, ``workspace`` and ``retry_of`` are hashes; ``source`` is the kind of record (``claude-code``,
    ``openclaw`` ...). ``prompt_tokens`` is the whole prompt, ``cached_tokens`` the part that a cache held,
    ``new_tokens`` what had to be read. ``turn`` is the user's turn that a call belongs to (a hash, or None):
    ``files_read`` and ``files_edited`` count distinct files of that turn up to and with this call. None: not recorded.
    """

    id: str
    source: str
    agent: str
    session: str
    model: str
    time: datetime | None = None
    prompt_tokens: Tokens | None = None
    cached_tokens: Tokens | None = None
    new_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    first_token: Seconds | None = None
    duration: Seconds | None = None
    ending: Ending = Ending.UNKNOWN
    retry_of: str | None = None
    turn: str | None = None
    files_read: int = 0
    files_edited: int = 0
    work_class: WorkClass = WorkClass.UNKNOWN
    workspace: str | None = None
    private: bool | None = None
