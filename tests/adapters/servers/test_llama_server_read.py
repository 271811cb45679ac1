"""What a llama-server tells of itself, what it hides, and what answers instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.fake_llama_server import FakeLlamaServer, fake_llama_server
from support.server_log_text import LLAMA_LOGS, OLLAMA_LOGS, slog
from truelimit.adapters.servers.llama_server import read as reading
from truelimit.adapters.servers.llama_server.read import read
from truelimit.app.ports import Deadline, Evidence, Places
from truelimit.domain.provenance import Basis
from truelimit.domain.server import Engine, ModelLoaded, Server, ServerKind
from truelimit.units import GIB


@pytest.fixture
def fake() -> Iterator[FakeLlamaServer]:
    with fake_llama_server() as server:
        yield server


def look(*urls: str, logs: tuple[Path, ...] = (), isolated: bool = True, home: Path = Path("/nowhere")) -> Evidence:
    return read(Places(home, isolated=isolated, servers=urls, logs=logs), Deadline(5))


def only(evidence: Evidence) -> Server:
    (server,) = evidence.servers
    return server


def reasons(evidence: Evidence) -> str:
    return "\n".join(f"{gap.fact}: {gap.why}" for gap in evidence.missing)


def test_a_server_with_both_rungs_of_its_ladder(fake: FakeLlamaServer) -> None:
    evidence = look(fake.url)
    server = only(evidence)
    assert (server.kind, server.engine, server.live) == (ServerKind.LLAMA_SERVER, Engine.LLAMA_SERVER, True)
    (loaded,) = server.loaded
    assert loaded.context is not None
    assert loaded.native_context is not None
    assert (loaded.context.value, loaded.native_context.value) == (2048, 8192)
    assert loaded.context.where == f"{fake.url}/props: default_generation_settings.n_ctx"
    assert loaded.native_context.where == f"{fake.url}/v1/models: meta.n_ctx_train"
    assert loaded.context.basis is Basis.REPORTED
    assert server.settings.parallel is not None
    assert server.settings.parallel.value == 4
    (definition,) = server.definitions
    assert definition.name == loaded.name == "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    assert definition.file_bytes is not None
    assert (definition.file_bytes.value, definition.quantization) == (96576768, "Q4_1")
    assert evidence.missing == ()


def test_a_build_that_knows_its_number() -> None:
    with fake_llama_server("b10434_smollm2") as fake:
        server = only(look(fake.url))
    assert server.version is not None
    assert server.version.value == "b1-7e4c0a9"


def test_slots_are_asked_once_though_the_server_is_examined_twice(fake: FakeLlamaServer) -> None:
    look(fake.url)
    look(fake.url + "/v1/")
    assert fake.asked.count("/props") == 2
    assert (fake.asked.count("/slots"), fake.asked.count("/metrics")) == (1, 1)


def test_counters_and_slots_switched_off(fake: FakeLlamaServer) -> None:
    off = {"error": {"code": 501, "message": "not supported", "type": "not_supported_error"}}
    fake.replies["/metrics"] = fake.replies["/slots"] = (501, off)
    text = reasons(look(fake.url))
    assert f"slots of llama-server at {fake.url}: switched off (status 501): start it with --slots" in text
    assert "start it with --metrics" in text


def test_a_key_is_wanted(fake: FakeLlamaServer) -> None:
    fake.key = "secret"
    evidence = look(fake.url)
    assert evidence.servers == ()
    assert "it wants an API key" in reasons(evidence)


def test_a_model_still_loading(fake: FakeLlamaServer) -> None:
    fake.replies["/props"] = (503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
    assert "loading its model" in reasons(look(fake.url))


def test_nobody_there() -> None:
    evidence = look("http://127.0.0.1:9")
    assert evidence.servers == ()
    assert "nothing answers" in reasons(evidence)


def test_an_ollama_is_sent_to_its_own_edge(fake: FakeLlamaServer) -> None:
    fake.signature = "none"
    fake.replies = {"/": (200, "Ollama is running")}
    assert "this is Ollama" in reasons(look(fake.url))


def test_another_server_that_speaks_the_same_api(fake: FakeLlamaServer) -> None:
    fake.signature = "uvicorn"
    fake.replies = {"/v1/models": (200, {"data": [{"id": "q", "owned_by": "vllm", "max_model_len": 32768}]})}
    text = reasons(look(fake.url))
    assert "neither Ollama nor llama-server (owned_by vllm)" in text
    assert "32,768 tokens" in text


@pytest.mark.parametrize("body", ["<html>", [], {}, {"data": []}, {"data": "x"}, {"data": [3]}, "[" * 99999])
def test_something_else_altogether(fake: FakeLlamaServer, body: object) -> None:
    fake.signature = "nginx"
    fake.replies = {"/v1/models": (200, body), "/": (200, "hello"), "/props": (200, body)}
    evidence = look(fake.url)
    assert evidence.servers == ()
    assert "neither llama-server nor another model server" in reasons(evidence)


@pytest.mark.parametrize("value", [None, -5, "2048", True, 2**80, 1.5, [2048], {"n": 1}])
def test_a_lying_server_gives_no_number(fake: FakeLlamaServer, value: object) -> None:
    fake.replies["/props"] = (200, {"default_generation_settings": {"n_ctx": value}, "total_slots": value})
    fake.replies["/v1/models"] = (200, {"data": [{"id": "m", "meta": {"n_ctx": value, "n_ctx_train": value}}]})
    (loaded,) = only(look(fake.url)).loaded
    assert (loaded.context, loaded.native_context, loaded.slots) == (None, None, None)


def test_without_a_list_of_models_the_context_still_counts(fake: FakeLlamaServer) -> None:
    del fake.replies["/v1/models"]
    evidence = look(fake.url)
    (loaded,) = only(evidence).loaded
    assert loaded.context is not None
    assert loaded.native_context is None
    assert "native context" in reasons(evidence)


def test_the_usual_address_is_tried_without_a_word(monkeypatch: pytest.MonkeyPatch, fake: FakeLlamaServer) -> None:
    monkeypatch.setattr(reading, "USUAL", fake.url)
    assert look(isolated=True).servers == ()
    assert fake.asked == []
    assert only(look(isolated=False)).url == fake.url
    monkeypatch.setattr(reading, "USUAL", "http://127.0.0.1:9")
    assert look(isolated=False) == Evidence()


def test_a_log_alone_is_a_server(tmp_path: Path) -> None:
    path = LLAMA_LOGS / "xllamacpp_b11549_ctx_above_training.log"
    evidence = look(logs=(path,))
    server = only(evidence)
    assert (server.live, server.url, server.name, server.loaded) == (False, None, str(path), ())
    settings = server.settings
    assert settings.parallel is not None
    assert settings.kv_type is not None
    assert settings.flash_attention is not None
    assert settings.prompt_cache is not None
    assert (settings.parallel.value, settings.kv_type.value, settings.flash_attention.value) == (1, "f16", True)
    assert settings.prompt_cache.value == 8 * GIB
    assert server.definitions[0].name == "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    assert any(isinstance(event, ModelLoaded) for event in server.events)
    assert str(path) in evidence.examined


def test_the_log_of_the_live_server_is_merged_into_it(fake: FakeLlamaServer, tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    text = (LLAMA_LOGS / "xllamacpp_b11549_prompt_cache_too_small.log").read_text(encoding="utf-8")
    path.write_text(text.replace("http://127.0.0.1:18487", fake.url), encoding="utf-8")
    server = only(look(fake.url, logs=(path,)))
    assert server.live
    assert server.settings.parallel is not None
    assert server.settings.parallel.where.startswith(fake.url), "what the server says itself stands"
    assert server.settings.kv_type is not None
    assert server.settings.kv_type.where.startswith(str(path))
    assert server.events


def test_the_log_of_another_port_stays_another_server(fake: FakeLlamaServer) -> None:
    evidence = look(fake.url, logs=(LLAMA_LOGS / "xllamacpp_b11549_prompt_cache_too_small.log",))
    assert [server.live for server in evidence.servers] == [True, False]


def test_logs_of_others_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "x.log"
    other.write_text(slog("Listening on 127.0.0.1:11434 (version 0.16.2)"), encoding="utf-8")
    assert look(logs=(other, OLLAMA_LOGS / "era_b_0.11.4_debug.log", tmp_path / "absent")) == Evidence()


def test_the_model_file_is_read_where_it_lies_here_and_only_when_not_isolated(
    fake: FakeLlamaServer, tmp_path: Path
) -> None:
    from truelimit.adapters.files.gguf.write import write_header

    path = tmp_path / "m.gguf"
    write_header(path, {"general.architecture": "llama", "llama.context_length": 8192}, [])
    status, props = fake.replies["/props"]
    assert isinstance(props, dict)
    fake.replies["/props"] = (status, {**props, "model_path": str(path)})
    assert only(look(fake.url, isolated=True)).definitions[0].header is None
    header = only(look(fake.url, isolated=False)).definitions[0].header
    assert header is not None
    assert header.native_context is not None
    assert header.native_context.value == 8192
    path.write_bytes(b"GGUF damaged")
    evidence = look(fake.url, isolated=False)
    assert only(evidence).definitions[0].header is None
    assert str(path) in reasons(evidence)
