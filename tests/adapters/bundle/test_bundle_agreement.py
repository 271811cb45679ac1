"""A bundle gives the diagnosis that the machine itself gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from servers.fake_llama_server import fake_llama_server
from servers.fake_ollama import fake_ollama
from support.bundles import collect, diagnosis_of, essence, facts_at
from support.openclaw_store import SAMPLES, build_store
from support.planted_home import plant_home
from truelimit.adapters.bundle.read import is_bundle, opened
from truelimit.adapters.demo.stage import stage
from truelimit.adapters.files.gguf.write import write_header
from truelimit.adapters.host.read import read_machine
from truelimit.adapters.servers.http import HttpTrouble, fetch
from truelimit.adapters.servers.ollama.read import read as read_ollama
from truelimit.app.ports import Deadline, Places

FEBRUARY = SAMPLES / "2026.2.17"


def test_the_demo_is_diagnosed_alike_from_its_bundle(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    stage(home)
    collect(Places(home, isolated=True), out)
    at_home, elsewhere = (essence(diagnosis_of(Places(path, isolated=True))) for path in (home, out))
    assert at_home["incidents"]
    assert at_home["findings"]
    assert elsewhere == at_home


def test_a_bundle_of_a_bundle_says_the_same(tmp_path: Path) -> None:
    home, one, two = tmp_path / "home", tmp_path / "one", tmp_path / "two"
    home.mkdir()
    stage(home)
    collect(Places(home, isolated=True), one)
    collect(Places(one, isolated=True), two)
    assert is_bundle(two)
    assert essence(diagnosis_of(Places(two, isolated=True))) == essence(diagnosis_of(Places(one, isolated=True)))
    assert (two / ".openclaw" / "openclaw.json").read_bytes() == (one / ".openclaw" / "openclaw.json").read_bytes()


def test_sessions_of_february_are_diagnosed_alike(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    folder = home / ".openclaw" / "agents" / "main" / "sessions"
    folder.mkdir(parents=True)
    (home / ".openclaw" / "logs").mkdir()
    shutil.copyfile(FEBRUARY / "openclaw.json5", home / ".openclaw" / "openclaw.json")
    shutil.copyfile(FEBRUARY / "sessions.json", folder / "sessions.json")
    for path in FEBRUARY.glob("session-*.jsonl"):
        shutil.copyfile(path, folder / path.name)
    for path in FEBRUARY.glob("log-*.jsonl"):
        shutil.copyfile(path, home / ".openclaw" / "logs" / f"{path.stem}.log")
    collect(Places(home, isolated=True), out)
    at_home, elsewhere = (essence(diagnosis_of(Places(path, isolated=True))) for path in (home, out))
    assert len(at_home["incidents"]) > 5  # type: ignore[arg-type]
    assert _sorted(elsewhere) == _sorted(at_home)


def test_the_store_of_september_is_diagnosed_alike(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    agent = home / ".openclaw" / "agents" / "main" / "agent"
    agent.mkdir(parents=True)
    shutil.copyfile(SAMPLES / "2026.9.6" / "openclaw.json", home / ".openclaw" / "openclaw.json")
    build_store(agent / "openclaw-agent.sqlite", "overflow", "timeout", "long-session", pack=True).close()
    collect(Places(home, isolated=True), out)
    at_home, elsewhere = (essence(diagnosis_of(Places(path, isolated=True))) for path in (home, out))
    assert at_home["incidents"]
    assert _sorted(elsewhere) == _sorted(at_home)


def test_a_hostile_home_is_diagnosed_alike(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    plant_home(home)
    collect(Places(home, isolated=True), out)
    one, other = (diagnosis_of(Places(path, isolated=True)) for path in (home, out))
    assert sorted(item.code for item in other.findings) == sorted(item.code for item in one.findings)
    assert [(item.cause, item.attempts) for item in other.incidents] == [
        (item.cause, item.attempts) for item in one.incidents
    ]


def test_answers_of_a_live_server_are_given_again_without_it(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    with fake_ollama(loaded={"smollm2:v-2k": 2048}) as fake:
        places = Places(home, isolated=True, ollama=fake.url)
        at_home = facts_at(places, 5).servers
        collected = collect(places, out, 5)
    elsewhere = facts_at(Places(out, isolated=True), 5).servers
    assert collected.kept["servers that answered"] == 1
    assert [server.live for server in elsewhere] == [True]
    assert elsewhere[0].loaded == at_home[0].loaded
    assert elsewhere[0].settings == at_home[0].settings
    for one, other in zip(at_home[0].definitions, elsewhere[0].definitions, strict=True):
        assert (other.name, other.num_ctx, other.digest, other.quantization) == (
            one.name,
            one.num_ctx,
            one.digest,
            one.quantization,
        )
        assert one.header is not None
        assert other.header is not None
        assert other.header.tensors == one.header.tensors
        assert other.header.native_context == one.header.native_context
        assert other.header.get("attention.head_count_kv") == one.header.get("attention.head_count_kv")


def _sorted(value: dict[str, object]) -> dict[str, object]:
    """Return the essence with lists in an order of their own: renamed sessions are met in another order."""
    return {key: sorted(map(repr, item)) if isinstance(item, list) else item for key, item in value.items()}


def test_a_llama_server_is_given_again_with_the_header_of_its_file(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    model = tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf"
    write_header(
        model,
        {"general.architecture": "llama", "llama.context_length": 8192, "llama.block_count": 1},
        [("token_embd.weight", (576, 49152), "Q8_0")],
        sparse=True,
    )
    with fake_llama_server() as fake:
        status, props = fake.replies["/props"]
        fake.replies["/props"] = (status, {**props, "model_path": str(model)})  # type: ignore[dict-item]
        places = Places(home, environment={}, ollama="http://127.0.0.1:9", servers=(fake.url,))
        at_home = facts_at(places, 5).servers[0]
        collect(places, out, 5)
    found = facts_at(Places(out, isolated=True), 5)
    (elsewhere,) = found.servers
    assert elsewhere.loaded == at_home.loaded
    assert elsewhere.settings == at_home.settings
    assert [item.name for item in elsewhere.definitions] == [item.name for item in at_home.definitions]
    header = at_home.definitions[0].header
    assert header is not None
    assert [(item.tensors, item.file_bytes) for item in found.models] == [(header.tensors, header.file_bytes)]


def test_only_the_record_answers(tmp_path: Path) -> None:
    """A question that the record does not hold never reaches the network."""
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    with fake_ollama() as fake:
        collect(Places(home, isolated=True, ollama=fake.url), out, 5)
        with opened(Places(out, isolated=True)) as places:
            asked = len(fake.requests)
            with pytest.raises(HttpTrouble, match="not in the bundle"):
                fetch("GET", f"{places.ollama}/api/nonsense", Deadline(5))
            read_ollama(places, Deadline(5))
        assert len(fake.requests) == asked


def test_the_machine_and_the_variables_come_from_the_bundle(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    (home / ".ollama" / "models" / "manifests").mkdir(parents=True)
    variables = {
        "OLLAMA_CONTEXT_LENGTH": "65536",
        "OLLAMA_HOST": "zq7.local",
        "OLLAMA_MODELS": "/zq7",
        "ZQ7_KEY": "zq7",
        "OLLAMA_KEEP_ALIVE": "zq7 secret",
    }
    collect(Places(home, environment=variables, ollama="http://127.0.0.1:9"), out)
    assert not any(b"zq7" in path.read_bytes() for path in out.rglob("*") if path.is_file())
    machine = facts_at(Places(out, isolated=True)).machine
    this = read_machine(Places(home), Deadline(0)).machine
    assert this is not None
    assert [pool.capacity for pool in machine.pools] == [pool.capacity for pool in this.pools]
    assert (machine.name, machine.chip) == (None, this.chip)
    with opened(Places(out, isolated=True)) as places:
        assert places.environment == {"OLLAMA_CONTEXT_LENGTH": "65536"}


@pytest.mark.parametrize("content", [b"", b"[", b"null", b"[1, {}]", b'{"pools": [1, {"kind": "x"}]}', b"\xff\xfe"])
def test_a_damaged_bundle_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    stage(home)
    collect(Places(home, isolated=True), out)
    for name in ("live.json", "machine.json", "environment.json", "models.json", "bundle.json"):
        (out / ".truelimit" / name).write_bytes(content)
    (out / ".truelimit" / "models").mkdir()
    (out / ".truelimit" / "models" / "x.gguf").write_bytes(content)
    assert diagnosis_of(Places(out, isolated=True)).incidents
