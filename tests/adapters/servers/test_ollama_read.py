from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from servers.fake_ollama import FakeModel, Fault, fake_ollama
from support.ollama_store import put_blob, put_model
from truelimit.adapters.files.gguf.write import write_header
from truelimit.adapters.servers.ollama.logs import read_logs
from truelimit.adapters.servers.ollama.read import read
from truelimit.app.ports import Deadline, Evidence, Places
from truelimit.domain.limits import SetBy
from truelimit.domain.machine import PoolKind
from truelimit.domain.provenance import Basis
from truelimit.domain.server import Engine, RequestEnded, Server, ServerKind
from truelimit.units import GIB

SAMPLES = Path(__file__).parents[2] / "samples" / "ollama"
M2_ULTRA = SAMPLES / "0.16.1" / "server-m2-ultra.log"
SMOLLM2 = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def home_of_the_episode(home: Path) -> Path:
    """Build a home with base and label of one model, and the log of its server."""
    models = home / ".ollama" / "models"
    metadata = {"general.architecture": "qwen3moe", "qwen3moe.context_length": 262_144}
    file = home / "header.gguf"
    home.mkdir(exist_ok=True)
    write_header(file, metadata, [("token_embd.weight", (2048, 1000), "F16")])
    blob = put_blob(models, file.read_bytes())
    put_model(models, "qwen3-coder:30b", blob, size=18_600_000_000)
    label = {"num_ctx": 131_072}
    put_model(models, "qwen3-coder-30b:v-128k", blob, size=18_600_000_000, parameters=label, parent="qwen3-coder:30b")
    logs = home / ".ollama" / "logs"
    logs.mkdir()
    shutil.copy(M2_ULTRA, logs / "server.log")
    return home


def only(evidence: Evidence) -> Server:
    (server,) = evidence.servers
    return server


def whys(evidence: Evidence) -> str:
    return "\n".join(f"{item.fact}: {item.why}" for item in evidence.missing)


def test_a_bundle_gives_server_settings_events_and_machine(tmp_path: Path) -> None:
    found = read(Places(home_of_the_episode(tmp_path / "h"), isolated=True), Deadline(1))
    server = only(found)
    by_name = {item.name: item for item in server.definitions}
    label = by_name["qwen3-coder-30b:v-128k"]
    assert (server.kind, server.live, server.engine) == (ServerKind.OLLAMA, False, Engine.OLLAMA_RUNNER)
    assert server.url == "http://127.0.0.1:11434"
    assert server.version is not None
    assert server.version.value == "0.16.1"
    assert label.num_ctx is not None
    assert label.num_ctx.value == 131_072
    assert label.header is not None
    assert label.header.native_context is not None
    assert label.header.native_context.value == 262_144
    assert label.same_blob == ("qwen3-coder:30b",)
    assert label.flash_attention is not None
    assert label.flash_attention.value
    settings = server.settings
    assert settings.tier_context is not None
    assert settings.default_context is not None
    assert (settings.tier_context.value, settings.default_context.value) == (262_144, 262_144)
    assert settings.default_context_set_by is SetBy.SERVER_DEFAULT
    ended = [event for event in server.events if isinstance(event, RequestEnded)]
    assert [(event.status, event.seconds) for event in ended] == [(500, 302.0)]
    assert found.machine is not None
    pool = found.machine.pool(PoolKind.UNIFIED)
    assert pool is not None
    assert pool.capacity.value == 64 * GIB
    assert whys(found) == ""
    assert len(found.examined) == 2


def test_a_log_alone_is_a_server(tmp_path: Path) -> None:
    found = read(Places(tmp_path, isolated=True, logs=(M2_ULTRA,)), Deadline(1))
    server = only(found)
    assert server.name == str(M2_ULTRA)
    assert server.definitions == ()
    assert server.settings.parallel is not None
    assert server.settings.parallel.basis is Basis.REPORTED


def test_a_copy_of_a_log_counts_once_and_other_logs_are_not_taken(tmp_path: Path) -> None:
    home = home_of_the_episode(tmp_path / "h")
    other = tmp_path / "other.log"
    other.write_text("main: server is listening on http://127.0.0.1:8080\nsrv  log: x\n", encoding="utf-8")
    places = Places(home, isolated=True, logs=(M2_ULTRA, other, tmp_path / "absent.log"))
    found = read(places, Deadline(1))
    assert len([event for event in only(found).events if isinstance(event, RequestEnded)]) == 1
    assert "absent.log" in whys(found)
    assert str(other) not in found.examined


