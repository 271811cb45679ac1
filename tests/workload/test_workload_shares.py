"""Classes follow the stated rule, shares add up, intervals hold what they claim."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload.classes import class_of, classified
from truelimit.workload.shares import shares, wilson


@pytest.mark.parametrize(
    ("edited", "read", "expected"),
    [
        (0, 0, WorkClass.CHAT),
        (0, 3, WorkClass.READ),
        (1, 9, WorkClass.EDIT_ONE),
        (2, 0, WorkClass.EDIT_FEW),
        (4, 0, WorkClass.EDIT_FEW),
        (5, 0, WorkClass.EDIT_MANY),
        (19, 0, WorkClass.EDIT_MANY),
        (20, 0, WorkClass.REFACTOR),
    ],
)
def test_the_rule(edited: int, read: int, expected: WorkClass) -> None:
    assert class_of(edited, read) is expected


def made(items: Iterable[tuple[str, int, WorkClass]]) -> list[WorkRequest]:
    return [
        WorkRequest(str(n), "t", "a", "s", "m", None, Tokens(100), turn=turn, files_edited=edited, work_class=kind)
        for n, (turn, edited, kind) in enumerate(items)
    ]


def test_every_request_of_a_turn_has_the_class_of_the_whole_turn() -> None:
    unknown = WorkClass.UNKNOWN
    found = classified(made([("x", 0, unknown), ("x", 3, unknown), ("x", 6, unknown), ("y", 1, unknown)]))
    assert [item.work_class for item in found] == [WorkClass.EDIT_MANY] * 3 + [WorkClass.EDIT_ONE]


def test_a_side_call_stays_one() -> None:
    found = classified(made([("x", 6, WorkClass.UNKNOWN), ("x", 0, WorkClass.SIDE_CALL)]))
    assert found[1].work_class is WorkClass.SIDE_CALL


@given(st.lists(st.tuples(st.sampled_from(list(Ending)), st.integers(0, 10**6), st.floats(0, 10**4)), max_size=40))
def test_shares_add_up(rows: list[tuple[Ending, int, float]]) -> None:
    items = [
        WorkRequest(str(n), "t", "a", "s", "m", None, Tokens(tokens), duration=Seconds(seconds), ending=ending)
        for n, (ending, tokens, seconds) in enumerate(rows)
    ]
    found = shares(items, lambda item: item.ending.value)
    assert sum(item.requests for item in found) == len(rows)
    assert sum(item.tokens for item in found) == sum(tokens for _, tokens, _ in rows)
    for item in found:
        assert item.low <= item.of_requests <= item.high
    if any(tokens for _, tokens, _ in rows):
        assert sum(item.of_tokens or 0 for item in found) == pytest.approx(1)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = random.Random(1)
    truth, count, covered = 0.2, 60, 0
    for _ in range(2000):
        low, high = wilson(sum(rng.random() < truth for _ in range(count)), count)
        covered += low <= truth <= high
    assert 0.87 <= covered / 2000 <= 0.93


def test_no_count_tells_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
