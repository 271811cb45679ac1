"""One conversation while it is read: the user's turn, the files it touched, attempts that failed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from truelimit.adapters.work.context import CLOCK, Context
from truelimit.adapters.work.schema import request, row
from truelimit.adapters.work.tools import touched
from truelimit.adapters.work.values import model
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import HOUR, Seconds, Tokens

_LONGEST = 24 * HOUR  # a call that seems to have taken longer was not under way: the machine slept or the clock jumped
_MOST_FILES = 10_000
_MOST_FAILED = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of a call; ``prompt`` is the whole prompt, ``cached`` what a cache held of it. None: not recorded."""

    prompt: int | None = None
    cached: int | None = None
    output: int | None = None


NOTHING = Counts()


@dataclass(slots=True)
class Talk:
    """The state of one conversation. Times are seconds since 1970.

    ``asked``: when the next call was asked: the last input, or the end of the last failed attempt and its back-off.
    ``failed``: attempts that failed since the last input: what follows repeats them, with the same prompt.
    ``tells_cache``: the server has told of cached tokens before, so a 0 is a 0.
    """

    source: str
    agent: str
    session: str
    side: bool = False
    workspace: str | None = None
    private: bool | None = None
    model: str = ""
    turn: str | None = None
    asked: float | None = None
    tells_cache: bool = False
    read: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    failed: list[WorkRequest] = field(default_factory=list)
    last: WorkRequest | None = None

    def user(self, turn: str, at: float | None) -> None:
        """Begin a turn of the user."""
        self.turn, self.last = turn, None
        self.read, self.edited = set(), set()
        self.heard(at)

    def heard(self, at: float | None) -> None:
        """Take an input of the next call: a tool's result, a note."""
        self.asked = at if at is not None else self.asked
        self.failed = []

    def at_work(self, folder: str | None, context: Context) -> None:
        """Take the folder that the agent works in."""
        if folder:
            self.workspace, self.private = context.workspace(folder)

    def tools(self, calls: list[tuple[str, object]], context: Context) -> None:
        """Take tool calls of an answer whose record is still to come."""
        for name, arguments in calls:
            files = touched(name, arguments)
            self._add(self.read, files.read, context)
            self._add(self.edited, files.edited, context)

    def late_tools(self, calls: list[tuple[str, object]], context: Context) -> list[WorkRequest]:
        """Take tool calls of the last answer. Returns its record again where its counts of files changed."""
        before = len(self.read), len(self.edited)
        self.tools(calls, context)
        if self.last is None or before == (len(self.read), len(self.edited)):
            return []
        self.last = replace(self.last, files_read=len(self.read), files_edited=len(self.edited))
        return [self.last]

    def _add(self, known: set[str], paths: tuple[str, ...], context: Context) -> None:
        for path in paths:
            if len(known) < _MOST_FILES:
                known.add(context.hasher.file(path))

    def ended(
        self,
        key: str,
        at: float | None,
        counts: Counts,
        context: Context,
        *,
        ending: Ending = Ending.DONE,
        began: float | None = None,
        first_token: float | None = None,
        back_off: float = 0.0,
        is_timed: bool = True,
    ) -> list[WorkRequest]:
        """Return the record of a call with the id ``key`` that ended, and earlier attempts that it tells more of.

        It began when the last input came, unless ``began`` says otherwise or nobody knows (not ``is_timed``).
        """
        began = self.asked if began is None and is_timed else began
        seconds = self._seconds(began, at, context)
        began = at if seconds is None or began is None else began
        prompt, cached = _tokens(counts.prompt), self._cached(counts)
        item = WorkRequest(
            key, self.source, self.agent, self.session, model(self.model) or "unknown",
            None if began is None else _moment(began),
            prompt, cached,
            None if prompt is None or cached is None else Tokens(max(0, prompt - cached)),
            _tokens(counts.output),
            None if first_token is None or first_token < 0 else Seconds(round(first_token, 3)),
            seconds, ending,
            self._retry_of(key),
            self.turn, len(self.read), len(self.edited),
            WorkClass.SIDE_CALL if self.side else WorkClass.UNKNOWN,
            self.workspace, self.private,
        )  # fmt: skip
        self.last = item
        changed = self._tell_failed(item)
        if ending is Ending.DONE:
            self.failed = []
        elif len(self.failed) < _MOST_FAILED:
            self.failed.append(item)
            self.asked = at + back_off if at is not None else self.asked
        return [item, *changed]

    def _retry_of(self, key: str) -> str | None:
        """Return the first attempt of what a call repeats; a call that is told of again keeps what it repeats."""
        if self.last is not None and self.last.id == key:
            return self.last.retry_of
        return next((first.id for first in self.failed[:1] if first.id != key), None)

    def _tell_failed(self, item: WorkRequest) -> list[WorkRequest]:
        """Give failed attempts of the same prompt what this one tells of it: its size, its model."""
        changed = []
        for place, first in enumerate(self.failed):
            if first.id == item.id:
                continue
            named = item.model if first.model == "unknown" else first.model
            known = first.prompt_tokens is not None or first.ending is Ending.OVERFLOW
            better = replace(first, model=named, prompt_tokens=first.prompt_tokens if known else item.prompt_tokens)
            if better != first:
                self.failed[place] = better
                changed.append(better)
        return changed

    def _seconds(self, began: float | None, at: float | None, context: Context) -> Seconds | None:
        if began is None or at is None:
            return None
        if not 0 <= at - began <= _LONGEST:
            context.odd[CLOCK] += 1
            return None
        return Seconds(round(at - began, 3))

    def _cached(self, counts: Counts) -> Tokens | None:
        if counts.cached:
            self.tells_cache = True
        return _tokens(counts.cached) if self.tells_cache else None

    def state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        kept = {name: getattr(self, name) for name in _PLAIN}
        return kept | {
            "read": sorted(self.read),
            "edited": sorted(self.edited),
            "failed": [row(item) for item in self.failed],
            "last": row(self.last) if self.last else None,
        }


_PLAIN = (
    "source", "agent", "session", "side", "workspace", "private", "model", "turn", "asked", "tells_cache",
)  # fmt: skip


def restored(state: dict[str, Any]) -> Talk:
    """Return the talk of a state. Raises KeyError, TypeError or ValueError where it is none."""
    talk = Talk(**{name: state[name] for name in _PLAIN})
    talk.read, talk.edited = set(state["read"]), set(state["edited"])
    talk.failed = [request(values) for values in state["failed"]]
    talk.last = request(state["last"]) if state["last"] else None
    return talk


def _tokens(count: int | None) -> Tokens | None:
    return None if count is None or count < 0 else Tokens(count)


def _moment(at: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return None
