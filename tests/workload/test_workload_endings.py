"""Endings of calls by their errors: one table for what the doctor read and for what the ingest reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from truelimit.domain.session import Call, CallError, Cause, ErrorKind, Outcome
from truelimit.domain.workload import Ending
from truelimit.workload.endings import of_call, of_cause, of_error

START = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)


def call(outcome: Outcome, kind: ErrorKind | None = None, seconds: float | None = 10.0) -> Call:
    ended = START + timedelta(seconds=seconds) if seconds is not None else None
    error = CallError(kind, "x") if kind else None
    return Call("s", "a", "ollama", "m", "ollama", "f:1", START, ended, outcome, error=error)


@pytest.mark.parametrize(
    ("seconds", "ending"),
    [
        (300.0, Ending.TIMED_OUT), (301.8, Ending.TIMED_OUT), (605.0, Ending.TIMED_OUT), (908.0, Ending.TIMED_OUT),
        (299.0, Ending.CRASHED), (306.0, Ending.CRASHED), (0.01, Ending.CRASHED), (1210.0, Ending.CRASHED),
        (None, Ending.CRASHED),
    ],
)  # fmt: skip
def test_a_lost_connection_is_a_timeout_only_at_nodes_own_wall(seconds: float | None, ending: Ending) -> None:
    assert of_call(call(Outcome.ERROR, ErrorKind.CONNECTION, seconds)) is ending
    assert of_error(CallError(ErrorKind.CONNECTION, "fetch failed"), seconds) is ending


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (ErrorKind.OVERFLOW, Ending.OVERFLOW),
        (ErrorKind.WINDOW_TOO_SMALL, Ending.OVERFLOW),
        (ErrorKind.TIMEOUT, Ending.TIMED_OUT),
        (ErrorKind.LOAD_TIMEOUT, Ending.TIMED_OUT),
        (ErrorKind.ENGINE_CRASH, Ending.CRASHED),
        (ErrorKind.OUT_OF_MEMORY, Ending.CRASHED),
        (ErrorKind.CANCELLED, Ending.CANCELLED),
        (ErrorKind.BUSY, Ending.UNKNOWN),
        (ErrorKind.OTHER, Ending.UNKNOWN),
    ],
)
def test_every_kind_of_error(kind: ErrorKind, ending: Ending) -> None:
    assert of_call(call(Outcome.ERROR, kind)) is ending


def test_an_aborted_call_was_cancelled_unless_its_error_tells_more() -> None:
    assert of_call(call(Outcome.ABORTED)) is Ending.CANCELLED
    assert of_call(call(Outcome.ABORTED, ErrorKind.OTHER)) is Ending.CANCELLED
    assert of_call(call(Outcome.ABORTED, ErrorKind.TIMEOUT)) is Ending.TIMED_OUT
    assert of_call(call(Outcome.ERROR)) is Ending.UNKNOWN
    assert of_call(call(Outcome.DONE, ErrorKind.OTHER)) is Ending.DONE


def test_every_cause_but_the_unexplained_tells_an_ending() -> None:
    assert {cause for cause in Cause if of_cause(cause) is Ending.UNKNOWN} == {Cause.UNEXPLAINED}
    assert of_cause(Cause.QUEUE_EXCEEDS_WALL) is Ending.TIMED_OUT
