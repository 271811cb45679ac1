from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.openclaw_store import SAMPLES
from support.planted_home import HOST, KEY, MARK, PROMPT, USER, plant_home
from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.named_files import write_logs, write_session_files
from truelimit.adapters.bundle.recorded_shapes import shaped
from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.bundle.server_logs import write_server_log
from truelimit.adapters.bundle.write import write_bundle
from truelimit.app.ports import Deadline, Places

ROOT = SAMPLES.parent


def assert_clean(folder: Path) -> None:
    """No planted text is in any byte or name of the folder."""
    for path in folder.rglob("*"):
        assert MARK not in str(path.relative_to(folder))
        if path.is_file():
            data = path.read_bytes()
            for text in (MARK, KEY, USER, HOST, PROMPT, "hunter2", "merger"):
                assert text.encode() not in data, path
                assert text.encode("utf-16-le") not in data, path


def test_nothing_that_was_planted_is_in_the_bundle(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    plant_home(home)
    found = write_bundle(Places(home, isolated=True), Deadline(0), out)
    assert_clean(out)
    assert found.kept["installations of OpenClaw"] == 2
    assert found.kept["models in Ollama's store"] == 1
    assert found.kept["logs of Ollama"] == 1
    assert found.left_out["API keys"] == 2
    assert (out / ".openclaw" / "openclaw.json").is_file()
    assert len(list(out.rglob("*.sqlite"))) == 2


def test_what_was_left_out_is_said_with_counts(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    plant_home(home)
    found = write_bundle(Places(home, isolated=True), Deadline(0), out)
    page = (out / "WHAT-IS-LEFT-OUT.md").read_text(encoding="utf-8")
    for what, count in found.left_out.items():
        assert f"- {what}: {count:,}" in page
    assert "- API keys: 2" in page


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [path]


def _planted(value: Any, choose: Any, text: str) -> Any:
    """Return the value with the text in the place of one of its leaves, or as one more member."""
    copied = json.loads(json.dumps(value))
    leaves = _leaves(copied)
    if not leaves:
        return copied
    *path, last = leaves[choose(len(leaves))]
    holder = copied
    for key in path:
        holder = holder[key]
    holder[last] = text
    if isinstance(holder, dict) and choose(2):
        holder[text] = text
    return copied


LINES = [
    (path, line)
    for path in sorted((SAMPLES).rglob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()[:40]
    if line.startswith("{")
]
TEXTS = st.sampled_from(
    [PROMPT, KEY, f"request timed out {PROMPT}", f"/Users/{USER}/{KEY}!", f"503 {PROMPT} loading model"]
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.sampled_from(LINES), text=TEXTS, data=st.data())
def test_a_text_anywhere_in_a_transcript_or_log_stays_here(
    line: tuple[Path, str], text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path, raw = line
    planted = _planted(json.loads(raw), lambda count: data.draw(st.integers(0, count - 1)), text)
    source = folder / "source.jsonl"
    source.write_text(f"{raw}\n{json.dumps(planted)}\n{raw}\n", encoding="utf-8")
    out = folder / "out"
    files = BundleFiles(out)
    if path.name.startswith("log-"):
        write_logs((source,), files)
    else:
        write_session_files((source,), files)
    assert_clean(out)


SERVER_LINES = [
    (path.name, number, line)
    for path in sorted(ROOT.rglob("*.log"))
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines())
    if "template selection" not in line  # the name of a model stands in it as a bare word
    if any(word in line for word in ("msg=", "[GIN]", "n_tokens", "n_ctx", "buffer size", "model", "K ("))
]


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.sampled_from(SERVER_LINES), text=TEXTS, data=st.data())
def test_a_text_anywhere_in_a_server_log_stays_here(
    line: tuple[str, int, str], text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    raw = line[2]
    at = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(at, min(len(raw), at + 30)))
    planted = raw[:at] + text + raw[end:]
    source = folder / "server.log"
    start = "0.00.019.358 I srv    load_model: loading model '/x/a.gguf'\n" if raw[:1].isdigit() else ""
    first = start or 'time=2026-02-18T11:00:00Z level=INFO source=server.go:1 msg="starting runner" cmd="ollama"\n'
    source.write_text(f"{first}{raw}\n{planted}\n", encoding="utf-8")
    files = BundleFiles(folder / "out")
    assert write_server_log(source, "server.log", files) is not None
    assert_clean(folder / "out")


ANSWERS = [
    ("/api/version", ROOT / "ollama" / "0.11.4" / "version.json"),
    ("/api/tags", ROOT / "ollama" / "0.11.4" / "tags.json"),
    ("/api/ps", ROOT / "ollama" / "0.11.4" / "ps.json"),
    ("/api/show", ROOT / "ollama" / "0.11.4" / "show-v-2k.json"),
    ("/props", ROOT / "llamacpp" / "b10434_smollm2" / "props.json"),
    ("/v1/models", ROOT / "llamacpp" / "b10434_smollm2" / "v1_models.json"),
    ("/slots", ROOT / "llamacpp" / "b11549_smollm2" / "slots_idle.json"),
]


@settings(deadline=None, max_examples=200)
@given(answer=st.sampled_from(ANSWERS), text=TEXTS, data=st.data())
def test_a_text_anywhere_in_an_answer_stays_here(answer: tuple[str, Path], text: str, data: st.DataObject) -> None:
    path, file = answer
    value = json.loads(file.read_text(encoding="utf-8"))
    value = value.get("body", value) if isinstance(value, dict) else value
    planted = _planted(value, lambda count: data.draw(st.integers(0, count - 1)), text)
    kept = json.dumps(shaped(planted, path, Redactor()))
    assert MARK not in kept
    assert "hunter2" not in kept


def test_names_are_numbered_alike_everywhere() -> None:
    redact = Redactor()
    assert redact.session("call me") == redact.session("call me") != redact.session("call him")
    assert redact.session("0b1c2d3e-0000-4000-8000-123456789abc") == "session-00003"
    assert redact.session_key("agent:main:explicit:call me").endswith(f":explicit:{redact.session('call me')}")
    assert redact.name("/Users/bob/models/x.gguf") == "/models/x.gguf"
    assert redact.name(r"C:\Users\bob\x.gguf") == "/models/x.gguf"
    assert redact.name("qwen3-coder-30b:v-128k") == "qwen3-coder-30b:v-128k"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://bob:pw@localhost:11434", "http://localhost:11434"),
        ("http://bobs-mac.local:8080/x/v1?k=1", "http://host-1.local:8080/v1"),
        ("http://box:8080", "http://host-1:8080"),
        ("https://api.corp.com/secret/v1", "https://host-1.example/v1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://8.8.8.8/", "http://host-1.example"),
        ("http://192.168.1.20:11434", "http://192.168.1.20:11434"),
        ("ftp://x", "(removed)"),
        ("http://[", "(removed)"),
    ],
)
def test_an_address_keeps_its_kind(url: str, kept: str) -> None:
    assert Redactor().url(url) == kept
