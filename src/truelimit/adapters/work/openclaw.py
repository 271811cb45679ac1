"""OpenClaw's sessions of both stores, as its own readers tell them, with the turns and the files of tool calls.

The readers of ``adapters/agents/openclaw`` know when a call began and ended, how, and how large its prompt was, failed
calls included. What they do not keep is read here: which turn of the user a call belongs to, and its tool calls.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truelimit.adapters.agents.openclaw.json_values import parse
from truelimit.adapters.agents.openclaw.session_counters import Counters
from truelimit.adapters.agents.openclaw.session_file import read_session_file
from truelimit.adapters.agents.openclaw.sessions import read_transcript
from truelimit.adapters.agents.openclaw.sessions_json import read_sessions_json
from truelimit.adapters.agents.openclaw.sqlite_store import MAGIC, columns_of, opened_store, unpacked
from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.lines import Cut, lines
from truelimit.adapters.work.talk import Counts, Talk
from truelimit.adapters.work.values import mapping, name, words
from truelimit.app.ports import Evidence
from truelimit.domain.provenance import Basis, Missing
from truelimit.domain.session import Call, Session
from truelimit.domain.workload import WorkRequest
from truelimit.workload.endings import of_call

SOURCE = "openclaw"
_WANTED = (b'"role"', b'"session"', b'"compaction"')


@dataclass(slots=True)
class _Step:
    """What one entry tells beside its call: the turn, new tool calls; ``fresh``: another prompt follows."""

    turn: str | None
    calls: list[tuple[str, object]] = field(default_factory=list)
    fresh: bool = False


@dataclass(slots=True)
class _Steps:
    """The steps of sessions by the place of their entry, and the folder that a session works in."""

    steps: dict[str, _Step] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    turns: dict[str, str] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)

    def see(self, session: str, value: object, where: str) -> str:
        """Take an entry of a session and return the session that it belongs to."""
        entry = mapping(value)
        message = mapping(entry.get("message"))
        match entry.get("type"):
            case "session":
                session = words(entry.get("id")) or session
                self.folders[session] = words(entry.get("cwd"))
            case "compaction":
                self.fresh.add(session)
            case "message" if message.get("role") == "assistant":
                self.steps[where] = _Step(
                    self.turns.get(session), _calls(message.get("content")), session in self.fresh
                )
                self.fresh.discard(session)
            case "message":
                if message.get("role") == "user":
                    self.turns[session] = words(entry.get("id")) or where
                self.fresh.add(session)
        return session


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the calls of one transcript or store of OpenClaw. Never raises."""
    _ = memory
    steps = _Steps()
    try:
        evidence = _evidence(path)
        if _is_store(path):
            missing = _see_store(path, steps)
        else:
            _see_lines(path, steps)
            missing = ()
    except OSError as error:
        return Reading(missing=(Missing("sessions", f"{path}: {error.strerror or type(error).__name__}"),))
    requests = [item for session in evidence.sessions for item in _of_session(session, steps, context)]
    damaged = sum(session.damaged_lines for session in evidence.sessions)
    return Reading(requests, damaged, (*evidence.missing, *missing))


def _evidence(path: Path) -> Evidence:
    index = path.parent / "sessions.json"
    if _is_store(path) or not index.is_file():
        return read_session_file(path)
    return read_transcript(path, _counters(index, index.stat().st_mtime_ns, path.name.partition(".jsonl")[0]))


@functools.lru_cache(maxsize=4)
def _all_counters(index: Path, _changed: int) -> Mapping[str, Counters]:
    names = {path.name.partition(".jsonl")[0] for path in index.parent.glob("*.jsonl*")}
    return read_sessions_json(index, names).counters


def _counters(index: Path, changed: int, session: str) -> Mapping[str, Counters]:
    held = _all_counters(index, changed)
    return {session: held[session]} if session in held else {}


def _is_store(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _see_lines(path: Path, steps: _Steps) -> None:
    session = path.name.partition(".jsonl")[0]
    with path.open("rb") as stream:
        for number, (_, line) in enumerate(lines(stream, 0), 1):
            if isinstance(line, Cut) or not any(mark in line for mark in _WANTED):
                continue
            value = parse(line)
            row = mapping(value)
            if "event" in row:
                session, value = words(row.get("session_id")), row["event"]
            session = steps.see(session, value, f"{path}: line {number}")


def _see_store(path: Path, steps: _Steps) -> tuple[Missing, ...]:
    import sqlite3

    missing: list[Missing] = []
    try:
        with opened_store(path, missing) as connection:
            columns = columns_of(connection, "transcript_events")
            if {"session_id", "seq", "event_json"} <= columns:
                packed = "event_zstd" if "event_zstd" in columns else "NULL"
                _see_rows(connection, packed, path, steps)
    except (sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError):
        return ()  # read_store has said so
    return ()


def _see_rows(connection: Any, packed: str, path: Path, steps: _Steps) -> None:
    query = f"SELECT session_id, seq, event_json, {packed} FROM transcript_events ORDER BY session_id, seq"  # noqa: S608
    for session_id, seq, plain, blob in connection.execute(query):
        session = name(session_id.decode("utf-8", "replace") if isinstance(session_id, bytes) else str(session_id))
        raw = plain if isinstance(plain, bytes) else unpacked(blob)
        if raw is not None and any(mark in raw for mark in _WANTED):
            steps.see(session, parse(raw), f"{path}: transcript_events {session} {seq}")


def _of_session(session: Session, steps: _Steps, context: Context) -> Iterator[WorkRequest]:
    talk = Talk(SOURCE, SOURCE, context.hasher(SOURCE, session.id))
    talk.at_work(steps.folders.get(session.id) or None, context)
    found: dict[str, WorkRequest] = {}
    turn: str | None = None
    for number, call in enumerate(session.calls):
        step = steps.steps.get(call.where)
        if step is not None and step.turn is not None and step.turn != turn:
            turn = step.turn
            talk.user(context.hasher(SOURCE, "turn", session.id, turn), None)
        elif step is None or step.fresh:
            talk.failed = []
        if step is not None:
            talk.tools(step.calls, context)
        found.update((item.id, item) for item in _of_call(call, number, talk, context))
    yield from found.values()


def _of_call(call: Call, number: int, talk: Talk, context: Context) -> list[WorkRequest]:
    talk.model = call.model or talk.model
    ended = call.ended or call.started
    at = ended.timestamp() if ended else None
    key = context.hasher(SOURCE, call.session, f"{at}" if at is not None else f"call {number}")
    counts = Counts(_prompt(call), call.cached_tokens, call.output_tokens)
    if call.cached_tokens == 0:
        talk.tells_cache = True  # the reader gives a 0 only where the server told of it
    return talk.ended(
        key, at, counts, context, ending=of_call(call),
        began=call.started.timestamp() if call.started else None, first_token=call.first_token,
    )  # fmt: skip


def _prompt(call: Call) -> int | None:
    """Return the prompt unless its size is no more than assumed (the least that the agent sends)."""
    known = call.prompt_tokens
    return None if known is None or known.basis is Basis.ASSUMED else known.value


def _calls(content: object) -> list[tuple[str, object]]:
    parts = [mapping(part) for part in content] if isinstance(content, list) else []
    kinds = {"toolCall", "tool_use"}
    return [
        (words(part.get("name")), part.get("arguments", part.get("input")))
        for part in parts
        if part.get("type") in kinds
    ]
