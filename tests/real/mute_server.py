"""A model server that never answers, on the loopback address: it keeps when each request came and was given up.

``silent``: not a byte. Else as llama-server does it while it reads a prompt: headers and a first event at once, then a
comment every half second.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scripted_script import MARK, MODEL

_TOKENS = b'{"input_tokens": 100}'
_MODELS = b'{"object": "list", "data": [{"id": "%s", "object": "model"}]}' % MODEL.encode()
_CHUNK = '{"object":"chat.completion.chunk","id":"c","model":"%s","choices":[{"index":0,"delta":{"role":"assistant"}}]}'
_FIRST = {
    "/chat/completions": f"data: {_CHUNK % MODEL}\n\n",
    "/responses": 'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n',
}
_LONGEST = 60.0  # s: nothing that is tried here waits for longer


@dataclass(slots=True)
class Heard:
    """The attempts at the turn so far: seconds each lasted until it was given up."""

    silent: bool
    lasted: list[float] = field(default_factory=list)


@contextmanager
def mute(*, silent: bool) -> Iterator[tuple[str, Heard]]:
    """Serve nothing. Yields the server's address and what it heard."""
    heard = Heard(silent)

    class Handler(_Handler):
        pass

    Handler.heard = heard
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    heard: Heard

    def do_GET(self) -> None:
        self._send(_MODELS)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.partition("?")[0].endswith("/count_tokens"):
            self._send(_TOKENS)
            return
        came = time.monotonic()
        self._wait(came)
        if MARK.encode() in body and b'"tools"' in body:
            self.heard.lasted.append(time.monotonic() - came)

    def _wait(self, came: float) -> None:
        first = _FIRST.get(self.path.partition("?")[0].removeprefix("/v1"), "")
        if not self.heard.silent:
            self._tell(f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{first}")
        while time.monotonic() - came < _LONGEST and not self._is_gone():
            if not self.heard.silent:
                self._tell(":\n\n")

    def _is_gone(self) -> bool:
        """Wait half a second for the client to hang up; it sends nothing more."""
        if not select.select([self.connection], [], [], 0.5)[0]:
            return False
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def _tell(self, text: str) -> None:
        try:
            self.wfile.write(text.encode())
            self.wfile.flush()
        except OSError:
            return

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        _ = arguments
