from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.app.fleet import Cell, interval, shares
from truelimit.workload.shares import wilson


def test_people_who_are_alike_leave_the_interval_of_their_requests() -> None:
    whole = {f"p{number}": 100 for number in range(40)}
    low, high = interval(dict.fromkeys(whole, 30), whole)
    assert low is not None
    assert (low, high) == pytest.approx(wilson(round(0.3 * 40), 40), abs=0.02)  # no spread: as many as people


def test_people_who_differ_widen_it() -> None:
    whole = {f"p{number}": 1000 for number in range(10)}
    mixed = {name: 1000 if number < 3 else 0 for number, name in enumerate(whole)}
    low, high = interval(mixed, whole)
    alone = wilson(3000, 10_000)
    assert low is not None
    assert high is not None
    assert high - low > 20 * (alone[1] - alone[0])


def test_one_person_says_nothing_of_others() -> None:
    assert interval({"p": 3}, {"p": 9}) == (None, None)
    assert interval({}, {}) == (None, None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12))
def test_an_interval_holds_its_share(counts: list[tuple[int, int]]) -> None:
    hits = {f"p{place}": hit for place, (hit, _) in enumerate(counts)}
    whole = {f"p{place}": hit + miss for place, (hit, miss) in enumerate(counts)}
    low, high = interval(hits, whole)
    if low is not None and high is not None:
        share = sum(hits.values()) / sum(whole.values())
        assert 0 <= low <= share + 1e-12
        assert share - 1e-12 <= high <= 1


def test_shares_of_groups() -> None:
    cells = [Cell("a", "x", 3, 2, 30, 1000), Cell("b", "x", 1, 1, 10, 0), Cell("b", "y", 4, 1, 60, 3000)]
    first, second = shares(cells)
    assert (first.name, first.calls, first.people, first.turns, first.of_calls) == ("x", 4, 2, 3, 0.5)
    assert (second.name, second.of_tokens, second.of_seconds) == ("y", 0.6, 0.75)
    assert shares([]) == ()
