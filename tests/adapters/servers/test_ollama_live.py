from __future__ import annotations

import time

import pytest

from servers.fake_ollama import FakeModel, Fault, fake_ollama
from truelimit.adapters.servers.ollama import live
from truelimit.app.ports import Deadline
from truelimit.domain.provenance import Basis
from truelimit.domain.server import Engine


def test_a_running_server_tells_version_models_and_what_is_loaded() -> None:
    with fake_ollama(loaded={"smollm2:v-2k": 2048}) as fake:
        found = live.ask(fake.url, Deadline(5))
    by_name = {item.name: item for item in found.definitions}
    label = by_name["smollm2:v-2k"]
    assert found.missing == ()
    assert found.version is not None
    assert (found.version.value, found.version.basis) == ("0.11.4", Basis.REPORTED)
    assert found.engine is Engine.OLLAMA_RUNNER
    assert label.num_ctx is not None
    assert (label.num_ctx.value, by_name["smollm2:base"].num_ctx) == (2048, None)
    assert label.parent == "smollm2:base"
    assert label.quantization == "Q4_1"
    assert label.digest == "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert [(item.name, item.context.value) for item in found.loaded if item.context] == [("smollm2:v-2k", 2048)]


def test_the_header_of_an_answer_has_native_context_and_tensors() -> None:
    with fake_ollama() as fake:
        header = live.ask(fake.url, Deadline(5)).definitions[0].header
    assert header is not None
    assert header.native_context is not None
    assert header.native_context.value == 8192
    assert header.get("attention.head_count_kv") == 3
    assert len(header.tensors) == 272
    # The same as the tensor table of the file itself says.
    assert header.weights_bytes == 96_576_768


def test_arrays_that_a_short_answer_hides_are_asked_for() -> None:
    models = {"hybrid:x": FakeModel(kv_heads=[0, 3] * 15), "plain:x": FakeModel()}
    with fake_ollama(models=models) as fake:
        header = live.ask(fake.url, Deadline(5)).definitions[0].header
        asked = fake.asked("/api/show")
    assert header is not None
    assert header.get("attention.head_count_kv") == (0, 3) * 15
    assert asked == [{"model": "hybrid:x"}, {"model": "hybrid:x", "verbose": True}, {"model": "plain:x"}]


def test_a_build_without_version_shows_its_engine_by_its_answers() -> None:
    with fake_ollama(version="0.0.0") as fake:
        found = live.ask(fake.url, Deadline(5))
    assert found.engine is Engine.OLLAMA_RUNNER
    with fake_ollama(version="0.30.1") as fake:
        assert live.ask(fake.url, Deadline(5)).engine is Engine.LLAMA_SERVER


def test_a_context_given_as_text_is_said() -> None:
    with fake_ollama(models={"a:b": FakeModel("2048")}) as fake:
        found = live.ask(fake.url, Deadline(5))
    assert found.definitions[0].num_ctx is None
    assert "num_ctx is text" in found.missing[0].why


def test_stop_words_do_not_enter_the_definition() -> None:
    with fake_ollama() as fake:
        found = live.ask(fake.url, Deadline(5))
    assert all("stop" not in item.parameters for item in found.definitions)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault.GARBAGE, "another program"),
        (Fault.HTML, "another program"),
        (Fault.FORBIDDEN, "403"),
        (Fault.LLAMA_SERVER, "llama-server"),
        (Fault.BROKEN, "500"),
        (Fault.WRONG_TYPES, "another program"),
        (Fault.HALF, "cannot be understood"),
        (Fault.ENDLESS, "larger than"),
    ],
)
def test_what_is_not_ollama_is_said(fault: Fault, word: str) -> None:
    with fake_ollama(faults={"*": fault}) as fake:
        found = live.ask(fake.url, Deadline(3))
    assert not found.answered
    assert len(found.missing) == 1
    assert word in found.missing[0].why


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DRIP])
def test_a_slow_server_costs_no_more_than_the_deadline(fault: Fault) -> None:
    with fake_ollama(faults={"*": fault}) as fake:
        start = time.monotonic()
        found = live.ask(fake.url, Deadline(0.4))
        spent = time.monotonic() - start
    assert not found.answered
    assert "within" in found.missing[0].why
    assert spent < 2


def test_nothing_there_is_said() -> None:
    found = live.ask("http://127.0.0.1:9", Deadline(2))
    assert "nothing answers" in found.missing[0].why


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps", "/api/show"])
@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.GARBAGE, Fault.WRONG_TYPES, Fault.HALF, Fault.SLOW])
def test_one_failing_endpoint_leaves_the_rest(path: str, fault: Fault) -> None:
    with fake_ollama(faults={path: fault}, loaded={"smollm2:v-2k": 2048}) as fake:
        found = live.ask(fake.url, Deadline(0.6))
    assert found.answered
    assert found.version is not None
    assert found.missing
    if fault is not Fault.SLOW:
        assert bool(found.loaded) is (path != "/api/ps")
        assert bool(found.definitions) is (path == "/api/ps" or (path == "/api/show" and fault is Fault.WRONG_TYPES))


def test_more_models_than_the_bound_are_named_as_not_asked() -> None:
    models = {f"m:{number}": FakeModel() for number in range(live.MOST_MODELS + 3)}
    with fake_ollama(models=models, loaded={f"m:{live.MOST_MODELS + 2}": 4096}) as fake:
        found = live.ask(fake.url, Deadline(20))
    assert len(found.definitions) == live.MOST_MODELS
    # What is loaded is asked first, wherever it stands in the list.
    assert found.definitions[0].name == f"m:{live.MOST_MODELS + 2}"
    assert "more than 50" in found.missing[-1].why
