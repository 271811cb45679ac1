"""Reads samples into records, and shows records in few words for comparison."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from truelimit.adapters.work.context import Context, Fold
from truelimit.adapters.work.hashing import Hasher
from truelimit.domain.workload import WorkRequest

SAMPLES = Path(__file__).parents[1] / "samples"
AGENTS = SAMPLES / "agents"


def context() -> Context:
    """Return a context with a fixed salt."""
    return Context(Hasher(b"a salt of the tests"))


def folded(fold: Fold, lines: Iterable[bytes]) -> list[WorkRequest]:
    """Return the records of lines, the last word on each, in the order of their first."""
    found: dict[str, WorkRequest] = {}
    for line in lines:
        if line.strip():
            found.update((item.id, item) for item in fold.feed(line.strip()))
    return list(found.values())


def of_file(fold: Any, path: Path) -> list[WorkRequest]:
    """Return the records of a file, read by a fold of this class whose state is put away after each line."""
    held, found = context(), {}
    state: Any = None
    for line in path.read_bytes().splitlines():
        one = fold(held)
        if state is not None:
            one.restore(json.loads(state))
        for item in one.feed(line.strip()) if line.strip() else ():
            found[item.id] = item
        state = json.dumps(one.state())
    return list(found.values())


def brief(item: WorkRequest) -> tuple[object, ...]:
    """Return model, second asked, prompt, cached, output, first token, duration, ending."""
    at = item.time.strftime("%H:%M:%S") if item.time else None
    tokens = (item.prompt_tokens, item.cached_tokens, item.output_tokens)
    return (item.model, at, *tokens, item.first_token, item.duration, item.ending.value)


def jsonl(*values: object) -> list[bytes]:
    """Return values as compact JSON lines."""
    return [json.dumps(value, separators=(",", ":")).encode() for value in values]


def names_in(path: Path) -> set[str]:
    """Return what names a person's things in a transcript: ids, folders, branches, and the file itself."""
    found = {name for value in _values(path) for name in _naming(value)}
    return found | {path.name.partition(".")[0]} if len(path.name.partition(".")[0]) > 4 else found


_NAMING = {
    "uuid", "parentUuid", "sessionId", "session_id", "id", "requestId", "requestRef", "promptId", "agentId", "cwd",
    "thread_id", "turn_id", "response_id", "parentId", "gitBranch", "directory", "path", "file_path", "project",
}  # fmt: skip


def _naming(value: object, key: str = "") -> Iterator[str]:
    """Yield what names a person's things in a transcript: ids, folders, branches."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _naming(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _naming(item, key)
    elif isinstance(value, str) and key in _NAMING and len(value) > 4:
        yield value


def _values(path: Path) -> list[object]:
    found: list[object] = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            return [json.loads(path.read_bytes())]
    return found
