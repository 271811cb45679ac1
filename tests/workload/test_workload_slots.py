"""A server's slots: what it still reads for a client that has hung up, and who takes none."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from truelimit.domain.workload import WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload import replay as replay_module
from truelimit.workload.columns import Columns, columns
from truelimit.workload.replay import Replayed, replay
from truelimit.workload.stack import Outcome, ReplayStack

START = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)
# 1,000 tokens/s, the client hangs up after 100 s, and does not try again
ONE_TRY = ReplayStack("s", prefill_a=0.001, first_wall=100, cuts_silently=True)
TO_THE_END = replace(ONE_TRY, reads_on=math.inf)


def request(at: float, prompt: int, session: str, duration: float = 0.0) -> WorkRequest:
    name = f"{session} {at}"
    return WorkRequest(
        name, "t", "a", session, "m", START + timedelta(seconds=at), Tokens(prompt), output_tokens=Tokens(0),
        duration=Seconds(duration), private=False,
    )  # fmt: skip


def work(*rows: tuple[float, int, str]) -> Columns:
    return columns([request(*row) for row in rows])


def seconds(stack: ReplayStack, *rows: tuple[float, int, str]) -> list[float]:
    return [pytest.approx(value, abs=0.01) for value in replay(work(*rows), stack).seconds.tolist()]


def test_an_older_ollama_reads_the_prompt_of_a_gone_client_to_its_end() -> None:
    rows = ((0, 250_000, "big"), (100, 1_000, "small"))
    assert seconds(ONE_TRY, *rows) == [100, 1], "the slot is free as soon as nobody listens"
    assert seconds(TO_THE_END, *rows) == [100, 100], "150 s are still to be read: it gives up as well"
    patient = replace(TO_THE_END, first_wall=200)
    assert seconds(patient, (0, 250_000, "big"), (200, 1_000, "small")) == [200, 51], "50 s of it, and its own second"


def test_retries_with_the_same_prompt_wait_for_the_first_reading() -> None:
    """Aborted at 8 s of about 45 s, the retry was answered 38.5 s later: the reading had gone on (facts of 0.11.4)."""
    stack = replace(TO_THE_END, first_wall=100, attempts=3, resumes=True)
    found = replay(work((0, 250_000, "big"), (250, 1_000, "small")), stack)
    assert found.outcome.tolist() == [Outcome.DONE, Outcome.DONE]
    assert found.seconds.tolist() == [pytest.approx(250), pytest.approx(1, abs=0.01)]
    late = replay(work((0, 450_000, "big"), (300, 1_000, "small")), replace(stack, first_wall=100))
    assert late.outcome[0] == Outcome.TIMED_OUT
    assert late.seconds.tolist() == [pytest.approx(300), pytest.approx(151, abs=0.01)], "450 s of reading, 300 s waited"


def test_a_cut_prompt_begins_anew_and_each_attempt_that_came_on_is_read_to_its_end() -> None:
    cut = replace(TO_THE_END, served_context=150_000, attempts=3, resumes=True)
    rows = ((0, 200_000, "big"), (300, 1_000, "small"))
    # Reading takes 150 s. The second attempt comes at 100 s and is read from 150 s to 300 s; the third comes at 200 s
    # and gives up at 300 s, before it is its turn.
    assert seconds(cut, *rows) == [300, 1]
    # Reading takes 120 s: the second is read from 120 to 240 s, the third, which comes at 200 s, from 240 to 360 s.
    assert seconds(replace(cut, served_context=120_000), *rows) == [300, 61]


def test_a_server_that_notices_ends_with_its_batch() -> None:
    batch = replace(ONE_TRY, reads_on=2048)
    rows = ((0, 250_000, "big"), (100, 1_000, "small"))
    # 100,000 tokens are read at 100 s, in the 49th batch, which ends with token 100,352.
    assert seconds(batch, *rows) == [100, 1.352]
    assert seconds(replace(batch, reads_on=400_000), *rows) == seconds(TO_THE_END, *rows), "not beyond the prompt"
    slower_deep = replace(batch, prefill_a=0.0005, prefill_b=1e-8)
    read = (math.sqrt(0.0005**2 + 2 * 1e-8 * 100) - 0.0005) / 1e-8
    end = math.ceil(read / 2048) * 2048
    left = 0.0005 * (end - read) + 1e-8 / 2 * (end**2 - read**2)
    own = 0.0005 * 1_000 + 1e-8 * 1_000**2 / 2
    assert seconds(slower_deep, *rows) == [100, left + own]


def test_a_conversation_waits_for_what_is_still_read_of_its_own_last_request() -> None:
    given_up = [request(0, 150_000, "a", duration=100.0), request(110, 150_100, "a")]
    found = replay(columns(given_up), TO_THE_END)
    # 50 s are left of it when the client hangs up; the user takes 10 s of them to ask again, and 100 tokens are new.
    assert found.seconds.tolist() == [pytest.approx(100), pytest.approx(40.1, abs=0.01)]
    assert replay(columns(given_up), ONE_TRY).seconds.tolist()[1] == pytest.approx(0.1, abs=0.01)


def test_the_wall_of_all_attempts_leaves_the_reading_too() -> None:
    stack = ReplayStack("s", prefill_a=0.001, run_wall=100, reads_on=math.inf)
    assert seconds(stack, (0, 150_000, "big"), (100, 1_000, "small")) == [100, 51]


def test_reading_on_changes_nothing_where_nobody_hangs_up() -> None:
    rows = ((0, 50_000, "a"), (10, 20_000, "b"), (70, 60_000, "a"))
    assert seconds(TO_THE_END, *rows) == seconds(ONE_TRY, *rows)
    no_walls = replace(TO_THE_END, first_wall=math.inf)
    assert seconds(no_walls, *rows) == seconds(replace(no_walls, reads_on=0.0), *rows)


def test_a_refused_request_takes_no_slot() -> None:
    stack = ReplayStack("s", served_context=100_000, prefill_a=0.001)
    rows = ((0, 50_000, "a"), (100, 150_000, "b"), (101, 51_000, "a"))
    found = replay(work(*rows), stack)
    assert found.outcome.tolist() == [Outcome.DONE, Outcome.OVERFLOW, Outcome.DONE]
    assert found.cached.tolist() == [0, 0, 50_000], "the slot still holds the conversation"
    assert found.seconds.tolist() == [pytest.approx(50), 0, pytest.approx(1, abs=0.01)], (
        "and nobody waits for what was refused"
    )
    taken = replay(work(rows[0], (100, 90_000, "b"), (201, 51_000, "a")), stack)
    assert taken.cached.tolist() == [0, 0, 0]


@pytest.mark.parametrize("refusing", [{"prompt_limit": 100_000}, {"served_context": 100_000}])
def test_who_refuses_does_not_matter(refusing: dict[str, int]) -> None:
    stack = replace(ReplayStack("s", prefill_a=0.001), **refusing)  # type: ignore[arg-type]
    found = replay(work((0, 50_000, "a"), (100, 150_000, "b"), (101, 51_000, "a")), stack)
    assert found.cached[2] == 50_000


def test_what_is_cut_does_take_the_slot() -> None:
    stack = ReplayStack("s", served_context=100_000, cuts_silently=True, prefill_a=0.001)
    found = replay(work((0, 50_000, "a"), (100, 150_000, "b"), (300, 51_000, "a")), stack)
    assert found.outcome.tolist() == [Outcome.DONE, Outcome.TRUNCATED, Outcome.DONE]
    assert found.cached[2] == 0


rows_of = st.lists(
    st.tuples(st.floats(0, 300), st.integers(1, 200_000), st.sampled_from("abc")), min_size=1, max_size=25
)


@settings(deadline=None, max_examples=60)
@given(rows_of, st.integers(1, 150_000), st.sampled_from([0.0, 2048.0, math.inf]), st.booleans())
def test_one_slot_holds_the_last_conversation_that_took_it(
    items: list[tuple[float, int, str]], context: int, reads_on: float, cuts: bool
) -> None:
    at, rows = 0.0, []
    for gap, prompt, session in items:
        at += gap
        rows.append((at, prompt, session))
    stack = ReplayStack("s", served_context=context, cuts_silently=cuts, prefill_a=1e-4, reads_on=reads_on)
    stack = replace(stack, first_wall=10, attempts=2, resumes=True)
    held = work(*rows)
    whole = replay(held, stack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay_module, "BLOCK", 3)
        assert_same(whole, replay(held, stack))
    holder = None
    for index, (_, prompt, session) in enumerate(rows):
        if holder != session:
            assert whole.cached[index] == 0
        if cuts or prompt < context:
            holder = session


def assert_same(one: Replayed, other: Replayed) -> None:
    assert one.outcome.tolist() == other.outcome.tolist()
    np.testing.assert_allclose(one.seconds, other.seconds, rtol=1e-5, atol=1e-3)


@settings(deadline=None, max_examples=60)
@example([(0.0, 2_000, "a"), (0.0, 1, "a")], 2, False, 1.0, 2.0)
@given(rows_of, st.integers(1, 4), st.booleans(), st.floats(1, 200), st.floats(1, 400))
def test_reading_on_never_makes_one_wait_less(
    items: list[tuple[float, int, str]], attempts: int, resumes: bool, wall: float, run: float
) -> None:
    at, rows = 0.0, []
    for gap, prompt, session in items:
        at += gap
        rows.append((at, prompt, session))
    stack = ReplayStack("s", prefill_a=1e-3, first_wall=wall, run_wall=run, attempts=attempts, resumes=resumes)
    done = [
        int((replay(work(*rows), replace(stack, reads_on=tokens)).outcome == Outcome.DONE).sum())
        for tokens in (0.0, 2048.0, math.inf)
    ]
    assert done[0] >= done[1] >= done[2]
