"""A stand-in for llama-server that answers with recorded replies, and with the faults that a test asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "llamacpp"
_GET = {"/props": "props", "/v1/models": "v1_models", "/slots": "slots_idle", "/metrics": "metrics_end"}
_POST = {"/v1/chat/completions/input_tokens": "chat_input_tokens", "/completion": "completion_native"}
Reply = tuple[int, object]


class FakeLlamaServer:
    """``url`` to ask, ``replies`` to change by path, ``asked`` with the paths that came in order.

    ``signature`` is the Server header; ``key`` is what a request must carry as a bearer token, if anything.
    """

    def __init__(self, recording: str = "b11549_smollm2") -> None:
        self.url = ""
        self.signature = "llama.cpp"
        self.key: str | None = None
        self.asked: list[str] = []
        self.bodies: list[object] = []
        self.replies: dict[str, Reply] = {
            path: recorded(name, recording) for path, name in {**_GET, **_POST}.items() if has(name, recording)
        }

    def reply(self, path: str, authorization: str | None) -> Reply:
        self.asked.append(path)
        if self.key is not None and authorization != f"Bearer {self.key}":
            return 401, {"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}}
        return self.replies.get(path, (404, {"error": {"code": 404, "message": "File Not Found"}}))


def has(name: str, recording: str = "b11549_smollm2") -> bool:
    return (SAMPLES / recording / f"{name}.json").is_file()


def recorded(name: str, recording: str = "b11549_smollm2") -> Reply:
    """Return status and body of a recorded exchange."""
    exchange = json.loads((SAMPLES / recording / f"{name}.json").read_text(encoding="utf-8"))
    return exchange["status"], exchange["body"]


@contextmanager
def fake_llama_server(recording: str = "b11549_smollm2") -> Iterator[FakeLlamaServer]:
    """Run the stand-in on a free port of this machine."""
    fake = FakeLlamaServer(recording)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fake.bodies.append(json.loads(body))
            self._answer()

        def _answer(self) -> None:
            status, value = fake.reply(self.path, self.headers.get("authorization"))
            body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
            self.send_response_only(status)
            self.send_header("Server", fake.signature)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2)
