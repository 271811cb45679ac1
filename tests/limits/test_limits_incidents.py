"""Incidents: turns with all their attempts, and why each failed. A crash is never a setting, nor the reverse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from limits_builders import (
    LABEL,
    MODEL,
    RUN,
    UNDICI,
    at,
    call,
    definition,
    known,
    llama_server,
    loaded,
    mac,
    ollama,
    published,
    route,
    session,
    settings,
    stack,
    story,
    timeout,
)

from truelimit.domain.calculation import evaluate
from truelimit.domain.limits import SetBy
from truelimit.domain.provenance import Basis
from truelimit.domain.server import (
    EngineFailed,
    Event,
    MessagesDropped,
    ModelLoaded,
    PoolExhausted,
    PromptProgress,
    PromptRead,
    PromptRefused,
    PromptStarted,
    PromptTruncated,
    RequestCancelled,
    RequestEnded,
)
from truelimit.domain.session import Call, Cause, ErrorKind, Incident, Outcome
from truelimit.limits.stacks import stacks
from truelimit.limits.view import view
from truelimit.units import Seconds, Tokens

TIMEOUT = ErrorKind.TIMEOUT


def incidents(*calls: Call, **extra: Any) -> tuple[Incident, ...]:
    found = view(stack(calls=calls, **extra)).incidents
    for incident in found:
        assert incident.reasons
        assert incident.hidden_attempts <= incident.attempts
        assert incident.explained is (incident.cause is not Cause.UNEXPLAINED) or incident.cause is Cause.OVERFLOW
        for calculation in incident.calculations:
            assert evaluate(calculation.formula, {t.name: t.value for t in calculation.terms}) == calculation.result
    return found


def only(*calls: Call, **extra: Any) -> Incident:
    found = incidents(*calls, **extra)
    assert len(found) == 1, found
    return found[0]


def results(incident: Incident) -> dict[str, float]:
    return {calculation.formula: calculation.result for calculation in incident.calculations}


def fast_log(rate: float = 4000.0) -> tuple[Event, ...]:
    """Two prompts read long before the story at so many tokens/s, at two depths: a fit of this stack."""
    return tuple(
        PromptRead(f"log {n}", at(-9000), str(n), Tokens(2048), Seconds(2048 / rate), Tokens(n))
        for n in (0, 40_000, 150_000)
    )


# --- the story ---------------------------------------------------------------------------------------------------


def test_the_story_is_one_incident_of_three_attempts_two_of_them_hidden() -> None:
    (joined,) = stacks(story())
    (incident,) = view(joined).incidents
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert incident.explained
    assert (incident.attempts, incident.hidden_attempts) == (3, 2)
    assert incident.attempt_seconds == pytest.approx(302.67, abs=0.01)
    assert incident.prompt_tokens is not None
    assert incident.prompt_tokens.value == 146_760
    assert incident.time == at(0)
    assert incident.session == "s1"
    assert incident.id == f"openclaw ollama/{MODEL} #1"
    told = results(incident)
    assert told["prompt_tokens / attempt_seconds"] == pytest.approx(484.9, abs=0.1)
    assert told["prompt_tokens / (attempts * attempt_seconds)"] == pytest.approx(161.6, abs=0.1)
    assert told["prompt_tokens - served_context"] == 146_760 - LABEL
    assert "headersTimeout of 300 s" in incident.reasons[0]
    assert any("exceeds the served context" in reason for reason in incident.reasons)


def test_a_published_rate_agrees_and_shows_that_a_retry_began_anew() -> None:
    incident = only(call(0, 908, TIMEOUT), published=(published(),))
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    told = results(incident)
    assert told["a * served_context + b * served_context ** 2 / 2"] == pytest.approx(542, abs=1)
    assert any("by that rate at least one began anew" in reason for reason in incident.reasons)
    assert incident.calculation is not None
    assert incident.calculation.formula == "prompt_tokens / attempt_seconds"


def test_the_stacks_own_rate_comes_first() -> None:
    slow = fast_log(300.0)
    incident = only(call(0, 908, TIMEOUT), events=slow)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert incident.calculation is not None
    assert incident.calculation.unit == "s"
    assert incident.calculation.result > 300


# --- attempts ----------------------------------------------------------------------------------------------------


def test_four_visible_attempts_over_the_native_api() -> None:
    native = route(api="ollama", attempts=known(4), hidden_attempts=known(0), request_context=known(Tokens(LABEL)))
    calls = [call(start, 302, ErrorKind.CONNECTION) for start in (0, 306, 614, 924)]
    incident = only(*calls, route=native)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert (incident.attempts, incident.hidden_attempts) == (4, 0)
    assert incident.seconds == 924 + 302
    assert incident.attempt_seconds == 302


def test_the_next_turn_is_another_incident() -> None:
    native = route(api="ollama", attempts=known(4), hidden_attempts=known(0))
    calls = [call(start, 302, ErrorKind.CONNECTION) for start in (0, 306, 614, 924, 1230)]
    assert [incident.attempts for incident in incidents(*calls, route=native)] == [4, 1]
    late = [call(start, 302, ErrorKind.CONNECTION) for start in (0, 2000)]
    assert [incident.attempts for incident in incidents(*late, route=native)] == [1, 1]


def test_an_answer_in_between_ends_a_turn() -> None:
    calls = (call(0, 302, TIMEOUT), call(303, 5, prompt=100), call(310, 302, TIMEOUT))
    assert [incident.attempts for incident in incidents(*calls, route=route(attempts=known(4)))] == [1, 1]


def test_the_run_cut_the_second_attempt_short() -> None:
    run = timeout("agents.defaults.timeoutSeconds", 600, "run", SetBy.AGENT_DEFAULT)
    own = route(timeouts=(UNDICI, run))
    incident = only(call(0, 600.3, TIMEOUT, outcome=Outcome.ABORTED), route=own)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert incident.attempts == 2
    assert "cut by the agents.defaults.timeoutSeconds of 600 s" in incident.reasons[0]
    two = (call(0, 302, ErrorKind.CONNECTION), call(304, 296, TIMEOUT, outcome=Outcome.ABORTED))
    native = route(timeouts=(UNDICI, run), attempts=known(4), hidden_attempts=known(0))
    incident = only(*two, route=native)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert incident.attempts == 2


def test_a_run_timer_alone() -> None:
    run = timeout("run", 300, "run", SetBy.AGENT_CONFIG)
    incident = only(call(0, 300.4, TIMEOUT), route=route(timeouts=(run,)))
    assert incident.attempts == 1
    assert "run of 300 s" in incident.reasons[0]


def test_a_time_that_the_error_names_is_a_wall() -> None:
    incident = only(call(0, 300.5, TIMEOUT, told={"seconds": Seconds(300.0)}), route=None)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert "timer named by the error" in incident.reasons[0]


# --- not explained -----------------------------------------------------------------------------------------------


def test_a_timeout_at_no_known_wall_is_not_explained() -> None:
    incident = only(call(0, 417, TIMEOUT))
    assert incident.cause is Cause.UNEXPLAINED
    assert not incident.explained
    assert any("matches no timer that is known (headersTimeout 300 s" in reason for reason in incident.reasons)
    assert incident.attempts == 1


def test_without_timers_nothing_is_guessed() -> None:
    assert only(call(0, 302, TIMEOUT), route=route(timeouts=())).cause is Cause.UNEXPLAINED


def test_a_prompt_that_this_stack_reads_far_faster_is_not_explained() -> None:
    incident = only(call(0, 302, TIMEOUT), events=fast_log())
    assert incident.cause is Cause.UNEXPLAINED
    assert any("far below the wall" in reason for reason in incident.reasons)
    assert incident.calculation is not None
    assert incident.calculation.result < 60


def test_a_small_prompt_does_not_take_300_seconds() -> None:
    incident = only(call(0, 302, TIMEOUT, prompt=500))
    assert incident.cause is Cause.UNEXPLAINED
    assert any("slower than any reading on record" in reason for reason in incident.reasons)


def test_a_wall_met_while_writing_is_no_prefill() -> None:
    incident = only(call(0, 302, TIMEOUT, first_token=Seconds(40.0)))
    assert incident.cause is Cause.UNEXPLAINED
    read = PromptRead("log 5", at(80), "1", Tokens(146_760), Seconds(80.0), Tokens(0))
    assert only(call(0, 302, TIMEOUT), events=(read,)).cause is Cause.UNEXPLAINED


def test_a_server_that_is_not_there_is_not_explained_by_a_limit() -> None:
    assert only(call(0, 0.2, ErrorKind.CONNECTION)).cause is Cause.UNEXPLAINED


def test_a_call_without_times_is_not_explained() -> None:
    incident = only(call(0, 302, TIMEOUT, started=None, ended=None))
    assert incident.cause is Cause.UNEXPLAINED
    assert incident.time is None
    assert incident.seconds is None


def test_a_clock_that_went_backwards_is_not_explained() -> None:
    assert only(call(0, -50, TIMEOUT)).cause is Cause.UNEXPLAINED


# --- the engine --------------------------------------------------------------------------------------------------


def test_a_real_crash_is_never_blamed_on_a_wall() -> None:
    crash = EngineFailed("server.log line 80", at(290), "crash", "signal: segmentation fault")
    incident = only(call(0, 302, TIMEOUT), events=(crash,))
    assert incident.cause is Cause.ENGINE_CRASH
    assert incident.explained
    assert "segmentation fault" in incident.reasons[0]
    assert only(call(0, 12, ErrorKind.ENGINE_CRASH)).cause is Cause.ENGINE_CRASH


def test_a_crash_at_another_time_is_another_incident() -> None:
    crash = EngineFailed("server.log line 80", at(5000), "crash", "signal 11")
    found = incidents(call(0, 908, TIMEOUT), events=(crash,))
    assert [incident.cause for incident in found] == [Cause.PREFILL_EXCEEDS_WALL, Cause.ENGINE_CRASH]


def test_out_of_memory_shows_the_arithmetic() -> None:
    oom = EngineFailed("server.log line 80", at(5), "out-of-memory", "failed to allocate")
    small = mac(24, 18.0)
    incident = only(call(0, 8, ErrorKind.OTHER), events=(oom,), machine=small)
    assert incident.cause is Cause.OUT_OF_MEMORY
    assert any("the arithmetic agrees" in reason for reason in incident.reasons)
    assert incident.calculation is not None
    assert incident.calculation.result < 0
    enough = only(call(0, 8, ErrorKind.OUT_OF_MEMORY))
    assert enough.cause is Cause.OUT_OF_MEMORY
    assert any("something else held memory" in reason for reason in enough.reasons)


# --- loading and waiting -----------------------------------------------------------------------------------------


def test_a_load_longer_than_the_wall() -> None:
    load = ModelLoaded("log 4", at(304), model=MODEL, seconds=Seconds(303.0))
    incident = only(call(0, 302, TIMEOUT), events=(load,))
    assert incident.cause is Cause.LOAD_EXCEEDS_WALL
    assert results(incident)["load - wall"] == pytest.approx(3.0)


def test_a_load_timeout_of_the_server() -> None:
    stalled = EngineFailed("log 9", at(300), "load-timeout", "timed out waiting for llama runner to start")
    server = ollama(definition(), settings=settings(load_timeout=known(Seconds(300.0))))
    assert only(call(0, 301, ErrorKind.OTHER), events=(stalled,), server=server).cause is Cause.LOAD_EXCEEDS_WALL
    assert only(call(0, 301, ErrorKind.LOAD_TIMEOUT)).cause is Cause.LOAD_EXCEEDS_WALL


def test_a_client_that_left_before_reading_began() -> None:
    gone = RequestEnded("gin 7", at(302), 499, Seconds(301.9), "/v1/chat/completions")
    assert only(call(0, 302, TIMEOUT), events=(gone,)).cause is Cause.LOAD_EXCEEDS_WALL


def test_a_short_load_before_a_long_prefill_is_told_beside_it() -> None:
    load = ModelLoaded("log 4", at(20), model=MODEL, seconds=Seconds(19.0))
    incident = only(call(0, 302, TIMEOUT), events=(load,))
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert any("19 s went into loading" in reason for reason in incident.reasons)


def test_another_request_held_the_slot() -> None:
    other = RequestEnded("gin 3", at(290), 200, Seconds(400.0), "/api/chat")
    incident = only(call(0, 302, TIMEOUT), events=(other,))
    assert incident.cause is Cause.QUEUE_EXCEEDS_WALL
    assert "gin 3" in incident.reasons[0]
    two_slots = ollama(definition(), settings=settings(parallel=known(2)))
    assert only(call(0, 302, TIMEOUT), events=(other,), server=two_slots).cause is Cause.PREFILL_EXCEEDS_WALL


def test_a_wait_that_made_a_short_prefill_too_long() -> None:
    other = RequestEnded("gin 3", at(200), 200, Seconds(400.0), "/api/chat")
    incident = only(call(0, 302, TIMEOUT), events=(*fast_log(800.0), other))
    assert incident.cause is Cause.QUEUE_EXCEEDS_WALL
    assert results(incident)["waited + prefill"] > 300


def test_a_full_queue() -> None:
    assert only(call(0, 0.1, ErrorKind.BUSY)).cause is Cause.QUEUE_EXCEEDS_WALL


# --- overflow ----------------------------------------------------------------------------------------------------


def test_an_overflow_with_its_numbers() -> None:
    told = {"prompt": Tokens(146_760), "context": Tokens(131_072)}
    incident = only(call(0, 0.2, ErrorKind.OVERFLOW, prompt=None, told=told))
    assert incident.cause is Cause.OVERFLOW
    assert results(incident) == {"prompt_tokens - context": 15_688}
    assert incident.prompt_tokens is not None
    assert incident.prompt_tokens.value == 146_760


def test_an_overflow_is_one_attempt_however_long_the_call_was() -> None:
    told = {"prompt": Tokens(146_760), "context": Tokens(131_072)}
    found = only(call(0, 908, ErrorKind.OVERFLOW, told=told))
    assert (found.cause, found.attempts, found.hidden_attempts) == (Cause.OVERFLOW, 1, 0)


def test_an_overflow_without_numbers_takes_those_of_the_log() -> None:
    refused = PromptRefused("log 2", at(0.1), Tokens(140_000), Tokens(131_072))
    incident = only(call(0, 0.2, ErrorKind.OTHER, prompt=None), events=(refused,))
    assert incident.cause is Cause.OVERFLOW
    assert results(incident) == {"prompt_tokens - context": 8928}


def test_an_overflow_that_its_sizes_contradict_is_said_to_be_so() -> None:
    incident = only(call(0, 0.2, ErrorKind.OVERFLOW, prompt=330), server=llama_server(512))
    assert incident.cause is Cause.UNEXPLAINED
    assert not incident.explained
    assert any("share one pool" in reason for reason in incident.reasons)


def test_requests_that_ran_together_filled_the_shared_pool() -> None:
    pool = PoolExhausted("log 5", at(0.1), 3)
    incident = only(call(0, 0.2, ErrorKind.OVERFLOW, prompt=330), server=llama_server(512), events=(pool,))
    assert incident.cause is Cause.OVERFLOW
    assert incident.explained
    assert "3 requests" in incident.reasons[0]


def test_a_window_that_the_agent_refuses() -> None:
    assert only(call(0, 0.1, ErrorKind.WINDOW_TOO_SMALL, prompt=None)).cause is Cause.OVERFLOW


# --- people ------------------------------------------------------------------------------------------------------


def test_what_a_person_ended() -> None:
    incident = only(call(0, 47, ErrorKind.CANCELLED, outcome=Outcome.ABORTED))
    assert incident.cause is Cause.CANCELLED
    assert "47 s" in incident.reasons[0]


# --- sizes of prompts --------------------------------------------------------------------------------------------


def test_the_size_of_a_prompt_comes_from_the_log_where_the_transcript_has_none() -> None:
    begun = PromptStarted("log 3", at(1), "1", Tokens(146_760), Tokens(0), Tokens(LABEL))
    incident = only(call(0, 908, TIMEOUT, prompt=None), events=(begun,))
    assert incident.prompt_tokens == known(146_760, "log 3")
    cut = PromptTruncated("log 4", at(1), Tokens(150_000), Tokens(LABEL), Tokens(LABEL))
    incident = only(call(0, 908, TIMEOUT, prompt=None), events=(begun, cut))
    assert incident.prompt_tokens is not None
    assert incident.prompt_tokens.value == 150_000


def test_an_estimate_yields_to_a_count_in_the_log() -> None:
    guess = known(150_001, "characters / 4", Basis.ASSUMED)
    begun = PromptStarted("log 3", at(1), "1", Tokens(146_760), Tokens(0), Tokens(LABEL))
    for events, size in (((begun,), 146_760), ((), 150_001)):
        incident = only(call(0, 908, TIMEOUT, prompt_tokens=guess), events=events)
        assert incident.prompt_tokens is not None
        assert incident.prompt_tokens.value == size


def test_failing_that_from_the_session_before_it() -> None:
    calls = (call(-600, 90, prompt=120_000), call(0, 908, TIMEOUT, prompt=None))
    incident = only(*calls, sessions=(session(*calls, total_tokens=known(Tokens(125_000))),))
    assert incident.prompt_tokens is not None
    assert incident.prompt_tokens.value == 125_000
    assert "at least" in incident.prompt_tokens.where


def test_a_prompt_of_unknown_size_is_said_to_be_unknown() -> None:
    incident = only(call(0, 908, TIMEOUT, prompt=None))
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert any("size of the prompt is not recorded" in reason for reason in incident.reasons)
    assert results(incident) == {"attempt_seconds - wall": pytest.approx(2.667, abs=0.01)}


def test_the_log_shows_how_far_the_reading_was() -> None:
    progress = PromptProgress("log 8", at(295), "1", Tokens(98_304), None, 0.67, Seconds(290.0))
    incident = only(call(0, 302, TIMEOUT), server=llama_server(LABEL, "b9000"), events=(progress,), definition=None)
    assert any("98,304 tokens, 67% of the prompt after 290 s" in reason for reason in incident.reasons)


# --- silent truncation -------------------------------------------------------------------------------------------


def answered(start: float, prompt: int, **extra: Any) -> Call:
    return call(start, 20, prompt=prompt, **extra)


@pytest.mark.parametrize(
    ("version", "counted", "cut"),
    [
        ("0.15.5", 131_072, True),
        ("0.15.5", 65_538, False),
        ("0.24.0", 131_072, True),
        ("0.30.4", 131_071, True),
        ("0.30.4", 131_072, False),
        ("0.30.10", 131_072, False),
        ("0.30.11", 65_538, True),
        ("0.33.0", 65_539, True),
        ("0.33.0", 65_537, True),
        ("0.33.0", 65_540, False),
        ("0.33.0", 131_072, False),
    ],
)
def test_fingerprints_of_each_version(version: str, counted: int, cut: bool) -> None:
    found = incidents(answered(0, counted), server=ollama(definition(), version=version))
    assert [incident.cause for incident in found] == ([Cause.TRUNCATION] if cut else [])


def test_llama_server_cuts_nothing() -> None:
    assert incidents(answered(0, 8192), server=llama_server(8192), definition=None) == ()


def test_answers_in_a_row_from_a_cut_prompt_are_one_incident() -> None:
    calls = [answered(start, LABEL) for start in (0, 60, 120)]
    incident = only(*calls, answered(200, 9000))
    assert incident.cause is Cause.TRUNCATION
    assert any("3 answers in a row" in reason for reason in incident.reasons)
    assert results(incident) == {"prompt_tokens - served_context": 0}


def test_one_count_in_every_turn_betrays_a_default_that_is_not_known() -> None:
    bare = definition(num_ctx=None)
    calls = [answered(start, 4096) for start in (0, 60, 120)]
    incident = only(*calls, server=ollama(bare), definition=bare)
    assert incident.cause is Cause.TRUNCATION
    assert results(incident) == {"last_prompt - first_prompt": 0}
    assert incidents(*calls[:2], server=ollama(bare), definition=bare) == ()


def test_the_log_tells_what_was_cut_from_an_answered_call() -> None:
    cut = PromptTruncated("log 6", at(1), Tokens(146_760), Tokens(LABEL), Tokens(LABEL))
    incident = only(answered(0, LABEL), events=(cut,))
    assert results(incident) == {"prompt_tokens - kept_tokens": 15_688}
    assert incident.prompt_tokens is not None
    assert incident.prompt_tokens.value == 146_760
    dropped = MessagesDropped("log 7", at(1), 4)
    assert only(answered(0, 90_000), events=(dropped,)).cause is Cause.TRUNCATION


def test_what_is_loaded_is_what_prompts_are_cut_to() -> None:
    server = ollama(definition(), loaded=(loaded(MODEL, 4096),))
    assert only(answered(0, 4096), server=server).cause is Cause.TRUNCATION


# --- only the server's log ---------------------------------------------------------------------------------------


def gin(end: float, seconds: float, status: int = 500, path: str = "/v1/chat/completions") -> RequestEnded:
    return RequestEnded(f"gin at {end:.0f}", at(end), status, Seconds(seconds), path)


def test_a_log_alone_shows_attempts_at_a_round_wall() -> None:
    events = (
        PromptStarted("start", at(0.5), "1", Tokens(131_072), Tokens(0)),
        gin(302, 302),
        gin(605, 302),
        gin(908, 302),
    )
    incident = only(route=None, agent=None, events=events)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert incident.attempts == 3
    assert incident.session is None
    assert incident.prompt_tokens is not None
    assert "client's timeout of 300 s" in incident.reasons[0]
    assert incident.time == at(0)


def test_a_log_alone_of_an_odd_duration_is_not_explained() -> None:
    assert only(route=None, agent=None, events=(gin(400, 217.3),)).cause is Cause.UNEXPLAINED
    assert incidents(route=None, agent=None, events=(gin(400, 2.0),)) == ()
    assert incidents(route=None, agent=None, events=(gin(400, 300.5, 200),)) == ()
    assert incidents(route=None, agent=None, events=(gin(400, 300.5, 500, "/api/pull"),)) == ()


def test_lines_of_a_call_are_not_told_twice() -> None:
    events = (gin(302, 302), gin(605, 302), gin(908, 302))
    assert only(call(0, 908, TIMEOUT), events=events).attempts == 3


def test_refusals_cuts_and_crashes_that_only_the_log_shows() -> None:
    events = (
        PromptRefused("log 1", at(0), Tokens(2488), Tokens(2048)),
        PromptTruncated("log 2", at(1000), Tokens(5000), Tokens(2048), Tokens(2048)),
        PromptTruncated("log 3", at(1100), Tokens(6000), Tokens(2048), Tokens(2048)),
        EngineFailed("log 4", at(3000), "crash", "signal 6"),
    )
    found = incidents(route=None, agent=None, events=events)
    assert [incident.cause for incident in found] == [Cause.OVERFLOW, Cause.TRUNCATION, Cause.ENGINE_CRASH]
    assert results(found[0]) == {"prompt_tokens - context": 440}
    assert results(found[1]) == {"prompt_tokens - kept_tokens": 3952}
    assert [incident.id for incident in found] == [f"{MODEL} #{n}" for n in (1, 2, 3)]


def test_lines_without_a_time_count_where_no_call_could_own_them() -> None:
    refused = PromptRefused("log 1", None, Tokens(2488), Tokens(2048))
    cut = PromptTruncated("log 2", None, Tokens(5000), Tokens(2048), Tokens(2048))
    assert [i.cause for i in incidents(route=None, agent=None, events=(refused, cut))] == [
        Cause.OVERFLOW,
        Cause.TRUNCATION,
    ]
    assert [i.cause for i in incidents(call(0, 5, prompt=900), events=(refused, cut))] == [Cause.OVERFLOW]
    told = incidents(
        call(0, 5, ErrorKind.OVERFLOW, prompt=2488), events=(refused, cut), definition=None, server=ollama()
    )
    assert [incident.session for incident in told] == ["s1"]


def test_a_quiet_stack_has_no_incidents() -> None:
    assert incidents() == ()
    assert incidents(call(0, 20, prompt=9000)) == ()
    assert incidents(server=None, definition=None, header=None) == ()
    assert RUN.bounds == "run"


def reading(task: str, prompt: int, seconds: tuple[float, ...], line: int) -> tuple[Event, ...]:
    """A prompt that llama-server began to read, its progress, and a client that left. Its log carries no times."""
    size = Tokens(1000)
    steps = tuple(
        PromptProgress(f"log {line + i}", None, task, Tokens(1000 * i), Tokens(1000 * i), 0.01 * i, Seconds(t))
        for i, t in enumerate(seconds, 1)
    )
    begun = PromptStarted(f"log {line}", None, task, Tokens(prompt), Tokens(0), size)
    return (begun, *steps, RequestCancelled(f"log {line + 9}", None, task, Tokens(1000 * len(seconds))))


LLAMA: dict[str, Any] = {"server": llama_server(200_000), "definition": None, "route": None, "agent": None}


def test_a_client_that_left_llama_server_is_told_without_a_guess_whose_timer_it_was() -> None:
    incident = only(**LLAMA, events=reading("1", 100_000, (40.0, 80.0, 121.0), 10))
    assert incident.cause is Cause.CANCELLED
    assert results(incident) == {"read_tokens / seconds": pytest.approx(3000 / 121)}
    assert "went away while its prompt was being read (log 19)" in incident.reasons[0]


def test_attempts_that_all_ended_at_a_round_time_are_a_wall() -> None:
    events = reading("1", 100_000, (285.0, 299.0), 10) + reading("2", 100_000, (284.0, 302.0), 30)
    incident = only(**LLAMA, events=events)
    assert incident.cause is Cause.PREFILL_EXCEEDS_WALL
    assert incident.attempts == 2
    assert "client's timeout of 300 s" in incident.reasons[0]
    assert incident.prompt_tokens is not None
    assert incident.prompt_tokens.value == 100_000


def test_batches_too_long_tell_no_timer() -> None:
    events = reading("1", 100_000, (200.0, 299.0), 10) + reading("2", 100_000, (210.0, 302.0), 30)
    assert only(**LLAMA, events=events).cause is Cause.CANCELLED


def test_a_client_that_left_after_reading_or_is_in_a_transcript_is_not_told_again() -> None:
    begun, *rest = reading("1", 100_000, (10.0,), 10)
    read = PromptRead("log 15", None, "1", Tokens(1000), Seconds(11.0), Tokens(0))
    assert incidents(**LLAMA, events=(begun, *rest[:-1], read, rest[-1])) == ()
    failed = only(call(0, 302, TIMEOUT), server=llama_server(200_000), definition=None, events=(begun, *rest))
    assert failed.session == "s1"


def test_loading_and_reading_together_were_too_long() -> None:
    load = ModelLoaded("log 4", at(180), model=MODEL, seconds=Seconds(180.0))
    incident = only(call(0, 302, TIMEOUT), events=(*fast_log(800.0), load))
    assert incident.cause is Cause.LOAD_EXCEEDS_WALL
    assert results(incident)["load + prefill"] > 300


def test_quick_errors_in_a_row_are_one_turn() -> None:
    calls = [call(start, 0.5, ErrorKind.OTHER) for start in (0, 2, 5, 10, 20, 40, 70, 90)]
    incident = only(*calls, route=route(attempts=known(2), hidden_attempts=known(0)))
    assert incident.cause is Cause.UNEXPLAINED
    assert incident.attempts == 8


def test_a_providers_own_refusals_are_no_limits_of_this_stack() -> None:
    cloud = route(provider="somecloud", api="openai-completions", base_url="https://api.example.com/v1")
    elsewhere: dict[str, Any] = {"route": cloud, "server": None, "definition": None, "header": None}
    assert incidents(call(0, 1, ErrorKind.OTHER), **elsewhere) == ()
    assert only(call(0, 1, ErrorKind.OVERFLOW), **elsewhere).cause is Cause.OVERFLOW
    assert only(call(0, 302, TIMEOUT), **elsewhere).cause is Cause.PREFILL_EXCEEDS_WALL


@pytest.mark.parametrize("size", [10**400, -5, 0])
def test_counts_that_are_damage_are_no_prompt(size: int) -> None:
    incident = only(call(0, 302, TIMEOUT, prompt_tokens=known(Tokens(size))))
    assert incident.prompt_tokens is None


moments = st.one_of(st.none(), st.integers(-500, 5000).map(at))
kinds = st.sampled_from([None, *ErrorKind])
rows = st.lists(st.tuples(st.integers(-500, 5000), st.floats(-5, 2000), kinds, st.integers(0, 300_000)), max_size=8)
lines = st.lists(
    st.one_of(
        st.builds(
            RequestEnded,
            st.just("gin"),
            moments,
            st.sampled_from([200, 499, 500]),
            st.floats(0, 900),
            st.just("/api/chat"),
        ),
        st.builds(ModelLoaded, st.just("load"), moments, st.just(MODEL), seconds=st.floats(0, 900)),
        st.builds(EngineFailed, st.just("fail"), moments, st.sampled_from(["crash", "out-of-memory", "load-timeout"])),
        st.builds(PromptStarted, st.just("begin"), moments, st.just("1"), st.integers(0, 300_000), st.integers(0, 999)),
        st.builds(
            PromptProgress, st.just("go"), moments, st.just("1"), st.integers(0, 300_000), seconds=st.floats(0, 900)
        ),
        st.builds(PromptRead, st.just("read"), moments, st.just("1"), st.integers(0, 300_000), st.floats(0, 900)),
        st.builds(RequestCancelled, st.just("left"), moments, st.just("1")),
        st.builds(PromptTruncated, st.just("cut"), moments, st.integers(0, 300_000), st.integers(0, 300_000)),
    ),
    max_size=12,
)


@given(rows, lines, st.booleans())
@hypothesis_settings(deadline=None, max_examples=150)
def test_any_evidence_is_judged_with_reasons_and_sound_arithmetic(
    calls: list[tuple[int, float, ErrorKind | None, int]], events: list[Event], known_rate: bool
) -> None:
    made = [call(start, length, kind, prompt) for start, length, kind, prompt in sorted(calls, key=lambda row: row[0])]
    found = incidents(*made, events=tuple(events), published=(published(),) if known_rate else ())
    failed = [one for one in made if one.outcome is not Outcome.DONE]
    assert sum(1 for incident in found if incident.session is not None) <= len(made)
    assert bool([i for i in found if i.session is not None and i.cause is not Cause.TRUNCATION]) is bool(failed)
