"""Every answer a server may give to the HTTP client, and every one that it should not."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from truelimit.adapters.servers.http import HttpTrouble, fetch, get_json, get_text, post_json, shown
from truelimit.app.ports import Deadline


@contextmanager
def raw_server(speak: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Serve one connection after another with ``speak(connection, request)``; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    speak(connection, connection.recv(65536))
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(2)


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> Callable[[socket.socket, bytes], None]:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n".encode()
    return lambda connection, _request: connection.sendall(head + body)


def drip(first: bytes, forever: bytes) -> Callable[[socket.socket, bytes], None]:
    def speak(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(forever)
            time.sleep(0.02)

    return speak


def trouble(url: str, seconds: float = 5.0, **options: float | int) -> HttpTrouble:
    with pytest.raises(HttpTrouble) as caught:
        get_json(url, Deadline(seconds), **options)  # type: ignore[arg-type]
    return caught.value


def test_json_answer() -> None:
    with raw_server(answer(b'{"a": [1, 2]}')) as url:
        assert get_json(url + "/props", Deadline(5)) == {"a": [1, 2]}


def test_post_sends_json_and_returns_json() -> None:
    seen = []

    def speak(connection: socket.socket, request: bytes) -> None:
        while not request.endswith(b"}"):
            request += connection.recv(65536)
        seen.append(request)
        answer(b'{"input_tokens": 7}')(connection, request)

    with raw_server(speak) as url:
        assert post_json(url + "/count", {"text": "é"}, Deadline(5)) == {"input_tokens": 7}
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /count HTTP/1.1")
    assert b"application/json" in head
    assert json.loads(body) == {"text": "é"}


def test_text_answer_keeps_json_as_text() -> None:
    with raw_server(answer(b"Ollama is running")) as url:
        assert get_text(url, Deadline(5)) == "Ollama is running"


def test_fetch_gives_status_headers_and_error_body() -> None:
    with raw_server(answer(b'{"error": {"n_ctx": 2048}}', "400 Bad Request", "Server: llama.cpp\r\n")) as url:
        reply = fetch("GET", url, Deadline(5))
    assert (reply.status, reply.headers["server"], reply.value) == (400, "llama.cpp", {"error": {"n_ctx": 2048}})


@pytest.mark.parametrize(
    ("status", "words"),
    [("401 Unauthorized", "API key"), ("404 Not Found", "path"), ("501 Not", "switched off"), ("500 X", "status 500")],
)
def test_error_status_says_what_to_do(status: str, words: str) -> None:
    with raw_server(answer(b'{"error": "secret text"}', status)) as url:
        error = trouble(url)
    assert error.status == int(status[:3])
    assert words in str(error)
    assert "secret text" not in str(error)
    assert error.value == {"error": "secret text"}
    assert "\n" not in str(error)


def test_not_json() -> None:
    with raw_server(answer(b"<html>hello</html>")) as url:
        error = trouble(url)
    assert "not JSON" in str(error)
    assert error.status == 200


def test_json_nested_too_deep_is_not_json() -> None:
    with raw_server(answer(b"[" * 200_000)) as url:
        assert "not JSON" in str(trouble(url))


def test_body_over_its_cap() -> None:
    with raw_server(answer(b" " * 5000)) as url:
        assert "larger than 1,000 bytes" in str(trouble(url, cap=1000))


def test_compressed_answer_is_refused() -> None:
    with raw_server(answer(b"x", headers="content-encoding: gzip\r\n")) as url:
        assert "compressed" in str(trouble(url))


@pytest.mark.parametrize(
    ("first", "forever"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", b" ", id="body"),
        pytest.param(b"", b"", id="silence"),
    ],
)
def test_a_drip_does_not_outlast_the_deadline(first: bytes, forever: bytes) -> None:
    with raw_server(drip(first, forever)) as url:
        started = time.monotonic()
        error = trouble(url, seconds=0.3)
        assert time.monotonic() - started < 1.5
    assert "no complete answer within" in str(error)
    assert error.status is None


def test_timeout_below_the_deadline_counts() -> None:
    with raw_server(drip(b"", b"")) as url:
        assert "within 0.2 s" in str(trouble(url, seconds=60, timeout=0.2))


def test_no_time_left_asks_nothing() -> None:
    assert "time for all servers is used up" in str(trouble("http://127.0.0.1:9", seconds=0))


def test_redirect_is_not_followed_and_named() -> None:
    with raw_server(answer(b"", "302 Found", "location: http://u:p@elsewhere.example/x?k=1\r\n")) as url:
        error = trouble(url)
    assert "redirects to http://elsewhere.example/x (not followed)" in str(error)


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = trouble(f"http://127.0.0.1:{port}")
    assert "nothing answers" in str(error)


def test_another_protocol() -> None:
    with raw_server(lambda connection, _request: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as url:
        assert "cannot be understood" in str(trouble(url))


def test_tls_port_asked_wrongly() -> None:
    with raw_server(answer(b"{}")) as url:
        assert "TLS" in str(trouble(url.replace("http:", "https:")))


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://h/x", "http://", "http://h:99999", "http://[::1", "file:///x"]
)
def test_not_an_address(url: str) -> None:
    assert "not an address" in str(trouble(url))


def test_secrets_of_the_address_stay_out_of_the_message() -> None:
    error = trouble("http://me:hunter2@127.0.0.1:1/v1?key=abc#frag", seconds=0)
    assert str(error).startswith("http://127.0.0.1:1/v1: ")
    assert "hunter2" not in repr(error.args)
    assert shown("http://[") == "(unreadable address)"


def test_proxies_of_the_environment_do_not_reach_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with raw_server(answer(b"1")) as url:
        assert get_json(url, Deadline(5)) == 1
