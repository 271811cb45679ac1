"""An engine that left no word: what its log and the broken connection carry, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest
from limits_builders import UNDICI, call, llama_server, stack

from truelimit.domain.server import Event, PromptProgress, PromptRead, PromptStarted
from truelimit.domain.session import Call, Cause, ErrorKind, Incident
from truelimit.limits.view import view
from truelimit.units import Seconds, Tokens

BEGUN = PromptStarted("llama.log line 9", None, "5", Tokens(3662), Tokens(24), Tokens(8192))
PROGRESS = PromptProgress("llama.log line 10", None, "5", Tokens(536), Tokens(512), 0.15, Seconds(3.1))


def incident(*events: Event, calls: tuple[Call, ...] | None = None, **server: Any) -> Incident:
    broken = (call(0, 4, ErrorKind.CONNECTION, prompt=None),)
    (found,) = view(stack(calls=calls or broken, server=llama_server(**server), events=events)).incidents[-1:]
    return found


@pytest.mark.parametrize("last", [BEGUN, PROGRESS])
def test_a_log_that_ends_within_a_prompt_and_a_broken_connection_are_a_dead_engine(last: Event) -> None:
    found = incident(BEGUN, last)
    assert (found.cause, found.explained) == (Cause.ENGINE_CRASH, True)
    assert last.where in found.reasons[0]


@pytest.mark.parametrize("last", [BEGUN, PROGRESS])
def test_the_size_is_that_of_the_log_and_not_of_the_answer_before(last: Event) -> None:
    calls = (call(-60, 20, prompt=900), call(0, 4, ErrorKind.CONNECTION, prompt=None))
    found = incident(BEGUN, last, calls=calls)
    assert found.prompt_tokens is not None
    assert (found.prompt_tokens.value, found.prompt_tokens.where) == (3662, BEGUN.where)
    assert "3,662 tokens" in found.reasons[0]
    counted = incident(BEGUN, last, calls=(call(0, 4, ErrorKind.CONNECTION, prompt=3700),))
    assert counted.prompt_tokens is not None
    assert counted.prompt_tokens.value == 3700


def test_a_server_that_answers_now_did_not_die_of_it() -> None:
    assert incident(BEGUN, live=True).cause is Cause.UNEXPLAINED


def test_a_prompt_that_was_read_to_its_end_tells_of_no_death() -> None:
    read = PromptRead("llama.log line 11", None, "5", Tokens(3662), Seconds(70.0), Tokens(0))
    assert incident(BEGUN, read).cause is Cause.UNEXPLAINED


def test_a_connection_that_was_refused_at_once_shows_nothing() -> None:
    assert incident(BEGUN, calls=(call(0, 0.2, ErrorKind.CONNECTION, prompt=None),)).cause is Cause.UNEXPLAINED


def test_an_earlier_failure_is_not_the_one_that_the_end_of_the_log_shows() -> None:
    calls = (call(0, 4, ErrorKind.CONNECTION, prompt=None), call(400, 20, prompt=900))
    assert incident(BEGUN, calls=calls).cause is Cause.UNEXPLAINED


def test_a_wall_that_was_due_comes_first() -> None:
    wall = float(UNDICI.seconds.value)
    assert incident(BEGUN, calls=(call(0, wall + 2, ErrorKind.CONNECTION),)).cause is not Cause.ENGINE_CRASH
