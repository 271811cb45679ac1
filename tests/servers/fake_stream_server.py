"""A stand-in that streams answers as llama-server does and as OpenAI's API does, with a prompt cache and with faults.

One token a word. Its costs are known, and so small that its claims hold without any waiting.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

A, B, C, D = 1e-6, 1e-10, 1e-4, 1e-9


class StreamFault(StrEnum):
    """How the stand-in misbehaves when it streams."""

    GARBAGE = "garbage"  # a line that is no JSON
    CUT = "cut"  # hangs up in the middle of the answer
    NO_END = "no-end"  # ends without timings or usage
    STALL = "stall"  # headers, then nothing until the client has left
    ERROR = "error"  # an error event in a stream of status 200
    CACHE_ALWAYS = "cache-always"  # claims that all but one token came from its cache
    LIES = "lies"  # claims to have read for a thousand times as long
    BROKEN = "broken"  # status 500 with an error


@dataclass
class FakeStream:
    """``kind`` is llama-server or openai. ``left`` is set when a client goes away from a stalled answer."""

    kind: str = "llama-server"
    context: int = 32768
    fault: StreamFault | None = None
    fault_from: int = 0
    key: str | None = None
    models: tuple[str, ...] = ("made-up",)
    usage: bool = True
    url: str = ""
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    known: list[list[str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)

    def get(self, path: str) -> tuple[int, Any]:
        """Return the answer to a plain question."""
        if path == "/props" and self.kind == "llama-server":
            return 200, {
                "default_generation_settings": {"n_ctx": self.context},
                "total_slots": 1,
                "model_alias": self.models[0],
                "build_info": "b11549-abc",
            }
        if path == "/slots" and self.kind == "llama-server":
            return 200, [{"id": 0, "n_ctx": self.context, "is_processing": False}]
        if path == "/v1/models":
            meta = {"n_ctx": self.context, "n_ctx_train": 65536, "n_params": 135_000_000, "ftype": "Q4_1"}
            meta = meta if self.kind == "llama-server" else {}
            return 200, {"data": [{"id": name, "object": "model", "meta": meta} for name in self.models]}
        return 404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}

    def events(self, body: dict[str, Any]) -> list[str]:
        """Return the lines of a streamed answer."""
        text = body.get("prompt") or body["messages"][0]["content"]
        words = text.split()
        wrote = int(body.get("n_predict") or body.get("max_tokens") or 1)
        cached = len(words) - 1 if self.fault is StreamFault.CACHE_ALWAYS else self._cached(words)
        self.known.append(words)
        if self.kind == "llama-server":
            return self._completion(len(words), cached, wrote)
        return self._chat(len(words), cached, wrote)

    def _cached(self, words: list[str]) -> int:
        best = 0
        for known in self.known:
            same = next((i for i, pair in enumerate(zip(words, known, strict=False)) if pair[0] != pair[1]), len(words))
            best = max(best, min(same, len(known), len(words) - 1))
        return best

    def _completion(self, tokens: int, cached: int, wrote: int) -> list[str]:
        new = tokens - cached
        read = A * new + B * (new * cached + new * new / 2)
        read *= 1000 if self.fault is StreamFault.LIES else 1
        write = (wrote - 1) * (C + D * tokens)
        timings = {
            "cache_n": cached,
            "prompt_n": new,
            "prompt_ms": read * 1000,
            "predicted_n": wrote,
            "predicted_ms": write * 1000,
            "predicted_per_second": (wrote - 1) / write if write else 0.0,
        }
        progress = {"total": tokens, "cache": cached, "processed": tokens, "time_ms": 1}
        first: list[dict[str, Any]] = [{"content": "", "tokens": [0], "stop": False, "prompt_progress": progress}]
        parts: list[dict[str, Any]] = [{"content": " w", "stop": False}] * wrote
        last = {"content": "", "stop": True, "timings": timings}
        return [":", *(f"data: {json.dumps(item)}" for item in (*first, *parts, last))]

    def _chat(self, tokens: int, cached: int, wrote: int) -> list[str]:
        parts: list[dict[str, Any]] = [{"choices": [{"delta": {"role": "assistant", "content": None}}]}]
        parts += [{"choices": [{"delta": {"content": " w"}}]}] * wrote
        usage = {
            "prompt_tokens": tokens,
            "completion_tokens": wrote,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        parts += [{"choices": [], "usage": usage}] if self.usage else []
        return [*(f"data: {json.dumps(item)}" for item in parts), "data: [DONE]"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeStream

    def log_message(self, *args: object) -> None:
        """Keep silent."""

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            self.fake.paths.append(self.path)
            if self._admitted():
                self._plain(*self.fake.get(self.path))

    def do_POST(self) -> None:
        with suppress(ConnectionError):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.fake.paths.append(self.path)
            if not self._admitted():
                return
            if self.path == "/tokenize":
                self._plain(200, {"tokens": list(range(len(body["content"].split())))})
                return
            self.fake.bodies.append(body)
            self._stream(body)

    def _admitted(self) -> bool:
        given = self.headers.get("authorization")
        self.fake.keys.append(given)
        if self.fake.key is None or given == f"Bearer {self.fake.key}":
            return True
        self._plain(401, {"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}})
        return False

    def _plain(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        if self.fake.kind == "llama-server":
            self.send_header("Server", "llama.cpp")
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, body: dict[str, Any]) -> None:
        tokens = len((body.get("prompt") or body["messages"][0]["content"]).split())
        wrote = int(body.get("n_predict") or body.get("max_tokens") or 1)
        if tokens + wrote > self.fake.context:
            error = {"code": 400, "type": "exceed_context_size_error", "message": "exceeds the available context size"}
            self._plain(400, {"error": error | {"n_prompt_tokens": tokens, "n_ctx": self.fake.context}})
            return
        fault = self.fake.fault if len(self.fake.bodies) > self.fake.fault_from else None
        if fault is StreamFault.BROKEN:
            self._plain(500, {"error": {"message": "the engine fell over"}})
            return
        self.close_connection = True
        self.send_response_only(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        if fault is StreamFault.CUT:
            self.send_header("Content-Length", "100000")
        self.end_headers()
        self._lines(self.fake.events(body), fault)

    def _lines(self, lines: list[str], fault: StreamFault | None) -> None:
        if fault is StreamFault.STALL:
            self._stall()
            return
        if fault is StreamFault.GARBAGE:
            lines = [lines[0], lines[1], "data: {broken", *lines[2:]]
        elif fault is StreamFault.CUT:
            lines = lines[:4]
        elif fault is StreamFault.NO_END:
            lines = lines[:-1] if self.fake.kind == "llama-server" else lines[:2]
        elif fault is StreamFault.ERROR:
            lines = [lines[0], 'data: {"error": {"code": 500, "message": "Context size has been exceeded."}}']
        self.wfile.write("".join(f"{line}\n\n" for line in lines).encode())

    def _stall(self) -> None:
        """Send comments, as llama-server does while it reads, until the client has gone."""
        while not self.fake.closing.wait(0.02):
            try:
                self.wfile.write(b":\n\n")
            except OSError:
                self.fake.left.set()
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the stand-in."""


@contextmanager
def fake_stream(**state: Any) -> Iterator[FakeStream]:
    """Run the stand-in on a free port of 127.0.0.1; fields of FakeStream may be given."""
    fake = FakeStream(**state)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
