"""Lines of a streamed answer as JSON objects: server-sent events, or one object a line."""

from __future__ import annotations

import json

from truelimit.app.bench_ports import BenchError
from truelimit.domain.message import said

_DONE = b"[DONE]"


def event(line: bytes, where: str) -> dict[str, object] | None:
    """Return the object of a ``data:`` line; None for comments, empty lines, other fields and the end mark.

    Raises BenchError for data that is no JSON object.
    """
    text = line.strip()
    if not text or text.startswith(b":"):
        return None
    field, _, value = text.partition(b":")
    if field in {b"event", b"id", b"retry"}:
        return None
    if field != b"data":
        return _object(text, where)
    value = value.strip()
    return None if value == _DONE else _object(value, where)


def plain(line: bytes, where: str) -> dict[str, object] | None:
    """Return the object of a line, None for an empty one. Raises BenchError for anything else."""
    text = line.strip()
    return _object(text, where) if text else None


def _object(text: bytes, where: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    raise BenchError(
        said(
            "{where}: a line of the answer is no JSON object ({size:,} bytes); expected a model server's stream; "
            "check which program answers at this address",
            where=where,
            size=len(text),
        )
    )


def error_words(value: object) -> str | None:
    """Return the error that an answer carries, or None: a text, or an object with a message."""
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict):
        message = error.get("message")
        return message if isinstance(message, str) and message else said("an error without a message")
    return error if isinstance(error, str) and error else None
