"""Which call the agent's own estimate of a prompt was made for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from truelimit.adapters.agents.openclaw.session_counters import Estimate
from truelimit.domain.session import Call

_SLACK = timedelta(seconds=5)  # from the estimate to the request, which is sent at once


def with_estimate(calls: tuple[Call, ...], estimate: Estimate | None) -> tuple[Call, ...]:
    """Return the calls of one session, in order of time, with the estimate at the one that it was made for.

    That is the first to end after it, if it had begun by then. September 2026 keeps one estimate a session, the last
    one. One that led to a compaction is of a prompt that was never sent, and stands at no call.
    """
    if estimate is None or not estimate.fits:
        return calls
    place = len(calls)
    while place and (ended := calls[place - 1].ended) is not None and ended >= estimate.time:
        place -= 1
    if place == len(calls):
        return calls
    call = calls[place]
    if call.started is None or call.started > estimate.time + _SLACK or not estimate.is_of(call.provider, call.model):
        return calls
    return (*calls[:place], replace(call, estimated_tokens=estimate.tokens.value), *calls[place + 1 :])
