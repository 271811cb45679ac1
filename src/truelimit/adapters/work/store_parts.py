"""What is written into the store of work at a time: how far a file was read, and what it told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from truelimit.domain.workload import WorkRequest


@dataclass(frozen=True, slots=True)
class FileState:
    """How far a source file was read: identity, bytes read, what the reader needs to go on, damaged lines.

    ``path`` is a hash of the path.
    """

    path: str
    size: int
    modified_ns: int
    inode: int
    offset: int
    reader: str
    memory: str = ""
    damaged: int = 0


@dataclass(slots=True)
class Part:
    """What was read of one file since the last writing. ``state`` is None while its end has not been reached.

    ``anew``: the file is read from its beginning, and what was known of it goes once this part has a state;
    ``keeps_sessions``: all but conversations that are no longer in it. ``renews_sessions``: of conversations that are
    in this part, what it does not tell of goes.
    """

    path: str
    reader: str
    anew: bool = False
    keeps_sessions: bool = False
    renews_sessions: bool = False
    state: FileState | None = None
    requests: list[WorkRequest] = field(default_factory=list)
    number: int | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """The records of a store of an older form: how many there were, and the Parquet file that holds them now."""

    records: int
    file: Path | None
