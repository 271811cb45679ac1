"""Leaves out what happened before a moment: what the old limits did, once they are mended. Rates are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.domain.server import (
    CacheEntryRefused,
    EngineFailed,
    Event,
    MessagesDropped,
    ModelEvicted,
    PromptRefused,
    PromptTruncated,
    RequestCancelled,
    RequestEnded,
    Server,
)

if TYPE_CHECKING:
    from truelimit.domain.facts import Facts
    from truelimit.domain.session import Call, Session

_FAILURES = (
    CacheEntryRefused,
    EngineFailed,
    MessagesDropped,
    ModelEvicted,
    PromptRefused,
    PromptTruncated,
    RequestCancelled,
    RequestEnded,
)


def since(facts: Facts, moment: datetime, why: str | None = None) -> Facts:
    """Return the facts without failures before ``moment`` (aware); with ``why``, a word on what was left out.

    Answered calls before it go too (they may have been cut by the old limit); the server's own timings, which tell
    the rates, and what has no time stay.
    """
    sessions = tuple(_session(item, moment) for item in facts.sessions)
    servers = tuple(_server(item, moment) for item in facts.servers)
    kept = replace(facts, sessions=sessions, servers=servers)
    if why is None:
        return kept
    left_out = sum(len(old.calls) - len(new.calls) for old, new in zip(facts.sessions, sessions, strict=True))
    note = Missing(
        said("failures before {moment:%Y-%m-%d %H:%M:%S}", moment=moment),
        said("{why}: {left_out} calls are not judged again", why=why, left_out=left_out),
    )
    return replace(kept, missing=(*facts.missing, note))


def _session(session: Session, moment: datetime) -> Session:
    calls = tuple(call for call in session.calls if not _before(call, moment))
    if len(calls) == len(session.calls):
        return session
    return replace(session, calls=calls, compaction_count=None)


def _before(call: Call, moment: datetime) -> bool:
    time = call.ended or call.started
    return time is not None and time < moment


def _server(server: Server, moment: datetime) -> Server:
    return replace(server, events=tuple(event for event in server.events if not _old_failure(event, moment)))


def _old_failure(event: Event, moment: datetime) -> bool:
    return isinstance(event, _FAILURES) and event.time is not None and event.time < moment
