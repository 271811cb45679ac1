"""Counting, completing and the pace of polls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.fake_llama_server import FakeLlamaServer, fake_llama_server, recorded
from truelimit.adapters.servers.http import HttpTrouble
from truelimit.adapters.servers.llama_server.client import LlamaServerClient
from truelimit.adapters.servers.llama_server.pace import Pace
from truelimit.adapters.servers.llama_server.replies import metrics_of
from truelimit.app.ports import Deadline


@pytest.fixture
def fake() -> Iterator[FakeLlamaServer]:
    with fake_llama_server() as server:
        yield server


def test_count_asks_for_tokens_and_runs_nothing(fake: FakeLlamaServer) -> None:
    assert LlamaServerClient(fake.url, Deadline(5)).count([{"role": "user", "content": "Hi there"}]) == 32
    assert fake.asked == ["/v1/chat/completions/input_tokens"]
    assert fake.bodies == [{"messages": [{"role": "user", "content": "Hi there"}]}]


def test_an_old_server_cannot_count(fake: FakeLlamaServer) -> None:
    del fake.replies["/v1/chat/completions/input_tokens"]
    with pytest.raises(HttpTrouble, match="does not know this path"):
        LlamaServerClient(fake.url, Deadline(5)).count([])


def test_complete_tells_what_was_read_and_what_came_from_the_cache(fake: FakeLlamaServer) -> None:
    fake.replies["/completion"] = recorded("cache_2_same_prefix")
    done = LlamaServerClient(fake.url, Deadline(5)).complete("text", 4)
    assert not done.refused
    assert (done.prompt, done.cached, done.evaluated) == (622, 613, 9)
    assert done.read_seconds is not None
    assert done.read_seconds < 60
    assert done.written is not None


def test_complete_tells_a_refusal_with_its_numbers(fake: FakeLlamaServer) -> None:
    fake.replies["/completion"] = recorded("overflow_completion")
    done = LlamaServerClient(fake.url, Deadline(5)).complete("text", 4)
    assert done.refused
    assert done.context == 2048
    assert done.prompt is not None
    assert done.prompt > 2048
    assert done.evaluated is None


@pytest.mark.parametrize("reply", [(500, {"error": {"message": "x"}}), (200, {}), (200, "text"), (200, [1])])
def test_complete_does_not_take_anything_for_an_answer(fake: FakeLlamaServer, reply: tuple[int, object]) -> None:
    fake.replies["/completion"] = reply
    with pytest.raises(HttpTrouble, match="completion"):
        LlamaServerClient(fake.url, Deadline(5)).complete("my text", 4)


def test_props_of_another_program(fake: FakeLlamaServer) -> None:
    fake.replies["/props"] = (200, {"hello": 1})
    with pytest.raises(HttpTrouble, match="properties"):
        LlamaServerClient(fake.url, Deadline(5)).props()


def test_props_say_whether_there_is_a_chat_template(fake: FakeLlamaServer) -> None:
    props = LlamaServerClient(fake.url, Deadline(5)).props()
    assert (props.context, props.slots, props.has_chat_template, props.build) == (2048, 4, True, None)


def test_counters(fake: FakeLlamaServer) -> None:
    counters = LlamaServerClient(fake.url, Deadline(5)).metrics()
    assert counters is not None
    assert counters["n_tokens_max"] > 0
    assert metrics_of("llamacpp:x 3\nllamacpp:y z\n# HELP\nother 4") == {"x": 3.0}


def test_a_pace_lets_one_question_through_per_interval() -> None:
    now = [0.0]
    asked: list[float] = []

    def question() -> float:
        asked.append(now[0])
        return now[0]

    pace: Pace[float] = Pace(2.0, lambda: now[0])
    answers = []
    for now[0] in (0.0, 0.5, 1.999, 2.0, 3.0, 4.5):
        answers.append(pace.ask("a", question))
    assert asked == [0.0, 2.0, 4.5]
    assert answers == [0.0, 0.0, 0.0, 2.0, 2.0, 4.5]
    assert pace.ask("b", question) == 4.5, "each server has its own pace"


def test_a_question_that_failed_is_not_repeated_too_soon_either() -> None:
    now = [0.0]

    def fail() -> int:
        raise ValueError

    pace: Pace[int] = Pace(2.0, lambda: now[0])
    with pytest.raises(ValueError):
        pace.ask("a", fail)
    assert pace.ask("a", lambda: 3) is None
    now[0] = 2.0
    assert pace.ask("a", lambda: 3) == 3
