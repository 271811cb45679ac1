"""Definitions over HTTP: what the fix relies on, against a fake with faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.fake_ollama import FakeModel, Fault, fake_ollama
from support.fix_world import URL, world
from truelimit.adapters.store.ollama_definitions import OllamaDefinitions, definition_server, prompt_of
from truelimit.app.fix import FixFailed, apply
from truelimit.app.fix_ports import FixError, ServerError
from truelimit.app.fix_receipt import DefinitionStep
from truelimit.app.undo import LAST, undo
from truelimit.fixes.change import DefinitionChange, FixPlan

PARAMETERS = {"num_ctx": 8192}


def test_create_copy_and_delete(tmp_path: Path) -> None:
    with fake_ollama() as fake:
        server = OllamaDefinitions(fake.url)
        assert server.digest("smollm2:v-8k") is None
        server.create("smollm2:v-8k", "smollm2:base", PARAMETERS)
        assert server.parameters("smollm2:v-8k")["num_ctx"] == 8192
        server.copy("smollm2:v-8k", "smollm2:copy")
        assert server.digest("smollm2:copy") == server.digest("smollm2:v-8k") != server.digest("smollm2:v-2k")
        server.delete("smollm2:v-8k")
        assert server.digest("smollm2:v-8k") is None


def test_load_reports_the_context_in_memory_and_sends_the_agents_own() -> None:
    with fake_ollama() as fake:
        server = OllamaDefinitions(fake.url)
        server.load("smollm2:v-2k", None, 5)
        assert server.loaded()["smollm2:v-2k"] == 2048
        server.load("smollm2:v-2k", 4096, 5)
        assert fake.asked("/api/generate")[-1]["options"] == {"num_ctx": 4096}


def test_a_prompt_is_read_and_counted() -> None:
    with fake_ollama(tokens=1999) as fake:
        assert OllamaDefinitions(fake.url).read_prompt("smollm2:v-2k", 2000, None, 5) == 1999
        sent = fake.asked("/api/generate")[-1]
        assert len(sent["prompt"].split()) == 2000
        assert sent["options"] == {"num_predict": 1}


def test_a_refusal_gives_numbers_only_where_the_engine_does() -> None:
    with fake_ollama(version="0.33.0", tokens=6399) as fake:
        refused = OllamaDefinitions(fake.url).refusal("smollm2:v-2k", 3000, None)
        assert refused is not None
        assert (refused.prompt, refused.context) == (6399, 2048)
        assert OllamaDefinitions(fake.url).refusal("smollm2:v-2k", 3000, 2048) is None
    with fake_ollama() as fake:
        assert OllamaDefinitions(fake.url).refusal("smollm2:v-2k", 3000, None) is None
        assert fake.asked("/api/generate") == []


@pytest.mark.parametrize(
    "fault", [Fault.GARBAGE, Fault.HTML, Fault.HALF, Fault.BROKEN, Fault.WRONG_TYPES, Fault.FORBIDDEN, Fault.SLOW]
)
def test_every_fault_is_a_server_error(fault: Fault) -> None:
    with fake_ollama(faults={"*": fault}) as fake:
        server = OllamaDefinitions(fake.url, 0.3)
        calls = [
            lambda: server.digest("a"),
            lambda: server.parameters("a"),
            lambda: server.create("a", "smollm2:base", PARAMETERS),
            lambda: server.read_prompt("smollm2:base", 5, None, 0.3),
        ]
        if fault is not Fault.WRONG_TYPES:
            calls.append(lambda: server.load("smollm2:base", None, 0.3))
        for call in calls:
            with pytest.raises(ServerError):
                call()


def test_nobody_there_is_a_server_error() -> None:
    with pytest.raises(ServerError, match="nothing answers"):
        definition_server(0.5)("http://127.0.0.1:9").digest("a")


def _plan(url: str, name: str, base: str = "smollm2:base", *, replaces: bool = False) -> FixPlan:
    return FixPlan(definitions=(DefinitionChange(url, name, base, PARAMETERS, "test", replaces),))


@pytest.mark.parametrize(("name", "replaces"), [("smollm2:v-8k", False), ("smollm2:v-2k", True)])
def test_apply_and_undo_over_http(tmp_path: Path, name: str, *, replaces: bool) -> None:
    from dataclasses import replace

    one = world(tmp_path)
    with fake_ollama() as fake:
        before = {key: repr(model) for key, model in fake.models.items()}
        ports = replace(one.ports, servers=definition_server(5))
        receipt = apply(_plan(fake.url, name, replaces=replaces), ports)
        assert fake.models[name].num_ctx == 8192
        step = receipt.steps[0]
        assert isinstance(step, DefinitionStep)
        assert (step.backup in fake.models) is replaces
        undo(LAST, ports)
        assert {key: repr(model) for key, model in fake.models.items()} == before


@pytest.mark.parametrize("fault", [Fault.ERROR_IN_STREAM, Fault.SLOW, Fault.BROKEN, Fault.GARBAGE, Fault.HALF])
@pytest.mark.parametrize(("name", "replaces"), [("smollm2:v-8k", False), ("smollm2:v-2k", True)])
def test_a_failing_create_is_rolled_back(tmp_path: Path, fault: Fault, name: str, *, replaces: bool) -> None:
    from dataclasses import replace

    one = world(tmp_path)
    with fake_ollama(faults={"/api/create": fault}) as fake:
        before = {key: repr(model) for key, model in fake.models.items()}
        ports = replace(one.ports, servers=definition_server(0.5))
        with pytest.raises(FixFailed, match="everything is as before"):
            apply(_plan(fake.url, name, replaces=replaces), ports)
        assert {key: repr(model) for key, model in fake.models.items()} == before


def test_a_missing_base_starts_no_download(tmp_path: Path) -> None:
    from dataclasses import replace

    one = world(tmp_path)
    with fake_ollama() as fake:
        ports = replace(one.ports, servers=definition_server(5))
        with pytest.raises(FixError, match="does not exist there"):
            apply(_plan(fake.url, "new:x", "smollm2:typo"), ports)
        assert fake.asked("/api/create") == []


def test_a_prompt_has_about_a_word_a_token() -> None:
    assert len(prompt_of(1000).split()) == 1000
    assert FakeModel().native == 8192
    assert URL.startswith("http://127.0.0.1")


def test_unload_waits_until_the_model_is_gone() -> None:
    with fake_ollama() as fake:
        server = OllamaDefinitions(fake.url)
        server.load("smollm2:v-2k", None, 5)
        server.unload("smollm2:v-2k")
        assert server.loaded() == {}
        assert fake.asked("/api/generate")[-1]["keep_alive"] == 0
