from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.real_ollama import BINARY, MODEL, RealOllama, real_ollama
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.servers.http import HttpTrouble
from truelimit.adapters.servers.ollama.client import OllamaClient
from truelimit.adapters.servers.ollama.read import read
from truelimit.app.ports import Deadline, Places
from truelimit.domain.server import Definition, ModelLoaded, Server
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.compute_buffers import compute_buffer
from truelimit.perf.kv_cache import CacheSettings
from truelimit.units import Tokens, to_mib

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (BINARY and MODEL), reason="TRUELIMIT_REAL_OLLAMA and TRUELIMIT_REAL_MODEL are not set"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOllama]:
    with real_ollama(tmp_path_factory.mktemp("home")) as running:
        running.import_model("smollm2:base", Path(MODEL or ""))
        yield running


def definition(server: Server, name: str) -> Definition:
    return next(item for item in server.definitions if item.name == name)


def check_label(found: Server) -> None:
    base, label = definition(found, "smollm2:base"), definition(found, "smollm2:v-2k")
    assert base.num_ctx is None
    assert label.num_ctx is not None
    assert label.num_ctx.value == 2048
    assert label.header is not None
    assert label.header.native_context is not None
    assert label.header.native_context.value == 8192
    assert label.header.weights_bytes == 96_576_768
    assert "smollm2:base" in label.same_blob
    assert label.parent == "smollm2:base"
    assert label.quantization == "Q4_1"


def test_live_and_from_disk_a_label_reads_the_same(server: RealOllama, tmp_path: Path) -> None:
    client = OllamaClient(server.url, 60)
    assert client.create("smollm2:v-2k", "smollm2:base", {"num_ctx": 2048})[-1] == "success"

    client.load("smollm2:v-2k", 60)

    # From the API alone (an empty home), then from the files alone (no address named).
    (live,) = read(Places(tmp_path, isolated=True, ollama=server.url), Deadline(10)).servers
    assert live.live
    check_label(live)
    assert [(item.name, item.context.value) for item in live.loaded if item.context] == [("smollm2:v-2k", 2048)]
    (stored,) = read(Places(server.home, isolated=True), Deadline(10)).servers
    assert not stored.live
    check_label(stored)
    assert {item.name: item.digest for item in live.definitions} == {
        item.name: item.digest for item in stored.definitions
    }
    assert live.engine is stored.engine
    assert live.version is not None
    assert stored.version is not None
    assert live.version.value == stored.version.value


def test_the_client_proves_undoes_and_refuses(server: RealOllama) -> None:
    client = OllamaClient(server.url, 60)
    client.create("smollm2:proof", "smollm2:base", {"num_ctx": 3072})
    loaded = client.load("smollm2:proof", 60)
    assert loaded is not None
    assert loaded.context is not None
    assert loaded.context.value == 3072
    answer = client.generate("smollm2:proof", "one two three four five", 60)
    assert answer.prompt_tokens is not None
    assert 5 <= answer.prompt_tokens <= 8
    client.unload("smollm2:proof")
    assert client.loaded() == ()
    client.copy("smollm2:proof", "smollm2:kept")
    client.delete("smollm2:proof")
    assert not client.has_model("smollm2:proof")
    client.copy("smollm2:kept", "smollm2:proof")
    assert client.show("smollm2:proof").num_ctx == client.show("smollm2:kept").num_ctx or client.has_model(
        "smollm2:proof"
    )
    client.delete("smollm2:kept")
    client.delete("smollm2:proof")
    with pytest.raises(HttpTrouble, match="there is no model smollm2:typo"):
        client.create("smollm2:new", "smollm2:typo", {"num_ctx": 4096})
    assert not client.has_model("smollm2:new")


def test_the_log_of_this_run_tells_of_the_load(server: RealOllama) -> None:
    client = OllamaClient(server.url, 60)
    client.create("smollm2:log", "smollm2:base", {"num_ctx": 2560})
    client.load("smollm2:log", 60)
    client.unload("smollm2:log")
    (found,) = read(Places(server.home, isolated=True), Deadline(10)).servers
    loads = [event for event in found.events if isinstance(event, ModelLoaded)]
    assert any(2560 in {event.total_context, event.context_per_slot} for event in loads)


def test_the_compute_buffer_is_what_the_engine_reports(server: RealOllama) -> None:
    """0.11.4 on a processor has no flash attention; its llama.cpp reserves the scores of all words."""
    client = OllamaClient(server.url, 60)
    log = server.home / ".ollama" / "logs" / "server.log"
    for context in (2048, 4096, 8192):
        client.create("smollm2:buffer", "smollm2:base", {"num_ctx": context})
        before = log.stat().st_size
        client.load("smollm2:buffer", 60)
        client.unload("smollm2:buffer")
        with log.open("rb") as stream:
            stream.seek(before)
            told = re.findall(r"compute buffer size = +([0-9.]+) MiB", stream.read().decode("utf-8", "replace"))
        model = read_header(Path(MODEL or ""))
        settings = CacheSettings(Tokens(context))
        made = compute_buffer(model, layout_of(model), settings, flash_attention=False, logits_reserved=True)
        assert to_mib(made.size) == pytest.approx(float(told[-1]), rel=0.025), context
    client.delete("smollm2:buffer")


def test_with_the_server_stopped_the_disk_still_tells(server: RealOllama) -> None:
    client = OllamaClient(server.url, 60)
    if not client.has_model("smollm2:v-2k"):
        client.create("smollm2:v-2k", "smollm2:base", {"num_ctx": 2048})
    server.stop()
    evidence = read(Places(server.home, isolated=True, ollama=server.url), Deadline(5))
    (found,) = evidence.servers
    assert not found.live
    check_label(found)
    assert any("nothing answers" in item.why for item in evidence.missing)
    assert evidence.machine is not None