def test_rotated_logs_are_put_in_order_of_time(tmp_path: Path) -> None:
    logs = tmp_path / ".ollama" / "logs"
    logs.mkdir(parents=True)
    text = M2_ULTRA.read_text(encoding="utf-8")
    (logs / "server.log").write_text(text, encoding="utf-8")
    older = text.replace("2026-02-18", "2026-02-11").replace("2026/02/18", "2026/02/11").replace("0.16.1", "0.15.0")
    (logs / "server-1.log").write_text(older, encoding="utf-8")
    found = read_logs(Places(tmp_path, isolated=True))
    assert [Path(log.where).name for log in found.logs] == ["server-1.log", "server.log"]
    assert found.newest is not None
    assert found.newest.version is not None
    assert found.newest.version.value == "0.16.1"


def test_an_empty_home_is_no_server(tmp_path: Path) -> None:
    found = read(Places(tmp_path, isolated=True), Deadline(1))
    assert found == Evidence()


def test_isolated_asks_only_what_was_named(tmp_path: Path) -> None:
    with fake_ollama() as fake:
        places = Places(tmp_path, isolated=True, environment={"OLLAMA_HOST": fake.url})
        assert read(places, Deadline(1)).servers == ()
        assert fake.requests == []
        found = read(Places(tmp_path, isolated=True, ollama=f"{fake.url}/v1"), Deadline(3))
    assert only(found).live
    assert only(found).url == fake.url


def test_ollama_host_of_the_environment_is_honoured(tmp_path: Path) -> None:
    with fake_ollama() as fake:
        host = fake.url.removeprefix("http://")
        places = Places(tmp_path, environment={"OLLAMA_HOST": host, "OLLAMA_NUM_PARALLEL": "3"})
        found = read(places, Deadline(3), units=tmp_path, service=tmp_path / "none")
    server = only(found)
    assert (server.url, server.live) == (fake.url, True)
    assert server.settings.parallel is not None
    assert (server.settings.parallel.value, server.settings.parallel.basis) == (3, Basis.ASSUMED)
    assert found.machine is None


def store_of_smollm2(home: Path, num_ctx: int = 2048) -> None:
    """Put the fake's models into a store: the blob of the label has another name than its content."""
    models = home / ".ollama" / "models"
    file = home / "header.gguf"
    write_header(file, {"general.architecture": "llama", "llama.context_length": 8192}, [("t", (32,), "F32")])
    (models / "blobs").mkdir(parents=True)
    shutil.copy(file, models / "blobs" / SMOLLM2.replace(":", "-"))
    put_model(models, "smollm2:base", SMOLLM2)
    put_model(models, "smollm2:v-2k", SMOLLM2, parameters={"num_ctx": num_ctx})


def test_live_answers_win_and_the_file_gives_the_header(tmp_path: Path) -> None:
    store_of_smollm2(tmp_path)
    with fake_ollama(loaded={"smollm2:v-2k": 2048}) as fake:
        found = read(Places(tmp_path, isolated=True, ollama=fake.url), Deadline(3))
    server = only(found)
    label = next(item for item in server.definitions if item.name == "smollm2:v-2k")
    assert label.header is not None
    assert label.header.basis is Basis.MEASURED
    assert label.same_blob == ("smollm2:base",)
    assert label.where == f"{fake.url}/api/show smollm2:v-2k"
    assert server.loaded[0].native_context is not None
    assert server.loaded[0].native_context.value == 8192
    assert "contradict" not in whys(found)


def test_contradicting_sources_are_said(tmp_path: Path) -> None:
    store_of_smollm2(tmp_path, num_ctx=4096)
    with fake_ollama() as fake:
        found = read(Places(tmp_path, isolated=True, ollama=fake.url), Deadline(3))
    label = next(item for item in only(found).definitions if item.name == "smollm2:v-2k")
    assert label.num_ctx is not None
    assert label.num_ctx.value == 2048
    assert "num_ctx of smollm2:v-2k: two sources contradict each other" in whys(found)
    assert "says 2,048" in whys(found)
    assert "says 4,096" in whys(found)


