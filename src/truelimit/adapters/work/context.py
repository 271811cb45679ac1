"""What every reader needs: hashes, rules of privacy, and somebody who counts what was odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from truelimit.adapters.work.hashing import Hasher
from truelimit.adapters.work.privacy import PrivacyRules
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import WorkRequest

CLOCK = "clock"  # calls that ended before they began: their duration is left out
_MOST_FOLDERS = 10_000
_MOST_TOLD = 10
LONG = "long"  # lines too long to be read whole, of which something may be missing


@dataclass(slots=True)
class Context:
    """Given to each reader; ``odd`` counts what it met, by a word of this module."""

    hasher: Hasher
    rules: PrivacyRules = field(default_factory=PrivacyRules)
    odd: Counter[str] = field(default_factory=Counter)
    _folders: dict[str, tuple[str, bool | None]] = field(default_factory=dict, repr=False)

    def name(self, text: str) -> str:
        """Return the hash that stands for the name of a session, an agent or a line in what readers remember."""
        return self.hasher("name", text) if text else ""

    def workspace(self, folder: str) -> tuple[str, bool | None]:
        """Return the hash of a folder, and whether work there is private."""
        found = self._folders.get(folder)
        if found is None:
            if len(self._folders) >= _MOST_FOLDERS:
                self._folders.clear()
            found = self._folders[folder] = self.hasher("workspace", folder), self.rules.judge(folder)
        return found


class Fold(Protocol):
    """Reads a file line by line; ``state`` is what it needs to go on after a line, as JSON values."""

    def feed(self, line: bytes) -> Iterable[WorkRequest]:
        """Return the records that a line (whole, without its end) completes or changes. Raises DamagedLine."""
        ...

    def feed_cut(self, head: bytes, tail: bytes) -> None:
        """Take the ends of a line that is too long to be read whole."""
        ...

    def state(self) -> dict[str, Any]:
        """Return the state."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state. Raises ValueError, KeyError or TypeError where it is none."""
        ...


class DamagedLine(ValueError):
    """A line that is no entry of its format."""


@dataclass(slots=True)
class Damage:
    """Lines that could not be taken: how many, and of the first of them number and reason."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        """Take one more."""
        self.count += 1
        if len(self.first) < _MOST_TOLD:
            self.first.append((line, why))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader of whole files found; ``memory`` is what it wants to know the next time.

    ``adds``: only what is new since ``memory``. ``lines``: damaged lines with their reasons; these and ``missing`` are
    known once ``requests`` are taken. ``damaged`` counts others.
    """

    requests: Iterable[WorkRequest] = ()
    damaged: int = 0
    missing: Sequence[Missing] = ()
    memory: dict[str, Any] = field(default_factory=dict)
    adds: bool = False
    lines: Damage = field(default_factory=Damage)


class WholeReader(Protocol):
    """Reads a file that is no log of lines. It never raises for what it finds."""

    def __call__(self, path: Path, context: Context, memory: dict[str, Any]) -> Reading:
        """Return what the file holds, or what is new since ``memory``."""
        ...
