"""What an engine must offer: the files as one Ibis table, answers, and the replay of each person's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from truelimit.workload.stack import ReplayStack

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is, 0 to 1."""


class Engine(Protocol):
    """An engine that answers questions asked in Ibis."""

    @property
    def name(self) -> str:
        """What it is, in words."""
        ...

    def table(self) -> Any:
        """Return the files as one Ibis table."""
        ...

    def kept(self, table: Any) -> Any:
        """Return the same rows, computed once."""
        ...

    def answer(self, question: Any) -> list[dict[str, Any]]:
        """Return the rows of an answer, which is small."""
        ...

    def replay(
        self, rows: Any, stacks: Sequence[ReplayStack], people: Mapping[str, int], progress: Progress
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of person.replay_person for each person; ``people`` has how many rows each has."""
        ...
