"""Bad files of every kind in the place of every source: a word on it, never a traceback, in bounded time."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.damage import CONTENT, KIND, NOT_TOLD, mutated, run
from support.homes import HOMES
from support.json_contract import checked_doctor, load_strict

# What is left is a file that its program would read as well, with other numbers or other text in it.
STILL_VALID = {
    "utf-16", "lone-surrogates", "huge-numbers", "floats-beyond-float", "nan", "negative", "zero", "texts-for-numbers",
    "null-for-numbers", "a-million-entries",
}  # fmt: skip
MANIFESTS = ".ollama/models/manifests/registry.ollama.ai/library"
SOURCES = {
    "configuration": ("demo", ".openclaw/openclaw.json"),
    "session-index": ("demo", ".openclaw/agents/main/sessions/sessions.json"),
    "transcript": ("demo", ".openclaw/agents/main/sessions/20260218-refactor.jsonl"),
    "server-log": ("demo", ".ollama/logs/server.log"),
    "manifest": ("demo", f"{MANIFESTS}/qwen3-coder-30b/v-128k"),
    "parameters": ("demo", "parameters"),
    "model-blob": ("demo", "model"),
    "store": ("september", ".openclaw/agents/main/agent/openclaw-agent.sqlite"),
    "new-configuration": ("september", ".openclaw/openclaw.json"),
}


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt folder of the test's own; a fault in an edge is raised instead of being reported as missing."""
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TRUELIMIT_DEBUG", "1")


def source(home: Path, path: str) -> Path:
    blobs = home / ".ollama" / "models" / "blobs"
    if path == "model":
        return max(blobs.iterdir(), key=lambda item: item.stat().st_size)
    if path == "parameters":
        return next(item for item in blobs.iterdir() if b"num_ctx" in item.read_bytes()[:100])
    return home / path


def examined(home: Path) -> dict:
    """Run the doctor; return its JSON after checking it against the contract."""
    code, out, err = run("doctor", "--home", str(home), "--json")
    assert err == ""
    value = checked_doctor(out)
    assert code in {0, 1, 2}
    assert (code == 2) == (not value["ladders"] and not value["incidents"])
    return value


@pytest.mark.parametrize("damage", [*KIND, *CONTENT])
@pytest.mark.parametrize("name", SOURCES)
def test_a_bad_file_is_told_and_takes_nothing_else_down(name: str, damage: str, tmp_path: Path) -> None:
    kind, path = SOURCES[name]
    home = tmp_path / "home"
    HOMES[kind].arguments(home)
    file = source(home, path)
    {**KIND, **CONTENT}[damage](file)
    value = examined(home)
    told = [item for item in value["missing"] if file.name in item["fact"] + item["why"]]
    told += [item for item in value["examined"] if file.name in item]
    assert told or damage in NOT_TOLD or damage in STILL_VALID
    if name not in {"configuration", "new-configuration"}:
        assert value["ladders"], "the agent's models are still known"
    code, out, _ = run("doctor", "--home", str(home), "--width", "80")
    assert (code, bool(out)) == (code, True)
    code, out, _ = run("fix", "--home", str(home), "--json")
    load_strict(out)


@pytest.mark.parametrize("damage", [*KIND, *CONTENT])
@pytest.mark.parametrize("option", ["--log", "--session", "--model-file"])
def test_a_bad_file_that_the_user_named_is_told(option: str, damage: str, tmp_path: Path) -> None:
    file = tmp_path / "named.dat"
    file.write_bytes(b"0123456789" * 100)
    {**KIND, **CONTENT}[damage](file)
    (tmp_path / "home").mkdir()
    code, out, err = run("doctor", "--home", str(tmp_path / "home"), option, str(file), "--json")
    assert code == 2
    if out:
        assert err == ""
        assert any("named.dat" in item["fact"] + item["why"] for item in checked_doctor(out)["missing"])
    else:
        assert err.startswith("truelimit: ")
        assert err.count("\n") == 1
        assert "named.dat" in err


