"""A real llama.cpp server: what it tells live, what it refuses, and what its log gives to fit rates on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.real_llama_server import RealServer, real_llama_server
from truelimit.adapters.files.server_log import read_server_log
from truelimit.adapters.servers.llama_server.client import LlamaServerClient
from truelimit.adapters.servers.llama_server.read import read
from truelimit.app.ports import Deadline, Places
from truelimit.domain.server import (
    AnswerWritten,
    BuffersReported,
    ModelLoaded,
    PromptProgress,
    PromptRead,
    PromptRefused,
    PromptStarted,
    RequestCancelled,
)
from truelimit.units import from_mib

pytestmark = pytest.mark.real
WORDS = " ".join(f"item {number} weighs {number * 7} grams;" for number in range(2000))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_llama_server(tmp_path_factory.mktemp("llama"), context=4096, slots=2) as running:
        yield running


def client(server: RealServer, seconds: float = 300) -> LlamaServerClient:
    return LlamaServerClient(server.url, Deadline(seconds))


def test_live_facts(server: RealServer) -> None:
    evidence = read(Places(Path.home(), servers=(server.url,), logs=(server.log,)), Deadline(10))
    (found,) = evidence.servers
    (loaded,) = found.loaded
    assert loaded.native_context is not None
    assert loaded.native_context.value == 8192
    assert loaded.context is not None
    assert loaded.context.value == 2048, "4096 over two slots"
    assert loaded.slots is not None
    assert loaded.slots.value == 2
    (definition,) = found.definitions
    assert definition.header is not None
    assert definition.header.architecture == "llama"
    assert found.live
    assert found.settings.unified_kv is not None
    assert found.settings.unified_kv.value is False
    assert found.settings.kv_type is not None
    assert found.settings.kv_type.value == "f16"
    assert evidence.missing == ()


def test_a_prompt_too_long_is_counted_without_reading_and_refused_with_both_numbers(server: RealServer) -> None:
    counted = client(server).count([{"role": "user", "content": WORDS}])
    assert counted > 8192
    refused = client(server).complete(WORDS, 4)
    assert refused.refused
    assert refused.context == 2048
    logged = [event for event in read_server_log(server.log).events if isinstance(event, PromptRefused)]
    assert (logged[-1].prompt, logged[-1].context) == (refused.prompt, 2048)


def test_the_log_tells_the_load_and_what_was_really_read(server: RealServer) -> None:
    prompt = WORDS[:3600]
    first = client(server).complete(prompt, 8)
    again = client(server).complete(prompt + " and so on", 8)
    assert first.evaluated is not None
    assert again.cached is not None
    assert again.evaluated is not None
    assert again.cached > 0.8 * first.evaluated

    log = read_server_log(server.log)
    (load,) = [event for event in log.events if isinstance(event, ModelLoaded)]
    assert (load.total_context, load.slots, load.context_per_slot, load.native_context) == (4096, 2, 2048, 8192)
    kv = [event for event in log.events if isinstance(event, BuffersReported) and event.kind == "kv"]
    assert sum(event.size for event in kv) == from_mib(90), "30 layers x 3 heads x (64 + 64) x 2 bytes x 4096 cells"

    reads = [event for event in log.events if isinstance(event, PromptRead)]
    assert [(event.evaluated, event.from_depth) for event in reads[-2:]] == [
        (first.evaluated, first.cached),
        (again.evaluated, again.cached),
    ]
    assert reads[-2].seconds == pytest.approx(first.read_seconds, abs=0.01)
    starts = [event for event in log.events if isinstance(event, PromptStarted)]
    assert [(event.prompt, event.cached) for event in starts[-2:]] == [
        (first.prompt, first.cached),
        (again.prompt, again.cached),
    ]
    answers = [event for event in log.events if isinstance(event, AnswerWritten)]
    assert answers[-1].tokens == 7, "eight written, the first untimed"
    assert answers[-1].depth == again.prompt
    for event in log.events:
        if isinstance(event, PromptProgress):
            assert event.evaluated is not None
            assert 0 < event.evaluated <= event.tokens
    assert not [event for event in log.events if isinstance(event, RequestCancelled)]
    assert log.damaged == 0
