"""Servers that are down, slow or something else: told as such, within the bound on network time, and no traceback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.fake_llama_server import fake_llama_server
from servers.fake_ollama import FakeModel, Fault, fake_ollama
from support.damage import run
from support.homes import HOMES
from support.json_contract import checked_doctor


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TRUELIMIT_DEBUG", "1")


def doctor(home: Path, *arguments: str, bound: float = 1.0) -> tuple[int, dict]:
    """Return exit code and checked JSON; the run must not outlast the bound on network time by much."""
    home.mkdir(exist_ok=True)
    started = time.monotonic()
    code, out, err = run("doctor", "--home", str(home), "--network-seconds", str(bound), "--json", *arguments)
    assert time.monotonic() - started < bound + 2.0
    assert err == ""
    return code, checked_doctor(out)


def told(value: dict, *parts: str) -> bool:
    lines = [f"{item['fact']}: {item['why']}" for item in value["missing"]]
    return any(all(part in line for part in parts) for line in lines)


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """A server of another protocol: it says ``answer`` to every connection at once, or (None) hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    if answer is not None:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stop.set()
        thread.join(2)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("option", ["--ollama", "--server"])
def test_a_server_that_is_down_is_told(option: str, tmp_path: Path) -> None:
    url = closed_port()
    code, value = doctor(tmp_path / "home", option, url)
    assert code == 2
    assert told(value, url.removeprefix("http://"))


@pytest.mark.parametrize("option", ["--ollama", "--server"])
@pytest.mark.parametrize(
    "url", ["http://", "http://[bad", "ftp://x", "http://127.0.0.1:99999", "::::", "", "a b", "\0"]
)
def test_an_address_that_is_none_is_told(option: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    code, out, err = run("doctor", "--home", str(tmp_path / "home"), f"{option}={url}", "--json")
    assert code == 2
    if out:
        assert checked_doctor(out)["missing"]
    else:
        assert err.startswith("truelimit: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize("option", ["--ollama", "--server"])
@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"\0" * 10_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/9.9 abc what\r\n\r\n",
        b"220 mail.example ESMTP\r\n",
    ],
    ids=["hangs-up", "ssh", "tls", "zeros", "negative-length", "endless-length", "no-gzip", "redirect", "headers",
         "no-http", "smtp"],
)  # fmt: skip
def test_a_server_of_another_protocol_is_told(option: str, answer: bytes | None, tmp_path: Path) -> None:
    with listening(answer) as url:
        code, value = doctor(tmp_path / "home", option, url)
    assert code == 2
    assert told(value, url.removeprefix("http://"))


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("path", ["*", "/api/version", "/api/tags", "/api/ps", "/api/show"])
def test_an_ollama_that_misbehaves(fault: Fault, path: str, tmp_path: Path) -> None:
    bound = 0.4 if fault in {Fault.SLOW, Fault.DRIP, Fault.ENDLESS} else 5.0
    with fake_ollama(faults={path: fault}) as fake:
        code, value = doctor(tmp_path / "home", "--ollama", fake.url, bound=bound)
    if path == "*" and fault not in {Fault.ERROR_IN_STREAM}:
        assert code == 2 or fault is Fault.WRONG_TYPES
        assert told(value, fake.url.removeprefix("http://"))
    if code == 2:
        assert value["missing"]


@pytest.mark.parametrize("path", ["/props", "/v1/models", "/slots", "/metrics"])
@pytest.mark.parametrize(
    "reply",
    [
        (200, "<html>not here</html>"),
        (200, []),
        (200, {}),
        (200, None),
        (200, {"n_ctx": "many", "data": [{"meta": None}], "default_generation_settings": {"n_ctx": -1}}),
        (200, {"default_generation_settings": {"n_ctx": 10**400}, "total_slots": 10**30, "data": [{"id": 5}]}),
        (401, {"error": {"code": 401, "message": "Invalid API Key"}}),
        (503, {"error": {"code": 503, "message": "Loading model"}}),
        (500, "x" * 1_000_000),
    ],
    ids=["html", "list", "empty", "null", "wrong-types", "huge", "locked", "loading", "broken"],
)
def test_a_llama_server_that_misbehaves(path: str, reply: tuple[int, object], tmp_path: Path) -> None:
    with fake_llama_server() as fake:
        fake.replies[path] = reply
        code, value = doctor(tmp_path / "home", "--server", fake.url, bound=5.0)
    assert code in {0, 1, 2}
    if code == 2:
        assert told(value, fake.url.removeprefix("http://"))


def test_ollama_and_llama_server_taken_for_one_another(tmp_path: Path) -> None:
    with fake_llama_server() as llama, fake_ollama() as ollama:
        code, value = doctor(tmp_path / "home", "--ollama", llama.url, bound=5.0)
        assert (code, told(value, llama.url.removeprefix("http://"))) == (2, True)
        code, value = doctor(tmp_path / "home", "--server", ollama.url, bound=5.0)
        assert (code, told(value, ollama.url.removeprefix("http://"))) == (2, True)


def test_a_server_that_hangs_takes_no_file_evidence_down(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path / "home")
    with fake_ollama(faults={"*": Fault.SLOW}) as fake:
        code, value = doctor(tmp_path / "home", "--ollama", fake.url, bound=0.4)
    assert code == 1
    assert value["incidents"][0]["cause"] == "prefill-exceeds-wall"
    assert told(value, fake.url.removeprefix("http://"))


def test_many_hanging_servers_share_one_bound(tmp_path: Path) -> None:
    with fake_ollama(faults={"*": Fault.SLOW}) as fake:
        servers = [part for _ in range(12) for part in ("--server", fake.url)]
        code, value = doctor(tmp_path / "home", "--ollama", fake.url, *servers, bound=1.0)
    assert code == 2
    assert value["missing"]


def test_what_runs_stands_before_what_lies_on_disk(tmp_path: Path) -> None:
    """Contradicting evidence: the store's definition says 131,072, the live server has loaded 65,536."""
    HOMES["demo"].arguments(tmp_path / "home")
    name = "qwen3-coder-30b:v-128k"
    models = {name: FakeModel(131_072, native=262_144), "qwen3-coder:30b": FakeModel(native=262_144)}
    config = tmp_path / "home" / ".openclaw" / "openclaw.json"
    with fake_ollama(version="0.16.2", models=models, loaded={name: 65_536}) as fake:
        text = config.read_text(encoding="utf-8").replace("http://127.0.0.1:11434", fake.url)
        config.write_text(text, encoding="utf-8")
        _, value = doctor(tmp_path / "home", "--ollama", fake.url, bound=5.0)
    (ladders,) = value["ladders"]
    binding = ladders["context"]["binding"]
    assert (binding["name"], binding["value"]) == ("loaded", 65_536)
    by_name = {rung["name"]: rung["value"] for rung in ladders["context"]["rungs"]}
    assert by_name["definition"] == 131_072, "the other evidence is still shown"


@pytest.mark.parametrize("text", ["-1", "0", "nan", "inf", "soon", "1e99"])
def test_a_bound_on_the_network_that_is_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("doctor", "--home", str(tmp_path), f"--network-seconds={text}")
    assert stopped.value.code == 2