@pytest.mark.parametrize("option", ["--log", "--session", "--model-file"])
@pytest.mark.parametrize("name", SOURCES)
def test_a_good_file_of_the_wrong_kind_is_told(option: str, name: str, tmp_path: Path) -> None:
    kind, path = SOURCES[name]
    home, empty = tmp_path / "home", tmp_path / "empty"
    HOMES[kind].arguments(home)
    empty.mkdir()
    file = source(home, path)
    code, out, err = run("doctor", "--home", str(empty), option, str(file), "--json")
    assert err == ""
    value = checked_doctor(out)
    told = [item["fact"] + item["why"] for item in value["missing"]] + value["examined"]
    assert any(file.name in text for text in told)
    if code == 2:
        assert any(file.name in item["fact"] + item["why"] for item in value["missing"])


@pytest.mark.parametrize("named", ["model", "configuration"])
def test_plan_of_a_bad_model_file_is_one_line(named: str, tmp_path: Path) -> None:
    for damage in (*KIND, *CONTENT):
        file = tmp_path / f"{damage}.gguf"
        file.write_bytes(b"GGUF" + b"0123456789" * 100)
        {**KIND, **CONTENT}[damage](file)
        code, out, err = run("plan", str(file), "--home", str(tmp_path), "--json")
        assert (code, out) == (2, "")
        assert err.startswith("truelimit: ")
        assert err.count("\n") == 1
        assert file.name in err or damage in {"missing", "dead-link"}


def test_digests_do_not_lead_out_of_the_store(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path / "home")
    secret = tmp_path / "secret"
    secret.write_bytes(b'{"num_ctx": 77777}')
    manifest = source(tmp_path / "home", f"{MANIFESTS}/qwen3-coder-30b/v-128k")
    text = manifest.read_text(encoding="utf-8")
    for digest in ("sha256:../../../../secret", "sha256-../../../../secret", "../../../../../secret", str(secret)):
        manifest.write_text(_with_digest(text, digest), encoding="utf-8")
        value = examined(tmp_path / "home")
        assert "77777" not in str(value)
        assert "77,777" not in str(value)


def _with_digest(manifest: str, digest: str) -> str:
    import json

    value = json.loads(manifest)
    for layer in value["layers"]:
        layer["digest"] = digest
    return json.dumps(value)


def test_includes_that_go_round_end(tmp_path: Path) -> None:
    folder = tmp_path / ".openclaw"
    folder.mkdir()
    (folder / "openclaw.json").write_text('{ $include: "./a.json5", agents: {} }', encoding="utf-8")
    (folder / "a.json5").write_text('{ $include: ["./b.json5", "./openclaw.json"] }', encoding="utf-8")
    (folder / "b.json5").write_text('{ $include: "./a.json5" }', encoding="utf-8")
    examined(tmp_path)
    many = ", ".join('"./b.json5"' for _ in range(2000))
    (folder / "openclaw.json").write_text(f"{{ $include: [{many}] }}", encoding="utf-8")
    examined(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_folders_that_link_to_themselves_end(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path)
    (tmp_path / ".openclaw" / "agents" / "loop").symlink_to(tmp_path / ".openclaw" / "agents")
    (tmp_path / ".openclaw" / "agents" / "main" / "sessions" / "again").symlink_to(tmp_path)
    library = tmp_path / MANIFESTS
    (library / "loop").symlink_to(library)
    (tmp_path / ".openclaw-work").symlink_to(tmp_path / ".openclaw-work")
    value = examined(tmp_path)
    assert len(value["incidents"]) == 1


def test_a_home_with_very_many_models_ends(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path)
    library, manifest = tmp_path / MANIFESTS, source(tmp_path, f"{MANIFESTS}/qwen3-coder-30b/v-128k")
    (library / "many").mkdir()
    for number in range(5000):
        os.link(manifest, library / "many" / f"t{number}")
    value = examined(tmp_path)
    assert value["incidents"]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["demo", "september"]))
def test_any_mutation_of_a_homes_files_gives_a_report(seed: int, kind: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.rmtree(home, ignore_errors=True)
    HOMES[kind].arguments(home)
    chance = random.Random(seed)
    files = sorted(path for path in home.rglob("*") if path.is_file())
    for path in chance.sample(files, min(len(files), chance.choice([1, 1, 2, 4]))):
        path.write_bytes(mutated(path.read_bytes(), chance))
    examined(home)
    assert run("doctor", "--home", str(home), "--markdown")[1]
    load_strict(run("fix", "--home", str(home), "--json")[1])
    code, out, err = run("plan", "qwen3-coder-30b:v-128k", "--home", str(home), "--json")
    assert (code == 2) == (out == "")
    assert err.count("\n") == (code == 2)
