"""opencode's database ``~/.local/share/opencode/opencode.db``, recorded from 1.18.33, with what its log tells.

A call is a ``step-finish`` part of an answer (or the answer itself, where it has none). ``tokens.input`` leaves out
what was read from or written to a cache: the prompt is the sum of the three; ``tokens.output`` leaves out reasoning.
Attempts that opencode repeated are in its log alone: those that began while an answer was under way stand before it.
Sub-agents (sessions with a parent), titles and compactions are side calls. A later run reads the sessions that
changed.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from truelimit.adapters.agents.openclaw.sqlite_store import columns_of, opened_store
from truelimit.adapters.work import opencode_log
from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.opencode_log import Attempt
from truelimit.adapters.work.talk import NOTHING, Counts, Talk
from truelimit.adapters.work.values import instant, mapping, name, number, words
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import Ending, WorkRequest

SOURCE = "opencode"
_SIDE_MODES = frozenset({"compaction", "title", "summary"})
_MESSAGES = "SELECT id, time_created, data FROM message WHERE session_id = ? ORDER BY time_created, id"
_PARTS = (
    "SELECT message_id, json_extract(data, '$.type'), json_extract(data, '$.tool'), "
    "json_extract(data, '$.state.input'), json_extract(data, '$.tokens'), time_created, "
    "json_extract(data, '$.overflow') FROM part WHERE session_id = ? AND json_valid(data) "
    "AND (json_extract(data, '$.type') IN ('tool', 'step-finish', 'compaction') "
    "OR json_extract(data, '$.type') = 'text' AND json_extract(data, '$.synthetic')) "
    "ORDER BY time_created, id"
)


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the calls of the sessions that changed since the last run. Never raises."""
    import sqlite3

    missing: list[Missing] = []
    found: list[WorkRequest] = []
    damaged, newest = 0, number(memory.get("newest")) or 0
    attempts = opencode_log.attempts(path.parent / "log")
    try:
        with opened_store(path, missing) as connection:
            if not {"id", "session_id", "data"} <= columns_of(connection, "message"):
                return Reading(missing=(Missing("sessions", f"{path}: has no table of messages that is opencode's"),))
            known = {_text(row[0]) for row in connection.execute("SELECT DISTINCT session_id FROM message")}
            found += opencode_log.failed(
                (item for of, items in attempts.items() if of not in known for item in items), context
            )
            for session, latest in _changed(connection, number(memory.get("newest")) or 0):
                requests, lost = _session(connection, session, attempts.get(session, []), context)
                found += requests
                damaged, newest = damaged + lost, max(newest, latest)
    except (sqlite3.Error, OSError, OverflowError, MemoryError, UnicodeDecodeError) as error:
        why = getattr(error, "sqlite_errorname", "") or type(error).__name__
        missing.append(Missing("sessions", f"{path}: could not be read ({why})"))
        return Reading(found, damaged, tuple(missing), memory, adds=True)
    return Reading(found, damaged, tuple(missing), {"newest": newest}, adds="newest" in memory)


def _changed(connection: Any, since: int) -> list[tuple[str, int]]:
    query = "SELECT session_id, max(time_updated) FROM message GROUP BY session_id HAVING max(time_updated) > ?"
    rows = connection.execute(query, (since,)).fetchall()
    return [(_text(session), int(latest)) for session, latest in rows if isinstance(latest, int)]


def _session(connection: Any, session: str, attempts: list[Attempt], context: Context) -> tuple[list[WorkRequest], int]:
    parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for message, *rest in connection.execute(_PARTS, (session,)):
        parts[_text(message)].append(tuple(rest))
    talk = _talk(connection, session, context)
    found: dict[str, WorkRequest] = {}
    rows = [
        (_text(key), instant(created), _json(raw)) for key, created, raw in connection.execute(_MESSAGES, (session,))
    ]
    whole = [(key, created, data) for key, created, data in rows if data is not None]
    owned = _owned(whole, attempts)
    for key, created, data in whole:
        answer = _Answer(key, data, created, parts.get(key, []), owned.get(key, []))
        found.update((item.id, item) for item in answer.requests(talk, context))
    return list(found.values()), len(rows) - len(whole)


def _owned(
    rows: Sequence[tuple[str, float | None, Mapping[str, Any]]], attempts: list[Attempt]
) -> Mapping[str, list[Attempt]]:
    """Return the attempts by the answer that was under way: the latest that had begun. Titles have no answer here."""
    begun: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    for key, created, data in rows:
        at = instant(mapping(data.get("time")).get("created")) or created
        if data.get("role") == "assistant" and at is not None:
            begun[words(data.get("mode")) in _SIDE_MODES].append((at, key))
    found: dict[str, list[Attempt]] = defaultdict(list)
    for answers in begun.values():
        answers.sort()
    for item in attempts:
        answers = begun[item.side]
        place = bisect_right(answers, (item.began, "\U0010ffff")) - 1
        if place >= 0:
            found[answers[place][1]].append(item)
    return found


def _talk(connection: Any, session: str, context: Context) -> Talk:
    talk = Talk(SOURCE, SOURCE, context.hasher(SOURCE, session))
    columns = columns_of(connection, "session")
    if {"id", "directory"} <= columns:
        parent = "parent_id" if "parent_id" in columns else "NULL"
        query = f"SELECT directory, {parent} FROM session WHERE id = ?"  # noqa: S608 - constant names
        row = connection.execute(query, (session,)).fetchone()
        if row is not None:
            talk.at_work(_text(row[0]) if row[0] else None, context)
            talk.side = bool(row[1])
    return talk


