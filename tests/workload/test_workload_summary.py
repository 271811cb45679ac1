"""What the work is: counts that can be checked by hand, doubles joined, reuse by the stated rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.app.workload import chosen, notes
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload.doubles import joined
from truelimit.workload.prefix import prefix
from truelimit.workload.summary import summary

BEGAN = datetime(2026, 2, 18, 11, 0, tzinfo=UTC)


def call(key: str, minute: float = 0, prompt: int | None = 100, output: int | None = 10, **more: object) -> WorkRequest:
    """Return a call of one session that began at a minute and took 10 s."""
    item = WorkRequest(
        key, "codex", "codex", "s", "m", BEGAN + timedelta(minutes=minute),
        None if prompt is None else Tokens(prompt), output_tokens=None if output is None else Tokens(output),
        duration=Seconds(10.0), ending=Ending.DONE, turn="t",
    )  # fmt: skip
    return replace(item, **more)  # type: ignore[arg-type]


def server(key: str, minute: float = 0, prompt: int | None = 100, **more: object) -> WorkRequest:
    """Return the record of a server's log."""
    return call(key, minute, prompt, source="ollama-log", agent="unknown", session=key, turn=None, **more)


def test_no_work_and_one_request() -> None:
    nothing = summary([])
    assert (nothing.requests, nothing.prompt, nothing.multi_turns, nothing.first) == (0, None, None, None)
    one = summary([call("1")])
    assert (one.requests, one.turns, one.waited) == (1, 1, 10.0)
    assert one.prompt is not None
    assert (one.prompt.median, one.prompt.p99, one.prompt.largest, one.prompt.total) == (100, 100, 100, 100)
    assert one.multi_turns is not None
    assert (one.multi_turns.turns, one.multi_turns.low) == (0, 0.0)


def test_the_share_of_work_on_many_files() -> None:
    items = [call(f"c{n}", n, turn=f"t{n}") for n in range(8)]
    items += [
        call(f"e{n}", 10 + n, prompt=1_000, turn=f"big{n % 2}", files_edited=5 + n, duration=Seconds(100.0))
        for n in range(4)
    ]
    items.append(call("side", 20, session="x", work_class=WorkClass.SIDE_CALL))
    work = summary(items)
    multi = next(item for item in work.multi if item.name == "multi-file")
    assert (multi.requests, multi.turns, multi.tokens, multi.seconds) == (4, 2, 4_000, 400.0)
    assert multi.of_tokens == pytest.approx(4_000 / 4_900)
    assert work.multi_turns is not None
    assert (work.multi_turns.turns, work.multi_turns.of_turns) == (2, 0.2)
    assert work.multi_turns.low < 0.2 < work.multi_turns.high
    assert {item.name: item.requests for item in work.classes} == {"chat": 8, "edit-5+": 4, "side-call": 1}
    assert work.side_calls == 1


def test_what_was_never_answered_is_in_no_share_and_is_counted_beside_them() -> None:
    items = [call(f"c{n}", n, turn=f"t{n}") for n in range(8)]
    items += [call(f"e{n}", 10 + n, turn=f"big{n}", files_edited=5) for n in range(2)]
    lost = call("lost", 30, 5_000, None, turn="lost", ending=Ending.TIMED_OUT, duration=Seconds(300.0))
    work = summary([*items, lost, replace(lost, id="again", retry_of="lost"), call("loose", 40, turn=None)])
    assert (work.unanswered.requests, work.unanswered.turns, work.unanswered.tokens) == (1, 1, 5_000)
    assert (work.turnless.requests, work.turnless.turns) == (1, 0)
    assert sum(item.requests for item in work.classes) == work.requests - 2 == 10
    assert sum(item.of_requests for item in work.classes) == pytest.approx(1.0)
    assert work.multi_turns is not None
    assert work.multi_turns_at_most is not None
    assert work.multi_turns.of_turns == 0.2
    assert work.multi_turns_at_most.of_turns == pytest.approx(3 / 11)


def test_percentiles_are_values_that_occur() -> None:
    work = summary([call(str(n), n, prompt=n) for n in range(1, 101)])
    assert work.prompt is not None
    assert (work.prompt.median, work.prompt.p90, work.prompt.p99, work.prompt.largest) == (50, 90, 99, 100)


def test_retries_are_no_new_work_but_are_waited_for() -> None:
    failed = call("1", 0, ending=Ending.TIMED_OUT, duration=Seconds(300.0), output=None)
    work = summary([failed, call("2", 5, retry_of="1")])
    assert (work.requests, work.retries, work.waited) == (1, 1, 310.0)
    assert {item.name: item.requests for item in work.endings} == {"timed-out": 1, "done": 1}


