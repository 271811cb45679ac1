"""opencode's log: when each attempt of a call began, and how it failed. Retries are told nowhere else.

``message=stream`` begins an attempt, ``message="stream error"`` ends the one of its session with an error. An attempt
whose end is not told and after which the next began 300 s later or a little more ended at the silence that opencode
bears (``chunkTimeout``, measured 300.3 s; it then waits 2 to 20 s).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.endings import of_text
from truelimit.adapters.work.lines import Cut, lines
from truelimit.adapters.work.talk import Counts, Talk
from truelimit.adapters.work.values import instant
from truelimit.domain.workload import Ending, WorkRequest

SOURCE = "opencode"
MARKS = (b"message=stream ", b'message="stream error"')
_FIELD = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S+)')
_SILENCE = (300.0, 330.0)
_LONGEST = 1 << 16


@dataclass(slots=True)
class Attempt:
    """One attempt: when it began and ended (seconds since 1970), its model, how it ended (None: not told)."""

    session: str
    began: float
    model: str
    side: bool
    ended: float | None = None
    ending: Ending | None = None
    prompt: int | None = None


def attempts(folder: Path) -> dict[str, list[Attempt]]:
    """Return the attempts in all logs of a folder by session, in order of time. Never raises."""
    found: dict[str, list[Attempt]] = defaultdict(list)
    try:
        paths = sorted(path for path in folder.glob("*.log") if path.is_file())
    except OSError:
        return found
    for path in paths:
        for item in _read(path):
            found[item.session].append(item)
    for items in found.values():
        items.sort(key=lambda item: item.began)
    return found


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the failed attempts of a log that stands alone, without the database beside it. Never raises."""
    _ = memory
    return Reading(failed(_read(path), context))


def failed(items: Iterable[Attempt], context: Context) -> list[WorkRequest]:
    """Return the records of attempts that failed; those that are told no end of are nobody's knowledge."""
    found: dict[str, WorkRequest] = {}
    talks: dict[str, Talk] = {}
    for item in items:
        talk = talks.setdefault(item.session, Talk(SOURCE, SOURCE, context.hasher(SOURCE, item.session)))
        talk.model, talk.side = item.model, item.side
        if item.ending is None:
            talk.failed = []
            continue
        key = context.hasher(SOURCE, item.session, f"{item.began:.3f}")
        counts = Counts(item.prompt)
        told = talk.ended(key, item.ended, counts, context, ending=item.ending, began=item.began)
        found.update((record.id, record) for record in told)
    return list(found.values())


def _read(path: Path) -> list[Attempt]:
    found: list[Attempt] = []
    running: dict[tuple[str, str, str], Attempt] = {}
    try:
        for values in _entries(path):
            _take(values, found, running)
    except OSError:
        return found
    return found


def _entries(path: Path) -> Iterator[dict[str, str]]:
    with path.open("rb") as stream:
        for _, line in lines(stream, 0):
            if not isinstance(line, Cut) and any(mark in line for mark in MARKS):
                text = line[:_LONGEST].decode("utf-8", "replace")
                yield {key: value.strip('"') for key, value in _FIELD.findall(text)}


def _take(values: dict[str, str], found: list[Attempt], running: dict[tuple[str, str, str], Attempt]) -> None:
    at, session = instant(values.get("timestamp", "")), values.get("session.id", "")
    if at is None or not session:
        return
    key = (values.get("run", ""), session, values.get("agent", ""))
    if values.get("message") == "stream error":
        item = running.pop(key, None)
        if item is None:  # its begin stands in an older log
            item = Attempt(session, at, values.get("modelID", ""), _is_side(values))
            found.append(item)
        item.ended = at
        item.ending, item.prompt = of_text(values.get("error.error", ""), at - item.began)
        return
    before = running.get(key)
    if before is not None and _SILENCE[0] <= at - before.began <= _SILENCE[1]:
        before.ended, before.ending = before.began + _SILENCE[0], Ending.TIMED_OUT
    running[key] = Attempt(session, at, values.get("modelID", ""), _is_side(values))
    found.append(running[key])


def _is_side(values: dict[str, str]) -> bool:
    return values.get("small") == "true" or values.get("agent") in {"compaction", "title", "summary"}
