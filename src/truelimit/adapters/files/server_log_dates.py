"""Dates the engine's lines inside Ollama's log, which carry no time of their own.

The last dated line before such a line may be hours old. The access line that follows it tells when its request
began (end less duration), which is then the better bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from truelimit.domain.server import AnswerWritten, Event, PromptProgress, PromptRead, PromptStarted, RequestEnded

_OF_REQUEST = (PromptStarted, PromptProgress, PromptRead, AnswerWritten)
_INFERENCE = ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages")


def dated(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events, those of a request not earlier than the start of the request that ends next."""
    result = list(events)
    began: datetime | None = None
    for index in range(len(result) - 1, -1, -1):
        event = result[index]
        if isinstance(event, RequestEnded):
            if event.path in _INFERENCE and event.time is not None:
                began = _began(event)
        elif isinstance(event, _OF_REQUEST) and began is not None and (event.time is None or event.time < began):
            result[index] = replace(event, time=began)
    return tuple(result)


def _began(event: RequestEnded) -> datetime | None:
    try:
        return event.time - timedelta(seconds=event.seconds) if event.time else None
    except OverflowError:
        return None
