from __future__ import annotations

import pytest

from servers.fake_ollama import FakeModel, Fault, fake_ollama
from truelimit.adapters.servers.http import HttpTrouble
from truelimit.adapters.servers.ollama.client import OllamaClient, full_name


def test_a_definition_is_created_from_an_existing_base() -> None:
    with fake_ollama() as fake:
        client = OllamaClient(fake.url, 5)
        statuses = client.create("smollm2:full", "smollm2:base", {"num_ctx": 8192})
        shown = client.show("smollm2:full")
    assert statuses[-1] == "success"
    assert shown.num_ctx is not None
    assert shown.num_ctx.value == 8192
    assert fake.asked("/api/create") == [
        {"model": "smollm2:full", "from": "smollm2:base", "parameters": {"num_ctx": 8192}}
    ]


def test_a_missing_base_is_never_asked_for() -> None:
    with fake_ollama() as fake:
        with pytest.raises(HttpTrouble, match="there is no model smollm2:typo") as caught:
            OllamaClient(fake.url, 5).create("new:one", "smollm2:typo", {"num_ctx": 8192})
        assert fake.asked("/api/create") == []
    assert "pull it first" in caught.value.do


@pytest.mark.parametrize("value", ["8192", 8192.0, True, None])
def test_a_parameter_of_another_type_is_not_sent(value: object) -> None:
    with fake_ollama() as fake:
        with pytest.raises(HttpTrouble, match="a whole number"):
            OllamaClient(fake.url, 5).create("new:one", "smollm2:base", {"num_ctx": value})  # type: ignore[dict-item]
        assert fake.requests == []


def test_an_error_inside_a_stream_of_status_200_is_an_error_and_the_new_name_is_removed() -> None:
    with fake_ollama(faults={"/api/create": Fault.ERROR_IN_STREAM}) as fake:
        with pytest.raises(HttpTrouble, match="pull model manifest"):
            OllamaClient(fake.url, 5).create("new:one", "smollm2:base", {"num_ctx": 8192})
        assert "new:one" not in fake.models


def test_after_such_an_error_a_name_that_was_there_before_stays() -> None:
    with fake_ollama(faults={"/api/create": Fault.ERROR_IN_STREAM}) as fake:
        with pytest.raises(HttpTrouble, match="pull model manifest"):
            OllamaClient(fake.url, 5).create("smollm2:v-2k", "smollm2:base", {"num_ctx": 8192})
        assert "smollm2:v-2k" in fake.models


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.GARBAGE, Fault.HALF, Fault.SLOW, Fault.HTML, Fault.FORBIDDEN])
def test_creation_that_does_not_end_with_success_is_an_error(fault: Fault) -> None:
    with fake_ollama(faults={"/api/create": fault}) as fake, pytest.raises(HttpTrouble) as caught:
        OllamaClient(fake.url, 0.5).create("new:one", "smollm2:base", {"num_ctx": 8192})
    assert caught.value.do
    assert caught.value.expected


def test_copy_and_delete_are_the_way_back() -> None:
    with fake_ollama() as fake:
        client = OllamaClient(fake.url, 5)
        client.copy("smollm2:v-2k", "smollm2:backup")
        assert client.has_model("smollm2:backup")
        client.delete("smollm2:backup")
        assert not client.has_model("smollm2:backup")
        with pytest.raises(HttpTrouble, match=r"404.*not found"):
            client.delete("smollm2:backup")
        with pytest.raises(HttpTrouble, match=r"404.*not found"):
            client.copy("smollm2:backup", "other:one")


def test_names_are_compared_with_their_tag_and_without_case() -> None:
    with fake_ollama(models={"Llama3:latest": FakeModel()}) as fake:
        client = OllamaClient(fake.url, 5)
        assert client.has_model("llama3")
        assert not client.has_model("llama")
    assert full_name("hf.co/a/b") == "hf.co/a/b:latest"
    assert full_name("host:5000/a/b") == "host:5000/a/b:latest"


def test_load_and_unload_show_the_real_context() -> None:
    with fake_ollama() as fake:
        client = OllamaClient(fake.url, 5)
        loaded = client.load("smollm2:v-2k")
        assert loaded is not None
        assert loaded.context is not None
        assert loaded.context.value == 2048
        client.unload("smollm2:v-2k")
        assert client.loaded() == ()
    assert fake.asked("/api/generate")[0] == {"model": "smollm2:v-2k", "stream": False}


def test_a_lying_server_is_reported_as_it_lies() -> None:
    with fake_ollama(lying_context=512) as fake:
        loaded = OllamaClient(fake.url, 5).load("smollm2:v-2k")
    assert loaded is not None
    assert loaded.context is not None
    assert loaded.context.value == 512


def test_a_definition_that_cannot_load_says_why() -> None:
    models = {"a:b": FakeModel("8192")}
    with fake_ollama(models=models) as fake, pytest.raises(HttpTrouble, match="must be of type integer"):
        OllamaClient(fake.url, 5).load("a:b")


def test_a_prompt_that_does_not_fit_is_counted_by_llama_server() -> None:
    with fake_ollama(version="0.33.0", tokens=146_760) as fake:
        count = OllamaClient(fake.url, 5).count_prompt("smollm2:v-2k", "words " * 100)
    assert count is not None
    assert (count.prompt, count.context) == (146_760, 2048)


def test_the_runner_is_not_asked_to_count() -> None:
    with fake_ollama(version="0.11.4") as fake:
        assert OllamaClient(fake.url, 5).count_prompt("smollm2:v-2k", "words") is None
        assert fake.asked("/api/generate") == []


def test_generate_gives_numbers_and_no_text() -> None:
    with fake_ollama(tokens=1500) as fake:
        found = OllamaClient(fake.url, 5).generate("smollm2:v-2k", "words", 5)
    assert found.prompt_tokens == 1500
    assert found.prompt_seconds == pytest.approx(0.36, rel=0.5)
    assert found.queue_seconds >= 0
    assert not hasattr(found, "response")


def test_another_program_is_not_taken_for_ollama() -> None:
    with fake_ollama(faults={"*": Fault.LLAMA_SERVER}) as fake:
        with pytest.raises(HttpTrouble, match="this is llama-server"):
            OllamaClient(fake.url, 5).version()
        with pytest.raises(HttpTrouble, match="404"):
            OllamaClient(fake.url, 5).loaded()
