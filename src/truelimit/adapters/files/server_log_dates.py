"""Dates the engine's lines inside Ollama's log, which carry no time of their own.

The last dated line before such a line may be hours old. Two better bounds are taken where they are later: the access
lines before it, and, for the lines of a request, when the request that ends next began (its end less its duration).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from truelimit.domain.server import (
    AnswerWritten,
    CacheEntryRefused,
    Event,
    PoolExhausted,
    PromptProgress,
    PromptRead,
    PromptRefused,
    PromptStarted,
    RequestCancelled,
    RequestEnded,
)

_OF_REQUEST = (PromptStarted, PromptProgress, PromptRead, AnswerWritten)
_UNDATED = (*_OF_REQUEST, RequestCancelled, CacheEntryRefused, PoolExhausted, PromptRefused)
_INFERENCE = ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages")


def dated(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events, those of a request not earlier than the start of the request that ends next."""
    if not any(isinstance(event, _UNDATED) for event in events):
        return tuple(events)
    result = _not_before_ended(events)
    began: datetime | None = None
    for index in range(len(result) - 1, -1, -1):
        event = result[index]
        if isinstance(event, RequestEnded):
            if event.path in _INFERENCE and event.time is not None:
                began = _began(event)
        elif isinstance(event, _OF_REQUEST) and began is not None and (event.time is None or event.time < began):
            result[index] = replace(event, time=began)
    return tuple(result)


def _not_before_ended(events: Sequence[Event]) -> list[Event]:
    """Return the events, none of the undated kinds earlier than a request that ended before it."""
    result: list[Event] = []
    ended: datetime | None = None
    for event in events:
        if isinstance(event, RequestEnded):
            ended = event.time or ended
        too_early = isinstance(event, _UNDATED) and ended is not None and (event.time is None or event.time < ended)
        result.append(replace(event, time=ended) if too_early else event)
    return result


def _began(event: RequestEnded) -> datetime | None:
    try:
        return event.time - timedelta(seconds=event.seconds) if event.time else None
    except OverflowError:
        return None
