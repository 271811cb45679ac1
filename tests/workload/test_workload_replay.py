"""The replay against a plain loop that tells the same story one request at a time, and against the story itself."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.domain.workload import WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload import replay as replay_module
from truelimit.workload.columns import Columns, columns
from truelimit.workload.replay import replay
from truelimit.workload.stack import Outcome, ReplayStack
from truelimit.workload.totals import span, totals

START = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)


def request(
    name: str, at: float, prompt: int | None, output: int = 0, *, session: str = "a", retry_of: str | None = None
) -> WorkRequest:
    tokens = None if prompt is None else Tokens(prompt)
    return WorkRequest(
        name,
        "test",
        "agent",
        session,
        "model",
        START + timedelta(seconds=at),
        tokens,
        output_tokens=Tokens(output),
        retry_of=retry_of,
        private=False,
    )


def outcomes(work: Columns, stack: ReplayStack) -> list[Outcome]:
    return [Outcome(code) for code in replay(work, stack).outcome.tolist()]


M2_ULTRA = ReplayStack("m2-ultra", prefill_a=1 / 2200, prefill_b=6.6e-8)


def test_the_episode_a_window_below_the_prompt_is_an_overflow_and_native_is_none() -> None:
    work = columns([request("r", 0, 146_760, 100)])
    labelled = ReplayStack("labelled", served_context=131_072, prefill_a=1 / 400)
    native = ReplayStack("native", served_context=262_144, prefill_a=1 / 400)
    assert outcomes(work, labelled) == [Outcome.OVERFLOW]
    assert outcomes(work, native) == [Outcome.DONE]
    assert replay(work, native).seconds[0] == pytest.approx(146_760 / 400, rel=1e-6)


def test_three_attempts_of_a_wall_that_the_prefill_exceeds() -> None:
    work = columns([request("r", 0, 146_760)])
    walled = ReplayStack("walled", prefill_a=1 / 400, first_wall=302, attempts=3)
    result = replay(work, walled)
    assert outcomes(work, walled) == [Outcome.TIMED_OUT]
    assert result.seconds[0] == 906


def test_a_retry_that_resumes_needs_as_many_attempts_as_the_wall_goes_into_the_prefill() -> None:
    work = columns([request("r", 0, 146_760)])
    resuming = ReplayStack("resuming", prefill_a=1 / 400, first_wall=302, attempts=2, resumes=True)
    assert outcomes(work, resuming) == [Outcome.DONE]
    assert replay(work, resuming).seconds[0] == pytest.approx(366.9, rel=1e-4)


def test_the_run_wall_ends_all_attempts() -> None:
    work = columns([request("r", 0, 146_760)])
    stack = ReplayStack("run", prefill_a=1 / 400, first_wall=302, attempts=3, run_wall=600)
    assert replay(work, stack).seconds[0] == 600


def test_a_grown_prompt_reads_only_what_is_new_and_a_rewritten_one_all() -> None:
    work = columns([request("1", 0, 10_000, 500), request("2", 60, 12_000), request("3", 120, 4_000)])
    result = replay(work, ReplayStack("x", prefill_a=0.001))
    assert result.cached.tolist() == [0, 10_500, 0]
    assert result.seconds.tolist() == pytest.approx([10, 1.5, 4])


def test_another_conversation_takes_the_only_slot_and_a_prompt_cache_keeps_both() -> None:
    turns = [request("1", 0, 10_000), request("2", 60, 8_000, session="b"), request("3", 120, 11_000)]
    one, two = ReplayStack("one", slots=1), ReplayStack("two", slots=2)
    kept, small = ReplayStack("kept", cache_tokens=18_000), ReplayStack("small", cache_tokens=17_999)
    found = {stack.id: replay(columns(turns), stack).cached[2] for stack in (one, two, kept, small)}
    assert found == {"one": 0, "two": 10_000, "kept": 10_000, "small": 0}


def test_one_slot_makes_the_second_wait() -> None:
    work = columns([request("1", 0, 10_000), request("2", 2, 1_000, session="b")])
    assert replay(work, ReplayStack("one", prefill_a=0.001)).seconds.tolist() == pytest.approx([10, 9])
    assert replay(work, ReplayStack("three", prefill_a=0.001, slots=3)).seconds.tolist() == pytest.approx([10, 1])


def test_who_gave_up_keeps_nobody_waiting() -> None:
    work = columns([request("1", 0, 100_000), request("2", 25, 1_000, session="b")])
    stack = ReplayStack("x", prefill_a=0.001, total_wall=10, attempts=2, resumes=True)
    assert outcomes(work, stack) == [Outcome.TIMED_OUT, Outcome.DONE]
    assert replay(work, stack).seconds.tolist() == pytest.approx([20, 1])
    walled = ReplayStack("x", prefill_a=0.001, first_wall=10, attempts=3)
    assert replay(work, walled).seconds.tolist() == pytest.approx([30, 6])


def test_silence_unloads_the_model() -> None:
    work = columns([request("1", 0, 1_000), request("2", 400, 1_000)])
    stack = ReplayStack("x", prefill_a=0.001, load=20, keep_alive=300)
    result = replay(work, stack)
    assert result.seconds.tolist() == pytest.approx([21, 21])
    assert result.cached.tolist() == [0, 0], "what the slot held went with the model"


def test_silence_counts_from_the_end_of_the_last_request() -> None:
    long = replace(request("1", 0, 1_000), duration=Seconds(390.0))
    stack = ReplayStack("x", prefill_a=0.001, load=20, keep_alive=300)
    assert replay(columns([long, request("2", 400, 2_000)]), stack).seconds[1] == pytest.approx(1)


def test_an_unloading_between_two_requests_of_a_conversation_is_not_forgotten() -> None:
    turns = [request("1", 0, 1_000), request("2", 400, 500, session="b"), request("3", 500, 2_000)]
    stack = ReplayStack("x", keep_alive=300, slots=2)
    assert replay(columns(turns), stack).cached.tolist() == [0, 0, 0]
    assert replay(columns(turns), replace(stack, keep_alive=500)).cached.tolist() == [0, 0, 1_000]


def test_the_longest_silence_is_that_of_any_row_since() -> None:
    gaps = [0, 5, 90, 3, 70, 2, 60, 1]
    times = np.cumsum(gaps)
    turns = [request(str(n), float(at), 10, session="a" if n in {1, 7} else f"s{n}") for n, at in enumerate(times)]
    assert columns(turns).gap[7] == 90


def test_a_beginning_shared_with_another_conversation_is_as_recorded() -> None:
    first = replace(request("1", 0, 9_000), cached_tokens=Tokens(8_000))
    assert replay(columns([first]), ReplayStack("x")).cached.tolist() == [8_000]
    assert replay(columns([first]), ReplayStack("x", prefix_cache=False)).cached.tolist() == [0]


def test_a_cut_prompt_does_not_resume() -> None:
    work = columns([request("r", 0, 146_760)])
    stack = ReplayStack(
        "x", served_context=131_072, cuts_silently=True, prefill_a=1 / 240, first_wall=300, attempts=3, resumes=True
    )
    assert outcomes(work, stack) == [Outcome.TIMED_OUT]
    assert replay(work, stack).seconds[0] == 900
    assert outcomes(work, replace(stack, served_context=262_144)) == [Outcome.DONE]


def test_an_answer_that_does_not_fit_the_attempt_that_read_the_prompt_is_written_in_the_next() -> None:
    work = columns([request("r", 0, 90_000, 2_000)])
    stack = ReplayStack("x", prefill_a=0.001, decode_c=0.01, total_wall=100, attempts=2, resumes=True)
    assert outcomes(work, stack) == [Outcome.DONE]
    assert replay(work, stack).seconds[0] == pytest.approx(120)
    assert outcomes(work, replace(stack, attempts=1)) == [Outcome.TIMED_OUT]


def test_what_is_cut_silently_is_told_and_leaves_no_prefix() -> None:
    work = columns([request("1", 0, 5_000), request("2", 60, 6_000)])
    stack = ReplayStack("x", served_context=4_096, cuts_silently=True, prefill_a=0.001)
    assert outcomes(work, stack) == [Outcome.TRUNCATED, Outcome.TRUNCATED]
    assert replay(work, stack).seconds.tolist() == pytest.approx([4.096, 4.096])


def test_refusals_have_their_names() -> None:
    private = columns([request("1", 0, 1_000)])
    assert outcomes(private, ReplayStack("x", fits=False)) == [Outcome.NO_ROOM]
    assert outcomes(private, ReplayStack("x", ends=START.timestamp())) == [Outcome.GONE]
    assert outcomes(columns([request("1", 0, None)]), ReplayStack("x")) == [Outcome.UNKNOWN]
    secret = columns([WorkRequest("1", "t", "a", "s", "m", START, Tokens(10))])
    assert outcomes(secret, ReplayStack("cloud", takes_private=False)) == [Outcome.NOT_ALLOWED]


def test_a_cloud_costs_what_its_prices_say() -> None:
    work = columns([request("1", 0, 10_000, 500), request("2", 60, 12_000, 100)])
    cloud = ReplayStack("cloud", usd_per_new=1e-6, usd_per_cached=1e-7, usd_per_output=1e-5)
    found = totals(work, cloud)
    assert found.usd == pytest.approx(10_000e-6 + 500e-5 + 1_500e-6 + 10_500e-7 + 100e-5)


def test_percentiles_are_those_of_the_waits_that_were_sent() -> None:
    work = columns([request(str(n), n * 1000, n) for n in range(1, 101)] + [request("big", 200_000, 10**6)])
    found = totals(work, ReplayStack("x", served_context=10**6, prefill_a=1.0, prefix_cache=False))
    assert found.median == pytest.approx(50, rel=0.01)
    assert found.p90 == pytest.approx(90, rel=0.01)
    assert found.seconds == sum(range(1, 101))


def test_retries_of_the_recorded_stack_are_no_new_work() -> None:
    work = columns([request("1", 0, 10), request("2", 5, 10, retry_of="1")])
    assert len(work) == 1


def test_nothing_recorded_is_nothing() -> None:
    empty = columns([])
    assert len(empty) == 0
    assert totals(empty, M2_ULTRA).known == 0


rows = st.tuples(
    st.floats(0, 600), st.one_of(st.none(), st.integers(1, 200_000)), st.integers(0, 4_000), st.sampled_from("abc")
)
stacks = st.builds(
    ReplayStack,
    id=st.just("s"),
    prompt_limit=st.integers(1, 250_000),
    served_context=st.integers(1, 250_000),
    cuts_silently=st.booleans(),
    prefill_a=st.floats(0, 0.01),
    prefill_b=st.floats(0, 1e-7),
    decode_c=st.floats(0, 0.1),
    decode_d=st.floats(0, 1e-6),
    prefill_spread=st.floats(0, 1),
    decode_spread=st.floats(0, 1),
    first_wall=st.one_of(st.just(math.inf), st.floats(1, 1000)),
    total_wall=st.one_of(st.just(math.inf), st.floats(1, 1000)),
    run_wall=st.one_of(st.just(math.inf), st.floats(1, 3000)),
    attempts=st.integers(1, 4),
    resumes=st.booleans(),
    slots=st.integers(1, 4),
    cache_tokens=st.sampled_from((0, 50_000, 500_000)),
    load=st.floats(0, 60),
    keep_alive=st.one_of(st.just(math.inf), st.floats(1, 600)),
)


def built(items: list[tuple[float, int | None, int, str]]) -> Columns:
    at, found = 0.0, []
    for number, (gap, prompt, output, session) in enumerate(items):
        at += gap
        found.append(request(str(number), at, prompt, output, session=session))
    return columns(found)


@settings(deadline=None, max_examples=60)
@given(st.lists(rows, min_size=1, max_size=30), stacks)
def test_the_blocks_do_not_show(items: list[tuple[float, int | None, int, str]], stack: ReplayStack) -> None:
    work = built(items)
    whole = replay(work, stack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay_module, "BLOCK", 4)
        parts = replay(work, stack)
    assert whole.outcome.tolist() == parts.outcome.tolist()
    np.testing.assert_allclose(whole.seconds, parts.seconds, rtol=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.lists(rows, min_size=1, max_size=30), stacks)
def test_each_request_as_a_plain_loop_tells_it(
    items: list[tuple[float, int | None, int, str]], stack: ReplayStack
) -> None:
    stack = replace(stack, slots=stack.slots + 2)  # enough that none waits for another: queues have their own test
    work = built(items)
    result = replay(work, stack)
    for index in range(len(work)):
        outcome, seconds = _one(work, index, stack)
        if outcome is None:
            continue  # at a wall to the last bit: float32 may fall on either side
        assert Outcome(int(result.outcome[index])) is outcome
        if seconds is not None:
            assert float(result.seconds[index]) == pytest.approx(seconds, rel=1e-3, abs=0.05)


def _one(work: Columns, index: int, stack: ReplayStack) -> tuple[Outcome | None, float | None]:
    prompt, output = float(work.prompt[index]), float(work.output[index])
    if not work.known[index]:
        return Outcome.UNKNOWN, 0.0
    if prompt > stack.prompt_limit:
        return Outcome.OVERFLOW, 0.0
    cut = stack.cuts_silently and prompt > stack.served_context
    if not stack.cuts_silently and prompt >= stack.served_context:
        return Outcome.OVERFLOW, 0.0
    kept = work.others[index] < stack.slots or work.since[index] + work.reusable[index] <= stack.cache_tokens
    size = min(prompt, stack.served_context) if stack.cuts_silently else prompt
    kept = kept and work.gap[index] <= stack.keep_alive
    cached = min(float(work.reusable[index]), size) if kept and not cut else 0.0
    new = size - cached
    first = new * stack.prefill_a + stack.prefill_b * (new * cached + new * new / 2)
    first += stack.load if work.idle[index] > stack.keep_alive else 0.0
    total = first + output * stack.decode_c + stack.decode_d * (output * size + output * output / 2)
    return _walled(first, total, stack, cut=cut)


def _walled(first: float, total: float, stack: ReplayStack, *, cut: bool) -> tuple[Outcome | None, float | None]:
    wall, written, resumes = min(stack.first_wall, stack.total_wall), total - first, stack.resumes and not cut
    near = [first, total, written, *(first - n * wall for n in range(4) if wall < math.inf)]
    near += [value + n * wall for value in (written, total) for n in range(-4, 5) if wall < math.inf]
    near += [value + stack.total_wall for value in near if stack.total_wall < math.inf]
    walls = (0.0, stack.first_wall, stack.total_wall, stack.run_wall)
    if any(abs(value - limit) < 1e-3 * max(limit, first, 1) for value in near for limit in walls if limit < math.inf):
        return None, None
    done = Outcome.TRUNCATED if cut else Outcome.DONE
    spent, left = 0.0, first
    for _ in range(stack.attempts):
        if left > wall:
            spent, left = spent + wall, left - (wall if resumes else 0.0)
        elif left + written <= stack.total_wall:
            late = spent + left + written > stack.run_wall
            return (Outcome.TIMED_OUT, stack.run_wall) if late else (done, spent + left + written)
        else:
            spent, left = spent + stack.total_wall, 0.0 if resumes else left
    return Outcome.TIMED_OUT, min(spent, stack.run_wall) if not resumes else None


@settings(deadline=None, max_examples=60)
@given(st.lists(rows, min_size=1, max_size=30), stacks)
def test_slower_is_never_better(items: list[tuple[float, int | None, int, str]], stack: ReplayStack) -> None:
    work = built(items)
    found = span(work, replace(stack, run_wall=math.inf))  # time after a first byte counts in full, before it the wall
    assert found.slow.count(Outcome.DONE) <= found.expected.count(Outcome.DONE) <= found.fast.count(Outcome.DONE)
