"""sessions.json of February 2026, read entry by entry: a home may hold hundreds of thousands of sessions.

Only the entries of sessions that have a transcript, and the newest of the others, are made into counters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.session_counters import LARGEST_FILE, Counters, by_session, counters_of
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

MOST_ALONE = 5_000
_DECODER = json.JSONDecoder()
_OPEN, _COLON, _NEXT = (re.compile(rf"[ \t\n\r]*{sign}[ \t\n\r]*") for sign in (r"\{", ":", "([,}])"))
_END = re.compile(r"[ \t\n\r]*")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SessionsJson:
    """What a sessions.json gave: counters by session id, how many sessions it names, what could not be had."""

    counters: Mapping[str, Counters] = field(default_factory=dict)
    sessions: int = 0
    missing: tuple[Missing, ...] = ()


def read_sessions_json(path: Path, transcripts: Collection[str] = ()) -> SessionsJson:
    """Return the counters of all sessions in ``transcripts``, and of the newest of the others. Never raises."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return _nothing(
                said("{path}: larger than {largest_file} MiB", path=path, largest_file=LARGEST_FILE // 2**20)
            )
        found = _Found(str(path), frozenset(transcripts))
        for key, value in _entries(_text(path)):
            found.take(key, value)
    except OSError as error:
        return _nothing(f"{path}: {error.strerror or type(error).__name__}")
    except (ValueError, RecursionError):
        return _nothing(said("{path}: not a JSON object (half-written or damaged)", path=path))
    counters = found.counters()
    return SessionsJson(counters, len(counters) + found.let_go, found.missing())


def _nothing(why: str) -> SessionsJson:
    return SessionsJson(missing=(Missing(said("session counters"), why),))


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return raw.decode(json.detect_encoding(raw), "surrogatepass")


def _entries(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a JSON object one by one. Raises ValueError for anything else."""
    at = _after(_OPEN, text, 0)
    more = "," if text[at : at + 1] != "}" else _last(text, at + 1)
    while more == ",":
        key, at = _DECODER.raw_decode(text, at)
        if not isinstance(key, str):
            raise ValueError(said("a key that is no text"))
        value, at = _DECODER.raw_decode(text, _after(_COLON, text, at))
        yield key, value
        found = _NEXT.match(text, at)
        if found is None:
            raise ValueError(said("neither a comma nor an end"))
        at, more = found.end(), found[1]
        if more == "}":
            _last(text, at)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise ValueError(said("not a JSON object"))
    return found.end()


def _last(text: str, at: int) -> str:
    """Return an empty text where nothing but blanks follows. Raises ValueError otherwise."""
    if _after(_END, text, at) != len(text):
        raise ValueError(said("something after the end"))
    return ""


@dataclass(slots=True)
class _Found:
    """Entries so far. Those without a transcript wait as they are, until it is known which are the newest."""

    where: str
    wanted: frozenset[str]
    bad: int = 0
    let_go: int = 0
    _own: list[Counters] = field(default_factory=list)
    _alone: list[tuple[datetime, str, Any]] = field(default_factory=list)

    def take(self, key: str, value: Any) -> None:
        """Take the next entry."""
        entry = read.mapping(value)
        session = read.name(entry.get("sessionId"))
        if not session:
            self.bad += 1
        elif session in self.wanted:
            if (counters := counters_of(key, value, self.where)) is not None:
                self._own.append(counters)
        else:
            self._alone.append((read.moment(entry.get("updatedAt")) or _NEVER, key, value))
            if len(self._alone) > 2 * MOST_ALONE:
                self._let_go()

    def _let_go(self) -> None:
        """Keep the newest of the entries that wait, in their order."""
        oldest = sorted((item[0] for item in self._alone), reverse=True)[MOST_ALONE - 1]
        newer = [item for item in self._alone if item[0] > oldest]
        same = [item for item in self._alone if item[0] == oldest][: MOST_ALONE - len(newer)]
        kept = {id(item) for item in (*newer, *same)}
        self.let_go += len(self._alone) - len(kept)
        self._alone = [item for item in self._alone if id(item) in kept]

    def counters(self) -> dict[str, Counters]:
        """Return the counters by session."""
        if len(self._alone) > MOST_ALONE:
            self._let_go()
        alone = (counters_of(key, value, self.where) for _, key, value in self._alone)
        return by_session([*self._own, *(item for item in alone if item is not None)])

    def missing(self) -> tuple[Missing, ...]:
        """Return what of the file is not among the counters."""
        found = []
        if self.bad:
            found.append(
                Missing(
                    said("session counters"),
                    said("{where}: {bad} entries without a sessionId", where=self.where, bad=self.bad),
                )
            )
        if self.let_go:
            why = said(
                "{where}: of the sessions without a transcript only the newest {most_alone:,} are looked at",
                where=self.where,
                most_alone=MOST_ALONE,
            )
            found.append(Missing(said("{let_go:,} older session counters", let_go=self.let_go), why))
        return tuple(found)