class _Answer:
    """One message with its parts and the attempts that the log knows of."""

    def __init__(
        self, key: str, data: Mapping[str, Any], created: float | None, parts: list[tuple[Any, ...]],
        attempts: list[Attempt],
    ) -> None:  # fmt: skip
        self._key, self._data, self._parts = key, data, parts
        time = mapping(data.get("time"))
        self._began = instant(time.get("created")) or created
        self._ended = instant(time.get("completed"))
        self._attempts = attempts

    def requests(self, talk: Talk, context: Context) -> Iterator[WorkRequest]:
        """Yield the calls that were made for this message."""
        if self._data.get("role") == "user":
            yield from self._asked(talk, context)
            return
        if self._data.get("role") != "assistant":
            return
        side = talk.side
        talk.side = side or words(self._data.get("mode")) in _SIDE_MODES
        talk.model = name(self._data.get("modelID")) or talk.model
        yield from self._calls(talk, context)
        talk.side = side
        talk.heard(self._ended)

    def _asked(self, talk: Talk, context: Context) -> Iterator[WorkRequest]:
        """Begin a turn; a message that only asks for a compaction tells that the call before it overflowed.

        One that opencode wrote itself, to go on after that, begins none.
        """
        compaction = next((part for part in self._parts if part[0] == b"compaction"), None)
        if any(part[0] == b"text" for part in self._parts):
            return
        if compaction is None:
            talk.user(context.hasher(SOURCE, "turn", self._key), self._began)
        elif compaction[5] == 1 and talk.last is not None and talk.last.ending is Ending.UNKNOWN:
            yield replace(talk.last, ending=Ending.OVERFLOW)

    def _calls(self, talk: Talk, context: Context) -> Iterator[WorkRequest]:
        error = mapping(self._data.get("error"))
        is_over = (
            bool(error)
            or self._data.get("finish") is not None
            or any(part[0] == b"step-finish" for part in self._parts)
        )
        talk.asked = self._began
        hidden = list(self._hidden(talk, context, is_over=is_over))
        yield from hidden
        if error:
            yield from self._failed(talk, context, error)
        elif is_over:
            yield from self._steps(talk, context)
        elif not hidden:
            key = context.hasher(SOURCE, self._key)
            yield from talk.ended(key, self._ended, NOTHING, context, ending=Ending.UNKNOWN)

    def _hidden(self, talk: Talk, context: Context, *, is_over: bool) -> Iterator[WorkRequest]:
        """Yield the attempts before the one that the message tells of, or all where it tells of none."""
        told = self._attempts[:-1] if is_over else [item for item in self._attempts if item.ending is not None]
        for item in told:
            key = context.hasher(SOURCE, self._key, f"{item.began:.3f}")
            ending = item.ending or Ending.UNKNOWN
            yield from talk.ended(key, item.ended, Counts(item.prompt), context, ending=ending, began=item.began)
        if self._attempts and (is_over or not told):
            talk.asked = self._attempts[-1].began

    def _failed(self, talk: Talk, context: Context, error: Mapping[str, Any]) -> Iterator[WorkRequest]:
        data = mapping(error.get("data"))
        text = " ".join(map(words, (error.get("name"), data.get("message"), data.get("responseBody"))))
        took = None if self._ended is None or talk.asked is None else self._ended - talk.asked
        ending, prompt = of_text(text, took)
        if error.get("name") == "MessageAbortedError":
            ending = Ending.CANCELLED
        key = context.hasher(SOURCE, self._key)
        yield from talk.ended(key, self._ended, Counts(prompt), context, ending=ending)

    def _steps(self, talk: Talk, context: Context) -> Iterator[WorkRequest]:
        steps = sum(part[0] == b"step-finish" for part in self._parts)
        done = 0
        for kind, tool, given, tokens, created, _ in self._parts:
            if kind == b"tool":
                talk.tools([(_text(tool), _json(given) or {})], context)
            if kind != b"step-finish":
                continue
            done += 1
            key = context.hasher(SOURCE, self._key, "" if steps == 1 else f"step {done}")
            at = self._ended if steps == 1 and self._ended is not None else instant(created)
            yield from talk.ended(key, at, _counts(_json(tokens) or {}, talk), context)
            talk.asked = at
        if not steps:
            counts = _counts(mapping(self._data.get("tokens")), talk)
            yield from talk.ended(context.hasher(SOURCE, self._key, ""), self._ended, counts, context)


def _counts(tokens: Mapping[str, Any], talk: Talk) -> Counts:
    cache = mapping(tokens.get("cache"))
    fresh, read, written = number(tokens.get("input")), number(cache.get("read")), number(cache.get("write"))
    talk.tells_cache = talk.tells_cache or bool(written)
    output = (number(tokens.get("output")) or 0) + (number(tokens.get("reasoning")) or 0)
    return Counts((fresh or 0) + (read or 0) + (written or 0) or None, read, output)


def _json(raw: object) -> dict[str, Any] | None:
    try:
        value = json.loads(raw) if isinstance(raw, bytes | str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
