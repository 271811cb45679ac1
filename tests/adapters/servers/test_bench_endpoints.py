"""Endpoints: told apart, asked, timed, taken back; every fault is one line that says what to do."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

from servers.fake_ollama import Fault, fake_ollama
from servers.fake_stream_server import A, B, StreamFault, fake_stream
from truelimit.adapters.bench.events import event, plain
from truelimit.adapters.bench.find import endpoint_at
from truelimit.adapters.bench.llama_server import LlamaServerEndpoint
from truelimit.adapters.bench.ollama import OllamaEndpoint
from truelimit.adapters.bench.openai import OpenAiEndpoint
from truelimit.app.bench_ports import BenchError, Sign

PROMPT = "Xyzabc " + " ".join(["word"] * 999)


def go_on(_: Sign) -> bool:
    return True


def one_line(error: BenchError) -> str:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 600
    return text


def test_each_server_is_known_by_what_it_answers() -> None:
    with fake_stream() as llama, fake_stream(kind="openai") as other, fake_ollama() as ollama:
        assert isinstance(endpoint_at(llama.url, None), LlamaServerEndpoint)
        assert isinstance(endpoint_at(llama.url + "/v1/", None), LlamaServerEndpoint)
        assert isinstance(endpoint_at(other.url, None), OpenAiEndpoint)
        assert isinstance(endpoint_at(ollama.url, "smollm2:base"), OllamaEndpoint)
        assert isinstance(endpoint_at(llama.url, None, "openai"), OpenAiEndpoint)


def test_llama_server_tells_all_of_itself() -> None:
    with fake_stream() as fake:
        target = endpoint_at(fake.url, "made-up").target
    assert (target.server.kind, target.server.version, target.server.context) == ("llama-server", "b11549-abc", 32768)
    assert (target.model.name, target.model.parameters, target.model.quantization) == ("made-up", 1.35e8, "Q4_1")
    assert target.native_context == 65536
    assert target.counts_tokens
    assert target.tells_cached
    assert target.is_local


def test_a_completion_of_llama_server() -> None:
    with fake_stream() as fake:
        endpoint = endpoint_at(fake.url, None)
        assert endpoint.count(PROMPT) == 1000
        first, again = (endpoint.ask(PROMPT, 16, 5, go_on) for _ in range(2))
        assert fake.bodies[0]["cache_prompt"] is True
        assert fake.bodies[0]["ignore_eos"] is True
    assert (first.prompt_tokens, first.cached_tokens, first.written, first.timed) == (1000, 0, 16, 15)
    assert first.prefill_seconds == pytest.approx(A * 1000 + B * 500_000)
    assert first.chunks == 16, "the progress event holds no part of the answer"
    assert first.headers_seconds is not None
    assert first.first_token_seconds is not None
    assert first.headers_seconds <= first.first_token_seconds <= first.total_seconds
    assert (again.prompt_tokens, again.cached_tokens) == (1000, 999)
    assert again.where == f"{fake.url}/completion"


@pytest.mark.parametrize("kind", ["llama-server", "openai"])
def test_too_long_a_prompt_is_an_overflow_not_an_error(kind: str) -> None:
    with fake_stream(kind=kind, context=500) as fake:
        reply = endpoint_at(fake.url, None).ask(PROMPT, 16, 5, go_on)
    assert reply.overflow is not None
    if kind == "llama-server":
        assert reply.overflow == (1000, 500)


@pytest.mark.parametrize("kind", ["llama-server", "openai"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (StreamFault.GARBAGE, "no JSON object"),
        (StreamFault.CUT, "the connection broke after"),
        (StreamFault.NO_END, "ended without timings|sent no usage|without text and usage"),
        (StreamFault.ERROR, "Context size has been exceeded"),
        (StreamFault.BROKEN, "status 500: the engine fell over"),
    ],
)
def test_each_fault_of_a_stream_is_one_line(kind: str, fault: StreamFault, words: str) -> None:
    with fake_stream(kind=kind, fault=fault) as fake:
        endpoint = endpoint_at(fake.url, None)
        with pytest.raises(BenchError, match=words) as caught:
            endpoint.ask(PROMPT, 16, 5, go_on)
    assert "word word" not in one_line(caught.value)
    assert fake.url in str(caught.value)


@pytest.mark.parametrize("kind", ["llama-server", "openai"])
def test_a_request_taken_back_closes_its_connection(kind: str) -> None:
    with fake_stream(kind=kind, fault=StreamFault.STALL) as fake:
        endpoint = endpoint_at(fake.url, None)
        reply = endpoint.ask(PROMPT, 16, 5, lambda sign: sign.seconds < 0.1)
        assert reply.cancelled
        assert reply.prompt_tokens is None
        assert fake.left.wait(5), "the server saw its client go"


def test_the_bound_on_one_request_takes_it_back() -> None:
    with fake_stream(fault=StreamFault.STALL) as fake:
        reply = endpoint_at(fake.url, None).ask(PROMPT, 16, 0.1, go_on)
        assert reply.cancelled
        assert fake.left.wait(5)


def test_an_interrupt_takes_the_request_back() -> None:
    def interrupted(sign: Sign) -> bool:
        if sign.seconds > 0.05:
            raise KeyboardInterrupt
        return True

    with fake_stream(fault=StreamFault.STALL) as fake:
        endpoint = endpoint_at(fake.url, None)
        with pytest.raises(KeyboardInterrupt):
            endpoint.ask(PROMPT, 16, 5, interrupted)
        assert fake.left.wait(5)


@pytest.mark.parametrize("kind", ["llama-server", "openai"])
def test_a_key_is_wanted_named_and_never_shown(kind: str) -> None:
    with fake_stream(kind=kind, key="sk-very-secret") as fake:
        with pytest.raises(BenchError, match="--api-key-env NAME") as caught:
            endpoint_at(fake.url, None)
        assert "secret" not in str(caught.value)
        endpoint = endpoint_at(fake.url, None, key="sk-very-secret")
        assert endpoint.ask("Abc def", 4, 5, go_on).written == 4
        assert set(fake.keys[-2:]) == {"Bearer sk-very-secret"}
        assert "secret" not in repr(endpoint._wire)  # type: ignore[attr-defined]
        with pytest.raises(BenchError, match="401") as wrong:
            endpoint_at(fake.url, None, key="sk-another-secret")
        assert "another" not in str(wrong.value)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BenchError, match="--api-key-env") as caught:
        endpoint_at("http://user:hunter2@127.0.0.1:1", None)
    assert "hunter2" not in str(caught.value)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    for api in ("auto", "ollama", "llama-server", "openai"):
        with pytest.raises(BenchError, match="nothing answers") as caught:
            endpoint_at(f"127.0.0.1:{port}", None, api)
        one_line(caught.value)


def test_another_program_is_named_as_such() -> None:
    with fake_ollama(faults={"*": Fault.HTML}) as fake, pytest.raises(BenchError, match="not a model server"):
        endpoint_at(fake.url, None)


def test_models_that_are_not_there_are_answered_with_names() -> None:
    with fake_ollama() as fake:
        with pytest.raises(BenchError, match="there is no model 'smolm2'; there are: smollm2:"):
            endpoint_at(fake.url, "smolm2")
        with pytest.raises(BenchError, match=r"which model\? Name it with --model; there are: smollm2"):
            endpoint_at(fake.url, None)
    with fake_stream(kind="openai", models=("alpha", "beta")) as fake:
        with pytest.raises(BenchError, match="there is no model 'alpa'; there are: alpha, beta"):
            endpoint_at(fake.url, "alpa")
        with pytest.raises(BenchError, match="which model"):
            endpoint_at(fake.url, None)
    with fake_stream() as fake, pytest.raises(BenchError, match="it serves made-up; give that name, or none"):
        endpoint_at(fake.url, "qwen3")


def test_ollama_through_the_definitions_own_context() -> None:
    with fake_ollama() as fake:
        endpoint = endpoint_at(fake.url, "smollm2:v-2k")
        target = endpoint.target
        assert (target.server.context, target.native_context) == (2048, 8192)
        assert target.loaded is False
        assert target.first_load is not None
        assert (target.model.architecture, target.model.quantization) == ("llama", "Q4_1")
        reply = endpoint.ask("Abc def", 8, 5, go_on)
        (sent,) = [body for body in fake.asked("/api/generate") if body.get("prompt")]
    assert "num_ctx" not in sent["options"], "another context would reload the model"
    assert (sent["raw"], sent["stream"], sent["truncate"]) == (True, True, False)
    assert reply.prompt_tokens is not None
    assert reply.cached_tokens is None, "Ollama tells no cached tokens"
    assert reply.written is not None
    assert reply.timed == reply.written - 1
    assert reply.queue_seconds is not None


def test_ollama_refuses_a_prompt_that_does_not_fit_with_both_numbers() -> None:
    with fake_ollama(version="0.30.5", tokens=6399) as fake:
        reply = endpoint_at(fake.url, "smollm2:v-2k").ask(PROMPT, 8, 5, go_on)
    assert reply.overflow == (6399, 2048)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.GARBAGE, "no JSON object"),
        (Fault.HALF, "the connection broke|without"),
        (Fault.BROKEN, "model runner has unexpectedly stopped"),
        (Fault.WRONG_TYPES, "without"),
    ],
)
def test_each_fault_of_ollama_is_one_line(fault: Fault, words: str) -> None:
    with fake_ollama() as fake:
        endpoint = endpoint_at(fake.url, "smollm2:base")
        fake.faults["/api/generate"] = fault
        with pytest.raises(BenchError, match=words) as caught:
            endpoint.ask(PROMPT, 8, 5, go_on)
    one_line(caught.value)


def test_ollama_is_unloaded_and_loaded_for_a_cold_start() -> None:
    with fake_ollama() as fake:
        endpoint = endpoint_at(fake.url, "smollm2:base")
        assert endpoint.target.can_unload
        endpoint.unload()
        assert "smollm2:base" not in fake.loaded
        assert endpoint.load(5) >= 0
        assert "smollm2:base" in fake.loaded


def test_openai_counts_by_usage_and_times_by_its_own_clock() -> None:
    with fake_stream(kind="openai") as fake:
        endpoint = endpoint_at(fake.url, None)
        first, again = (endpoint.ask(PROMPT, 16, 5, go_on) for _ in range(2))
        assert fake.bodies[0]["stream_options"] == {"include_usage": True}
    assert (first.prompt_tokens, first.cached_tokens, first.written) == (1000, 0, 16)
    assert first.prefill_seconds is None
    assert again.cached_tokens == 999
    assert endpoint.target.latency > 0


def test_openai_without_usage_tells_no_tokens() -> None:
    with fake_stream(kind="openai", usage=False) as fake, pytest.raises(BenchError, match="sent no usage"):
        endpoint_at(fake.url, None).ask(PROMPT, 16, 5, go_on)


def test_what_an_endpoint_cannot_do_it_says() -> None:
    with fake_stream() as llama, fake_stream(kind="openai") as other:
        for endpoint in (endpoint_at(llama.url, None), endpoint_at(other.url, None)):
            with pytest.raises(BenchError):
                endpoint.unload()
            with pytest.raises(BenchError):
                endpoint.load(1)
        assert endpoint_at(llama.url, None).busy() is False
        assert endpoint_at(other.url, None).busy() is None


@pytest.mark.parametrize(("rate", "timed"), [(15 / 0.375, 15), (16 / 0.375, 16), (999.0, 15)])
def test_the_servers_own_rate_tells_how_many_tokens_its_time_covers(rate: float, timed: int) -> None:
    """Builds before 2026 count the first token in, those since leave it out."""
    from truelimit.adapters.bench.llama_server import _timed

    told = {"predicted_n": 16, "predicted_ms": 375.0, "predicted_per_second": rate}
    assert _timed(told, 16, 375.0) == timed


def test_events() -> None:
    assert event(b": ping", "x") is None
    assert event(b"", "x") is None
    assert event(b"event: message", "x") is None
    assert event(b"data: [DONE]", "x") is None
    assert event(b'data: {"a": 1}\r', "x") == {"a": 1}
    assert plain(json.dumps({"a": 1}).encode(), "x") == {"a": 1}
    for bad in (b"data: [1]", b"data: nonsense", b"<html>", b"data: " + b"[" * 100_000):
        with pytest.raises(BenchError, match="no JSON object"):
            event(bad, "x")


def test_a_model_of_llama_server_may_be_named_by_its_file() -> None:
    with fake_stream(models=("/models/Made-Up.Q4_1.gguf",)) as fake:
        target = endpoint_at(fake.url, "made-up.q4_1").target
    assert replace(target.model, parameters=None).name == "made-up.q4_1"