def test_what_is_not_known_is_named_with_counts() -> None:
    work = summary([call("1", prompt=None, ending=Ending.UNKNOWN, time=None, duration=None)])
    told = {item.what: (item.requests, item.of) for item in work.unknown}
    assert told["prompt tokens"] == told["how it ended"] == told["time"] == (1, 1)
    assert "output tokens" not in told


def test_reuse_by_the_rule_of_growing_prompts() -> None:
    first, second = call("1", 0, 100), call("2", 1, 200, cached_tokens=Tokens(90))
    between = call("3", 0.5, 50, session="other")
    alone, shared = prefix([first, second]), prefix([first, second, between])
    assert (alone.tokens, alone.reusable, alone.reusable_alone) == (300, 110, 110)
    assert (shared.tokens, shared.reusable, shared.reusable_alone) == (350, 110, 0)
    assert (shared.told, shared.told_tokens, shared.cached) == (1, 200, 90)
    assert shared.share_cached == 0.45
    assert prefix([first, replace(second, model="another", cached_tokens=None)]).reusable == 0, (
        "a cache holds what its model read"
    )
    assert prefix([]).share is None


def test_a_server_s_record_of_an_agent_s_call_counts_once_and_adds_what_it_knows() -> None:
    agent = call("1", 0, prompt=None, output=None, ending=Ending.TIMED_OUT, duration=Seconds(908.0))
    attempts = [server(f"s{n}", 5.03 * n, 146_760, ending=Ending.UNKNOWN) for n in range(3)]
    (found,), left_out = joined([*attempts, agent])
    assert (found.id, found.prompt_tokens, found.ending, left_out) == ("1", 146_760, Ending.TIMED_OUT, 3)
    known = server("s", 0.05, 101, cached_tokens=Tokens(60), new_tokens=Tokens(41), first_token=Seconds(2.0))
    (found,), _ = joined([call("1"), known])
    assert (found.prompt_tokens, found.cached_tokens, found.first_token) == (100, 60, 2.0)


def test_a_prompt_that_a_server_cut_is_truncated_whatever_the_agent_says() -> None:
    cut = server("s", 0, 529, cached_tokens=Tokens(4), new_tokens=Tokens(508), ending=Ending.TRUNCATED)
    (found,), _ = joined([call("1", prompt=512), cut])
    assert (found.ending, found.prompt_tokens) == (Ending.TRUNCATED, 529)


def test_other_work_of_a_server_stays() -> None:
    later, larger, timeless = server("s1", 5), server("s2", 0, 500), server("s3", 0, time=None)
    found, left_out = joined([call("1"), later, larger, timeless])
    assert (len(found), left_out) == (4, 0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.one_of(st.none(), st.integers(0, 10**6))), max_size=20))
def test_no_record_is_lost_or_made(records: list[tuple[bool, float, int | None]]) -> None:
    items = [(server if is_server else call)(str(n), at, prompt) for n, (is_server, at, prompt) in enumerate(records)]
    found, left_out = joined(items)
    assert len(found) + left_out == len(items)
    assert [item.id for item in found if item.source == "codex"] == [i.id for i in items if i.source == "codex"]
    summary(items)


def test_which_records_a_question_is_about() -> None:
    items = [call("1", 0), call("2", 60), call("3", time=None), call("4", 60, agent="pi", source="pi")]
    kept, left_out = chosen(items, BEGAN + timedelta(minutes=30), "codex")
    assert ([item.id for item in kept], left_out) == (["2"], 3)
    assert chosen(items, None, None) == (items, 0)
    assert notes(0, 0, 0) == ()
    assert notes(3, 0, 1)[0].startswith("3 calls ended before they began")


def test_an_ending_that_nobody_knows_is_unknown_and_makes_no_class() -> None:
    silent = call("a", 0, turn="t", ending=Ending.UNKNOWN, output_tokens=None)
    work = summary([silent, call("b", 5, turn="u", ending=Ending.UNKNOWN, output_tokens=Tokens(7))])
    assert [(item.name, item.requests) for item in work.endings] == [("unknown", 2)]
    assert ("how it ended", 2, 2) in {(item.what, item.requests, item.of) for item in work.unknown}
    assert [(item.name, item.requests) for item in work.classes] == [("chat", 1)]  # the one that wrote something