def test_models_of_another_store_are_named_but_not_mixed_in(tmp_path: Path) -> None:
    store_of_smollm2(tmp_path)
    with fake_ollama(models={"smollm2:base": FakeModel()}) as fake:
        found = read(Places(tmp_path, isolated=True, ollama=fake.url), Deadline(3))
    assert [item.name for item in only(found).definitions] == ["smollm2:base"]
    assert "another store: smollm2:v-2k" in whys(found)


@pytest.mark.parametrize("path", ["/api/tags", "/api/show"])
def test_the_store_stands_in_for_what_the_server_did_not_tell(tmp_path: Path, path: str) -> None:
    store_of_smollm2(tmp_path)
    with fake_ollama(faults={path: Fault.BROKEN}) as fake:
        found = read(Places(tmp_path, isolated=True, ollama=fake.url), Deadline(3))
    assert sorted(item.name for item in only(found).definitions) == ["smollm2:base", "smollm2:v-2k"]
    assert "500" in whys(found)


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DRIP, Fault.GARBAGE, Fault.LLAMA_SERVER])
def test_with_a_server_that_fails_the_store_is_still_read(tmp_path: Path, fault: Fault) -> None:
    store_of_smollm2(tmp_path)
    with fake_ollama(faults={"*": fault}) as fake:
        start = time.monotonic()
        found = read(Places(tmp_path, isolated=True, ollama=fake.url), Deadline(0.5))
        spent = time.monotonic() - start
    server = only(found)
    assert not server.live
    assert len(server.definitions) == 2
    assert server.name == str(tmp_path / ".ollama" / "models")
    assert f"Ollama at {fake.url}" in whys(found)
    assert spent < 2.5


def test_a_log_of_another_version_is_said_and_its_default_not_taken_over(tmp_path: Path) -> None:
    logs = tmp_path / ".ollama" / "logs"
    logs.mkdir(parents=True)
    text = M2_ULTRA.read_text(encoding="utf-8").replace("0.16.1", "0.11.4").replace("LENGTH:0", "LENGTH:4096")
    text = "\n".join(line for line in text.splitlines() if "vram-based" not in line)
    (logs / "server.log").write_text(text, encoding="utf-8")
    with fake_ollama(version="0.16.1") as fake:
        found = read(Places(tmp_path, isolated=True, ollama=fake.url), Deadline(3))
    context = only(found).settings.default_context
    assert context is not None
    assert (context.value, context.basis) == (262_144, Basis.DERIVED)
    assert "0.16.1 runs: settings may have changed" in whys(found)


def test_a_service_without_log_is_told_how_to_give_it(tmp_path: Path) -> None:
    (tmp_path / "ollama.service").write_text("[Service]\nEnvironment=OLLAMA_CONTEXT_LENGTH=65536\n", encoding="utf-8")
    service = tmp_path / "service"
    put_model(service, "a:b", put_blob(service, b"x"))
    places = Places(tmp_path / "h", environment={"OLLAMA_HOST": "127.0.0.1:9", "OLLAMA_CONTEXT_LENGTH": "1"})
    found = read(places, Deadline(1), units=tmp_path, service=service)
    server = only(found)
    assert "journalctl -u ollama --no-pager > FILE" in whys(found)
    assert server.settings.default_context is not None
    # The service's own file counts more than the shell of whoever asks.
    assert server.settings.default_context.value == 65536
    assert [item.name for item in server.definitions] == ["a:b"]


def test_files_of_this_machine_say_nothing_of_a_server_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_of_the_episode(tmp_path / "h")
    monkeypatch.setattr("truelimit.adapters.servers.ollama.read.is_this_machine", lambda _url: False)
    with fake_ollama() as fake:
        found = read(Places(home, ollama=fake.url), Deadline(3), units=tmp_path, service=tmp_path / "none")
    assert sorted(item.name for item in only(found).definitions) == ["smollm2:base", "smollm2:v-2k"]
    assert only(found).events == ()


def test_the_recorded_log_of_a_build_without_version(tmp_path: Path) -> None:
    found = read(Places(tmp_path, isolated=True, logs=(SAMPLES / "0.11.4" / "server.log",)), Deadline(1))
    server = only(found)
    assert server.engine is Engine.OLLAMA_RUNNER
    assert server.settings.default_context is not None
    assert server.settings.default_context.value == 4096
    assert server.settings.default_context_set_by is SetBy.SERVER_DEFAULT
    assert "is no release" in whys(found)
