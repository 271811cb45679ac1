"""One call seen in two places counts once: transcript first, then trajectory, then log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter

from truelimit.adapters.agents.openclaw.trajectory import MARK as TRAJECTORY_MARK
from truelimit.adapters.agents.openclaw.trajectory import better_prompt, order_of
from truelimit.domain.session import Call, CallError, ErrorKind, Session

LOG_MARK = "log line"
NEAR_SECONDS = 2
_NEAR = timedelta(seconds=NEAR_SECONDS)
_SAME_START = timedelta(seconds=10)
_IDENTITY = ("agent", "session", "provider", "model", "ended", "outcome")
_UNCLEAR = {ErrorKind.OTHER, ErrorKind.CANCELLED, ErrorKind.CONNECTION}


def merge_calls(sessions: Iterable[Session]) -> tuple[Session, ...]:
    """Return the sessions with calls of logs and trajectories dropped where a better source tells of the same call.

    Two records are of one call when session (a log may not name it) and model agree and they ended within 2 s. What
    the dropped record knew more of (which timer, how many seconds, the prompt) is kept. Sessions with one id become
    one, and a record given twice counts once.
    """
    ranked = sorted(((_worst_rank(session), session) for session in sessions), key=itemgetter(0))
    if _are_apart(ranked):
        return tuple(_sorted(session, session.calls) for _, session in ranked)
    merge = _Merge()
    for _, session in ranked:
        merge.add(session)
    return merge.result()


def _are_apart(ranked: list[tuple[int, Session]]) -> bool:
    """Return whether no call can be in two places: transcripts alone, each of a session of its own."""
    if ranked and ranked[-1][0] > 0:
        return False
    keys = {(session.agent, session.id) for _, session in ranked}
    return len(keys) == len(ranked) and all(
        call.session == session.id and call.agent == session.agent for _, session in ranked for call in session.calls
    )


def _sorted(session: Session, calls: Iterable[Call]) -> Session:
    return replace(session, calls=tuple(sorted(calls, key=order_of)))


def _worst_rank(session: Session) -> int:
    return max((_rank(call) for call in session.calls), default=0)


def _rank(call: Call) -> int:
    if f": {LOG_MARK} " in call.where:
        return 2
    return 1 if f": {TRAJECTORY_MARK} " in call.where else 0


class _Merge:
    """Sessions so far, their calls in lists that can be changed, and an index of the calls by the second they ended."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []
        self._calls: list[list[Call]] = []
        self._home: dict[tuple[str, str], int] = {}
        self._by_second: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def add(self, session: Session) -> None:
        rest = [(call, second) for call in session.calls if not self._absorb(call, second := _second(call))]
        key = session.agent, session.id
        home = self._home.get(key)
        if home is None:
            if session.calls and not rest:
                return
            home = self._home[key] = len(self._sessions)
            self._sessions.append(replace(session, calls=()))
            self._calls.append([])
        else:
            self._sessions[home] = _one(self._sessions[home], session)
        for call, second in rest:
            self._index(home, self._with_model(home, call), second)

    def _with_model(self, home: int, call: Call) -> Call:
        """Give a log's call that names no model the model that its session used last."""
        if call.model or not self._calls[home]:
            return call
        last = self._calls[home][-1]
        return replace(call, provider=last.provider, model=last.model, api=call.api or last.api)

    def _index(self, home: int, call: Call, second: int | None) -> None:
        self._calls[home].append(call)
        if second is not None:
            self._by_second[second].append((home, len(self._calls[home]) - 1))

    def _absorb(self, call: Call, second: int | None) -> bool:
        """Give a call to the record of the same call that is there already. Returns whether there was one."""
        if second is None:
            return False
        for near in range(second - NEAR_SECONDS, second + NEAR_SECONDS + 1):
            for home, index in self._by_second.get(near, ()):
                known = self._calls[home][index]
                if _is_same(known, call):
                    self._calls[home][index] = _enriched(known, call)
                    return True
        return False

    def result(self) -> tuple[Session, ...]:
        pairs = zip(self._sessions, self._calls, strict=True)
        return tuple(_sorted(session, calls) for session, calls in pairs)


def _second(call: Call) -> int | None:
    return None if call.ended is None else int(call.ended.timestamp())


def _is_same(known: Call, other: Call) -> bool:
    if known.ended is None or other.ended is None or abs(known.ended - other.ended) > _NEAR:
        return False
    if _rank(known) == _rank(other):
        return all(getattr(known, name) == getattr(other, name) for name in _IDENTITY)
    named = not other.session or ":" in other.session or known.session == other.session
    return named and (not other.model or (known.provider, known.model) == (other.provider, other.model))


def _enriched(call: Call, other: Call) -> Call:
    prompt = better_prompt(call.prompt_tokens, other.prompt_tokens)
    return replace(
        call,
        prompt_tokens=prompt,
        started=_start(call, other),
        error=_clearer(call.error, other.error),
        estimated_tokens=call.estimated_tokens or other.estimated_tokens,
    )


def _start(call: Call, other: Call) -> datetime | None:
    """Return the trajectory's start where it begins with this call, else the call's own."""
    if call.started is None or other.started is None:
        return call.started or other.started
    exact = _rank(other) == 1 and abs(call.started - other.started) <= _SAME_START
    return other.started if exact else call.started


def _clearer(ours: CallError | None, theirs: CallError | None) -> CallError | None:
    if ours is None or theirs is None:
        return ours
    if ours.kind is not theirs.kind:
        return theirs if ours.kind in _UNCLEAR and theirs.kind not in _UNCLEAR else ours
    return replace(
        ours,
        prompt=ours.prompt or theirs.prompt,
        context=ours.context or theirs.context,
        seconds=ours.seconds or theirs.seconds,
        misread=ours.misread or theirs.misread,
        advice_key=ours.advice_key or theirs.advice_key,
    )


def _one(ours: Session, theirs: Session) -> Session:
    """Return what two records of one session say of it, calls aside."""
    return replace(
        ours,
        compaction_count=ours.compaction_count or theirs.compaction_count,
        compaction_entries=max(ours.compaction_entries, theirs.compaction_entries),
        context_tokens=ours.context_tokens or theirs.context_tokens,
        total_tokens=ours.total_tokens or theirs.total_tokens,
        pinned_model=ours.pinned_model or theirs.pinned_model,
        damaged_lines=max(ours.damaged_lines, theirs.damaged_lines),
    )
