"""Joining facts to stacks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from limits_builders import (
    MODEL,
    agent,
    at,
    call,
    definition,
    header,
    known,
    llama_server,
    loaded,
    mac,
    ollama,
    route,
    session,
    story,
)

from truelimit.domain.facts import Facts
from truelimit.domain.server import EngineFailed, ModelLoaded, PromptTruncated
from truelimit.domain.session import ErrorKind
from truelimit.limits.addresses import Address, address_of
from truelimit.limits.stacks import stacks
from truelimit.units import Tokens


def test_the_story_is_one_stack_with_all_its_parts() -> None:
    (only,) = stacks(story())
    assert only.model == MODEL
    assert only.agent is not None
    assert only.route is not None
    assert only.server is not None
    assert only.definition is not None
    assert only.definition.name == MODEL
    assert only.header == header()
    assert only.machine == mac()
    assert len(only.calls) == 1
    assert len(only.sessions) == 1


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:11434/v1", "localhost", 11434),
        ("http://localhost:11434", "localhost", 11434),
        ("[::1]:8080/v1", "localhost", 8080),
        ("https://api.example.com", "api.example.com", 443),
        ("http://user:secret@gpu.lan:9000/x", "gpu.lan", 9000),
        ("studio", "studio", 80),
    ],
)
def test_addresses(url: str, host: str, port: int) -> None:
    assert address_of(url) == Address(host, port)


def test_no_address() -> None:
    assert address_of(None) is None
    assert address_of("") is None
    assert address_of("http://") is None


def test_names_are_compared_as_servers_do() -> None:
    facts = story(
        agents=(agent(route(model="Qwen3")),), servers=(ollama(definition("qwen3:latest", 8192)),), sessions=()
    )
    (only,) = stacks(facts)
    assert only.definition is not None
    assert only.definition.name == "qwen3:latest"


def test_traces_without_an_address_answer_if_they_are_the_only_ones_of_their_kind() -> None:
    traces = ollama(definition(), url=None)
    (only,) = stacks(story(servers=(traces,)))
    assert only.server == traces
    two = stacks(story(servers=(traces, replace(traces, name="other"))))
    assert two[0].server is None


def test_a_cloud_route_has_no_local_server() -> None:
    cloud = route(provider="x", api="openai-completions", base_url="https://api.example.com/v1")
    found = stacks(story(agents=(agent(cloud),), servers=(llama_server(8192, url=None),), sessions=()))
    assert found[0].route == cloud
    assert found[0].server is None
    assert found[1].route is None


def test_llama_server_answers_any_name_with_its_only_model() -> None:
    own = definition("m.gguf", 8192)
    server = llama_server(8192, definitions=(own,))
    local = route(provider="local", base_url="http://localhost:8080/v1", model="whatever")
    (only,) = stacks(story(agents=(agent(local),), servers=(server,), sessions=()))
    assert only.definition == own


def test_calls_of_a_model_that_is_not_routed_get_a_stack_of_their_own() -> None:
    old = call(0, 5, model="gone:8b")
    found = stacks(story(sessions=(session(call(10, 5), old),)))
    assert [stack.model for stack in found] == [MODEL, "gone:8b"]
    assert [len(stack.calls) for stack in found] == [1, 1]
    assert found[1].route is None
    assert found[1].agent is not None
    assert found[1].server is not None


def test_a_server_without_an_agent_gives_what_is_loaded() -> None:
    both = ollama(definition(), definition("other:8b", None), loaded=(loaded("other:8b", 4096),))
    (only,) = stacks(Facts(servers=(both,)))
    assert only.model == "other:8b"
    assert only.route is None


def test_a_server_with_nothing_loaded_gives_all_definitions() -> None:
    found = stacks(Facts(servers=(ollama(definition(), definition("other:8b", None)),)))
    assert [stack.model for stack in found] == [MODEL, "other:8b"]


def test_a_log_alone_gives_the_model_it_loaded() -> None:
    load = ModelLoaded("server.log line 3", at(0), model="/models/x.gguf", context_per_slot=Tokens(8192))
    (only,) = stacks(Facts(servers=(llama_server(url=None, events=(load,)),)))
    assert only.model == "/models/x.gguf"
    assert only.definition is None


def test_a_model_file_alone_is_a_stack() -> None:
    (only,) = stacks(Facts(models=(header(),)))
    assert only.header == header()
    assert only.server is None


def test_nothing_gives_no_stack() -> None:
    assert stacks(Facts()) == ()


def test_a_named_file_serves_a_definition_with_a_short_header() -> None:
    short = replace(header(), tensors=(), where="http://127.0.0.1:11434/api/show")
    full = header()
    bare = definition(header=short, digest="sha256:" + "ab" * 32)
    (only,) = stacks(story(servers=(ollama(bare),), models=(full,)))
    assert only.header == full


def test_events_go_to_the_stack_whose_model_was_loaded() -> None:
    first, second = definition("a:8b", 8192, header=None), definition("b:8b", 8192, header=None)
    events = (
        ModelLoaded("log 1", at(0), model="a:8b"),
        PromptTruncated("log 2", at(10), Tokens(9000), Tokens(8192), Tokens(8192)),
        ModelLoaded("log 3", at(20), model="b:8b"),
        EngineFailed("log 4", at(30), "crash", "signal 11"),
    )
    routes = (route(model="a:8b", ref="ollama/a:8b"), route(model="b:8b", ref="ollama/b:8b", is_primary=False))
    found = stacks(Facts(agents=(agent(*routes),), servers=(ollama(first, second, events=events),), sessions=()))
    kept = [[event.where for event in stack.server.events] for stack in found if stack.server]
    assert kept == [["log 1", "log 2"], ["log 3", "log 4"]]


def test_of_stacks_that_share_a_model_the_one_that_was_calling_has_the_event() -> None:
    one, two = agent(route(provider="ollama")), agent(route(provider="ollama-2"), name="other")
    mine = call(100, 50, ErrorKind.TIMEOUT, provider="ollama-2", agent="other", session="s2")
    event = PromptTruncated("log 9", at(120), Tokens(9000), Tokens(8192), Tokens(8192))
    facts = Facts(
        agents=(one, two),
        servers=(ollama(definition(), events=(event,)),),
        sessions=(session(call(0, 5)), session(mine, id="s2", agent="other")),
    )
    found = {stack.agent.name: stack for stack in stacks(facts) if stack.agent}
    assert found["openclaw"].server is not None
    assert found["openclaw"].server.events == ()
    assert found["other"].server is not None
    assert found["other"].server.events == (event,)


def test_sessions_that_pin_the_model_belong_to_it() -> None:
    pinned = session(id="p", pinned_model=f"ollama/{MODEL}")
    (only,) = stacks(story(sessions=(pinned,)))
    assert only.sessions == (pinned,)
    assert known(1).value == 1


def test_a_server_that_the_user_named_answers_a_local_route_at_another_port() -> None:
    picture = story()
    (server,) = picture.servers
    elsewhere = replace(server, url="http://127.0.0.1:23456", name="http://127.0.0.1:23456", live=True)
    assert stacks(replace(picture, servers=(elsewhere,)))[0].server is None
    named = replace(elsewhere, named=True)
    (only,) = stacks(replace(picture, servers=(named,)))
    assert only.server is not None
    assert only.server.url == named.url
    assert only.definition is not None
