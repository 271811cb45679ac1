"""Chains of attempts: one request with the first one's prompt and time, the last one's answer and end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload.chains import folded
from truelimit.workload.columns import asked, columns
from truelimit.workload.confusion import confusion
from truelimit.workload.legs import replay_legs, work_of
from truelimit.workload.options import Leg
from truelimit.workload.stack import Outcome, ReplayStack
from truelimit.workload.summary import summary

START = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)
FIRST = WorkRequest(
    "a", "t", "agent", "s", "m", START, Tokens(60_000), duration=Seconds(300.0), ending=Ending.TIMED_OUT, private=False
)


def attempt(name: str, at: float, took: float, **more: object) -> WorkRequest:
    made = replace(FIRST, id=name, retry_of="a", time=START + timedelta(seconds=at), duration=Seconds(took))
    return replace(made, **more)


AGAIN = attempt("b", 305, 300)
DONE = attempt("c", 610, 20, ending=Ending.DONE, output_tokens=Tokens(400), cached_tokens=Tokens(59_000))


def test_a_chain_is_one_request_with_all_its_time_and_the_last_answer() -> None:
    (found,) = folded([DONE, AGAIN, FIRST])
    assert (found.id, found.retry_of, found.ending, found.duration) == ("a", None, Ending.DONE, 630.0)
    assert (found.time, found.prompt_tokens, found.output_tokens) == (START, 60_000, 400)
    assert found.cached_tokens is None, "what a retry found in the cache, the first attempt left there"


def test_links_to_the_attempt_before_and_circles_end() -> None:
    (found,) = folded([FIRST, AGAIN, replace(DONE, retry_of="b")])
    assert found.duration == 630.0
    loop = folded([replace(FIRST, retry_of="b"), AGAIN])
    assert sum(len(item.id) for item in loop) >= 1, "a circle of retries ends"


def test_a_retry_without_its_first_attempt_stands_for_itself() -> None:
    (found,) = folded([DONE])
    assert (found.id, found.retry_of, found.duration) == ("c", None, 20.0)


def test_attempts_without_a_time_keep_the_first_one_first() -> None:
    (found,) = folded([replace(AGAIN, time=None), FIRST])
    assert (found.id, found.duration) == ("a", None)


def test_without_retries_nothing_changes() -> None:
    other = replace(FIRST, id="z")
    assert folded([FIRST, other]) == [FIRST, other]


def test_the_replay_writes_what_the_last_attempt_wrote() -> None:
    work = columns([FIRST, AGAIN, DONE])
    assert work.output.tolist() == [400]
    assert asked([AGAIN, FIRST])[0].ending is Ending.TIMED_OUT


def test_the_confusion_compares_whole_chains() -> None:
    """Two attempts of 300 s and a third that resumes: 60,000 tokens at 100 a second, 400 written at 20."""
    work = work_of([FIRST, AGAIN, DONE])
    stack = ReplayStack("x", prefill_a=0.01, decode_c=0.05, first_wall=300, attempts=3, resumes=True)
    run = replay_legs(work, (Leg(stack),))
    found = confusion(work.asked, run)
    assert run.seconds.tolist() == pytest.approx([620.0])
    assert (found.judged, found.agreed, found.timed) == (1, 1, 1)
    assert found.counts == ((Ending.DONE, Outcome.DONE, 1),)
    assert found.median == pytest.approx(10 / 630, rel=1e-4)


def test_the_summary_knows_the_answer_of_a_chain() -> None:
    work = summary([FIRST, AGAIN, DONE])
    assert (work.requests, work.retries) == (1, 2)
    assert work.output is not None
    assert (work.output.requests, work.output.total) == (1, 400)
