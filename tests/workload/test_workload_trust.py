"""How far a replay is believed, and that no machine is named for what it refuses."""

from __future__ import annotations

import pytest

from truelimit.workload.confusion import Confusion
from truelimit.workload.options import Kind, Option, Result, Within
from truelimit.workload.trust import Trust, trust_in, trust_of
from truelimit.workload.verdict import Choice, Tail, sentence


def seen(judged: int, agreed: int, median: float | None) -> Confusion:
    return Confusion((), judged, agreed, agreed, median, median)


@pytest.mark.parametrize(
    ("validation", "trust"),
    [
        (None, Trust.UNTESTED),
        (seen(0, 0, None), Trust.UNTESTED),
        (seen(22, 15, 21.8), Trust.LOW),
        (seen(22, 22, 0.93), Trust.LOW),
        (seen(22, 15, 0.05), Trust.LOW),
        (seen(288, 288, 0.03), Trust.HIGH),
        (seen(4, 4, 0.03), Trust.MEDIUM),
        (seen(20, 18, 0.03), Trust.MEDIUM),
        (seen(20, 20, 0.40), Trust.MEDIUM),
    ],
)
def test_the_past_says_how_far_a_replay_is_believed(validation: Confusion | None, trust: Trust) -> None:
    assert trust_of(validation) is trust


def result(name: str, kind: Kind, done: float, hours: float, usd: float | None = 0.0) -> Result:
    sure, none = Within(done, done, done), Within(0, 0, 0)
    return Result(
        Option(name, name, kind, (), usd_now=usd), 3, sure, none, none, none, none, Within(hours, hours, hours), usd,
        0.0, none, None, usd,
    )  # fmt: skip


def test_another_machine_is_never_believed_like_the_recorded_one() -> None:
    assert trust_in(result("x", Kind.FIX, 3, 1).option, Trust.HIGH) is Trust.HIGH
    assert trust_in(result("x", Kind.MACHINE, 3, 1).option, Trust.HIGH) is Trust.MEDIUM
    assert trust_in(result("x", Kind.MACHINE, 3, 1).option, Trust.LOW) is Trust.LOW


def choice(machine: Result) -> Choice:
    today, fix = result("nothing", Kind.NOTHING, 2, 1.0), result("truelimit fix", Kind.FIX, 3, 1.0)
    return Choice(today, fix, fix, machine, None, None)


def test_a_machine_that_refuses_the_work_saves_no_time() -> None:
    text = sentence(choice(result("Mac mini", Kind.MACHINE, 0, 0.0, 599.0)), Tail(0))
    assert (
        "no hardware that was tried completes as much: the best, Mac mini, 599 USD, completes 0 of 3 requests" in text
    )
    assert "saves" not in text


def test_a_replay_that_is_not_believed_is_called_a_guess() -> None:
    text = sentence(choice(result("Box", Kind.MACHINE, 3, 0.2, 599.0)), Tail(0), Trust.LOW)
    assert text.startswith(
        "A guess, since the replay of today's stack does not tell what was recorded: Run truelimit fix"
    )
