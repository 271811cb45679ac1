"""Tokens a minute: a bucket, told by running sums as a plain loop tells it; what it lets in of a replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.domain.workload import WorkRequest
from truelimit.units import Tokens
from truelimit.workload.columns import columns
from truelimit.workload.rate_limit import Bucket
from truelimit.workload.replay import Replayed, replay
from truelimit.workload.stack import Outcome, ReplayStack

START = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 200), st.integers(0, 90_000)), min_size=1, max_size=30),
    st.integers(1, 100_000),
    st.integers(1, 7),
)
def test_as_a_plain_loop_tells_it(items: list[tuple[float, int]], per_minute: int, block: int) -> None:
    times = np.cumsum([gap for gap, _ in items]) + 1.7e9
    tokens = np.array([count for _, count in items], dtype=np.float32)
    bucket = Bucket(float(per_minute))
    parts = [bucket.waits(times[at : at + block], tokens[at : at + block]) for at in range(0, len(items), block)]
    expected, level, before = [], 0.0, times[0]
    for time, count in zip(times, tokens, strict=True):
        level = max(0.0, level - (time - before) * per_minute / 60) + float(count)
        before = time
        expected.append(max(0.0, level - per_minute) * 60 / per_minute if count else 0.0)
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-4, atol=0.05)


def run(stack: ReplayStack, *rows: tuple[float, int, str]) -> Replayed:
    return replay(
        columns(
            [
                WorkRequest(
                    f"{at} {session}", "t", "a", session, "m", START + timedelta(seconds=at), Tokens(prompt),
                    output_tokens=Tokens(0), private=False,
                )
                for at, prompt, session in rows
            ]
        ),
        stack,
    )  # fmt: skip


CLOUD = ReplayStack("c", slots=9, tokens_per_minute=100_000)


def test_requests_of_one_minute_share_what_it_lets_in() -> None:
    found = run(CLOUD, (0, 60_000, "a"), (0, 60_000, "b"), (30, 60_000, "c"), (1000, 60_000, "d"))
    # 120,000 at once are 20,000 too many: 12 s. 30 s later 50,000 have come back, and 60,000 more are asked for:
    # 130,000 less the 100,000 that it holds are 18 s.
    assert found.seconds.tolist() == [0, pytest.approx(12), pytest.approx(18), 0]


def test_a_request_of_more_than_a_minute_is_refused_however_long_one_waits() -> None:
    found = run(CLOUD, (0, 100_001, "a"), (1, 99_000, "b"))
    assert found.outcome.tolist() == [Outcome.OVERFLOW, Outcome.DONE]
    assert found.seconds.tolist() == [0, 0], "and takes nothing of it"


def test_cached_tokens_count_where_the_provider_counts_them() -> None:
    rows = ((0, 60_000, "a"), (0, 60_000, "a"))
    assert run(CLOUD, *rows).seconds[1] == pytest.approx(12)
    other = ReplayStack("c", slots=9, tokens_per_minute=100_000, counts_cached=False)
    assert run(other, *rows).seconds[1] == 0


def test_what_is_not_sent_there_takes_nothing() -> None:
    closed = ReplayStack("c", slots=9, tokens_per_minute=100_000, prompt_limit=90_000)
    found = run(closed, (0, 95_000, "a"), (0, 60_000, "b"))
    assert found.outcome.tolist() == [Outcome.OVERFLOW, Outcome.DONE]
    assert found.seconds.tolist() == [0, 0]
