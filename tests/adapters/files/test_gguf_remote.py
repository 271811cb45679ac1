"""The reader over HTTP, against a server that supports ranges and many that do not."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.files.gguf.remote import FIRST_BYTES, read_remote_header
from truelimit.adapters.files.gguf.write import write_header
from truelimit.app.ports import Deadline
from truelimit.domain.provenance import Basis

Answer = Callable[["Handler", int, int], None]


class Handler(BaseHTTPRequestHandler):
    files: dict[str, bytes]
    answer: Answer
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("range", ""))
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        assert match is not None
        type(self).answer(self, int(match[1]), int(match[2]))

    def content(self) -> bytes | None:
        return self.files.get(self.path.partition("?")[0])

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


def ranges(handler: Handler, start: int, end: int) -> None:
    content = handler.content()
    if content is None:
        return handler.send(404)
    if start >= len(content):
        return handler.send(416)
    body = content[start : end + 1]
    return handler.send(206, body, Content_Range=f"bytes {start}-{start + len(body) - 1}/{len(content)}")


@contextmanager
def server(files: dict[str, bytes], answer: Answer = ranges) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    kind = type("Bound", (Handler,), {"files": files, "answer": staticmethod(answer), "asked": asked})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    httpd.daemon_threads = True
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def small(tmp_path: Path, **extra: object) -> bytes:
    path = tmp_path / "model.gguf"
    write_header(path, {"general.architecture": "llama", **extra}, [("t", (256, 4), "Q4_K")], sparse=True)
    return path.read_bytes()


def test_small_file_takes_one_request(tmp_path: Path) -> None:
    content = small(tmp_path)
    with server({"/m.gguf": content}) as (url, asked):
        header = read_remote_header(f"{url}/m.gguf", Deadline(5))
    local = read_header(tmp_path / "model.gguf")
    assert (header.metadata, header.tensors, header.file_bytes) == (local.metadata, local.tensors, len(content))
    assert (header.where, header.basis) == (f"{url}/m.gguf", Basis.MEASURED)
    assert asked == [f"bytes=0-{FIRST_BYTES - 1}"]


def test_large_header_takes_more_and_nothing_twice(tmp_path: Path) -> None:
    content = small(tmp_path, tokens=["x" * 50] * 100_000) + bytes(30 * 2**20)
    with server({"/m.gguf": content}) as (url, asked):
        header = read_remote_header(f"{url}/m.gguf", Deadline(5))
    assert header.metadata["tokens.count"] == 100_000
    firsts = [int(item.removeprefix("bytes=").partition("-")[0]) for item in asked]
    lasts = [int(item.rpartition("-")[2]) for item in asked]
    assert firsts == [0, *(last + 1 for last in lasts[:-1])]
    assert sum(last - first + 1 for first, last in zip(firsts, lasts, strict=True)) < len(content) / 2


def test_split_model(tmp_path: Path) -> None:
    files = {}
    for index in (1, 2):
        path = tmp_path / "part"
        metadata = {"general.architecture": "llama", "split.count": 2, "split.no": index - 1}
        write_header(path, metadata, [(f"t{index}", (32,), "F32")])
        files[f"/a/m-{index:05}-of-00002.gguf"] = path.read_bytes()
    with server(files) as (url, _):
        header = read_remote_header(f"{url}/a/m-00001-of-00002.gguf?download=1", Deadline(5))
        assert [tensor.name for tensor in header.tensors] == ["t1", "t2"]
        assert header.file_bytes == sum(map(len, files.values()))
        del files["/a/m-00002-of-00002.gguf"]
        with pytest.raises(GgufError, match=r"m-00002-of-00002\.gguf: the server answered with status 404"):
            read_remote_header(f"{url}/a/m-00001-of-00002.gguf", Deadline(5))


def test_redirects_are_followed(tmp_path: Path) -> None:
    def moved(handler: Handler, start: int, end: int) -> None:
        if handler.path == "/old":
            handler.send(302, Location="/m.gguf")
        else:
            ranges(handler, start, end)

    with server({"/m.gguf": small(tmp_path)}, moved) as (url, _):
        assert read_remote_header(f"{url}/old", Deadline(5)).architecture == "llama"


def no_ranges(handler: Handler, start: int, end: int) -> None:
    handler.send(200, handler.content() or b"")


def endless_redirect(handler: Handler, start: int, end: int) -> None:
    handler.send(302, Location=f"{handler.path}x")


def short_body(handler: Handler, start: int, end: int) -> None:
    content = handler.content() or b""
    handler.send_response(206)
    handler.send_header("Content-Length", str(len(content)))
    handler.send_header("Content-Range", f"bytes 0-{len(content) - 1}/{len(content)}")
    handler.end_headers()
    handler.wfile.write(content[:50])
    handler.close_connection = True


def lying_length(handler: Handler, start: int, end: int) -> None:
    content = handler.content() or b""
    handler.send(206, content[:50], Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}")


def other_range(handler: Handler, start: int, end: int) -> None:
    handler.send(206, bytes(100), Content_Range="bytes 100-199/9999")


def no_content_range(handler: Handler, start: int, end: int) -> None:
    handler.send(206, bytes(100))


def too_much(handler: Handler, start: int, end: int) -> None:
    handler.send(206, bytes(4 * 2**20), Content_Range=f"bytes 0-{end}/99999999")


def compressed(handler: Handler, start: int, end: int) -> None:
    handler.send(206, bytes(100), Content_Range="bytes 0-99/100", Content_Encoding="gzip")


def a_page(handler: Handler, start: int, end: int) -> None:
    handler.send(206, b"<html></html>", Content_Range="bytes 0-12/13")


def garbage(handler: Handler, start: int, end: int) -> None:
    handler.wfile.write(b"\x00\x01\x02 nonsense\r\n\r\n")


def never_enough(handler: Handler, start: int, end: int) -> None:
    """Claims a list of strings that goes on as long as one asks."""
    size = 10**9
    body = bytes(end + 1 - start)
    if start == 0:
        head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**23)
        body = head + b"".join([struct.pack("<Q", 100) + bytes(100)] * 10000)
        body = body[: end + 1]
    handler.send(206, body, Content_Range=f"bytes {start}-{end}/{size}")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (no_ranges, "ignores range requests"),
        (endless_redirect, "redirects without end"),
        (short_body, "no usable answer|bytes came"),
        (lying_length, "50 bytes came"),
        (other_range, "the server sent bytes 100 to 199 of 9,999"),
        (no_content_range, "no usable Content-Range"),
        (too_much, "more than it announced"),
        (compressed, "compressed"),
        (a_page, "starts with b'<htm'"),
        (garbage, "no usable answer"),
        (never_enough, "header is longer than|goes on after the end"),
    ],
)
def test_faulty_servers_give_one_clear_error(tmp_path: Path, answer: Answer, message: str) -> None:
    with server({"/m.gguf": small(tmp_path)}, answer) as (url, _), pytest.raises(GgufError, match=message) as caught:
        read_remote_header(f"{url}/m.gguf", Deadline(10))
    assert url in caught.value.where


def drip_body(handler: Handler, start: int, end: int) -> None:
    handler.send_response(206)
    handler.send_header("Content-Length", str(end + 1))
    handler.send_header("Content-Range", f"bytes 0-{end}/{10**9}")
    handler.end_headers()
    drip(handler)


def drip_headers(handler: Handler, start: int, end: int) -> None:
    handler.wfile.write(b"HTTP/1.1 206 Partial Content\r\nX: ")
    drip(handler)


def drip(handler: Handler) -> None:
    for _ in range(40):
        handler.wfile.write(b"G")
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [drip_body, drip_headers])
def test_slow_drip_ends_with_the_deadline(answer: Answer) -> None:
    started = time.monotonic()
    with server({}, answer) as (url, _), pytest.raises(GgufError, match=r"time for it is over .*--network-seconds"):
        read_remote_header(f"{url}/m.gguf", Deadline(0.3))
    assert time.monotonic() - started < 1.5


def test_nobody_there_and_no_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(GgufError, match="no connection"):
        read_remote_header(f"http://127.0.0.1:{port}/m.gguf", Deadline(5))
    for url in ("ftp://127.0.0.1/m.gguf", "http://[", "nonsense"):
        with pytest.raises(GgufError, match=r"no usable answer|no connection"):
            read_remote_header(url, Deadline(5))


def test_secrets_of_the_address_are_kept_nowhere(tmp_path: Path) -> None:
    with server({"/m.gguf": small(tmp_path)}) as (url, _):
        secret = url.replace("http://", "http://user:hunter2@")
        header = read_remote_header(f"{secret}/m.gguf?token=hunter2", Deadline(5))
        with pytest.raises(GgufError) as caught:
            read_remote_header(f"{secret}/none.gguf?token=hunter2", Deadline(5))
    assert header.where == f"{url}/m.gguf"
    assert "hunter2" not in str(caught.value) + caught.value.where
