"""A fake Ollama that answers with recorded bodies and fails on demand.

Bodies come from ``tests/samples/ollama/0.11.4``. ``faults`` maps a path (or ``*``) to a Fault.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples" / "ollama" / "0.11.4"


class Fault(StrEnum):
    """How the fake misbehaves on a path."""

    SLOW = "slow"  # accepts, never answers
    DRIP = "drip"  # headers, then a byte now and then
    ENDLESS = "endless"  # a body without end
    GARBAGE = "garbage"  # bytes that are no JSON
    HTML = "html"  # another program's page
    HALF = "half"  # hangs up in the middle of the body
    FORBIDDEN = "forbidden"  # the check of the Host header
    BROKEN = "broken"  # status 500 with an error
    LLAMA_SERVER = "llama-server"  # what llama-server says to a path it does not know
    WRONG_TYPES = "wrong-types"  # JSON of another shape
    ERROR_IN_STREAM = "error-in-stream"  # status 200, an error line, then success


def sample(name: str) -> Any:
    """Return a recorded body."""
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


@dataclass
class FakeModel:
    """A model of the fake: its recorded /api/show, its parent and its num_ctx."""

    num_ctx: object = None
    parent: str = ""
    native: int = 8192
    kv_heads: list[int] | None = None

    def show(self, *, verbose: bool = False) -> dict[str, Any]:
        """Return the body of /api/show; a list of heads is null unless verbose, as in Ollama."""
        body = sample("show-base.json")
        body["details"]["parent_model"] = self.parent
        body["model_info"]["llama.context_length"] = self.native
        if self.kv_heads is not None:
            body["model_info"]["llama.attention.head_count_kv"] = self.kv_heads if verbose else None
        if self.num_ctx is not None:
            value = json.dumps(self.num_ctx)
            body["parameters"] = f"num_ctx                        {value}\n" + body["parameters"]
            body["modelfile"] += f"PARAMETER num_ctx {self.num_ctx}\n"
        return body


@dataclass
class FakeOllama:
    """State of the fake; ``requests`` holds (method, path, body) of what it was asked."""

    version: str = "0.11.4"
    models: dict[str, FakeModel] = field(
        default_factory=lambda: {"smollm2:base": FakeModel(), "smollm2:v-2k": FakeModel(2048, "smollm2:base")}
    )
    faults: dict[str, Fault] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    lying_context: int | None = None
    tokens: int = 6399
    url: str = ""
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def is_llama_era(self) -> bool:
        """Whether the fake plays the engine of 0.30 and later."""
        return int(self.version.split(".")[1]) >= 30

    def asked(self, path: str) -> list[dict[str, Any]]:
        """Return the bodies sent to a path."""
        return [body for _, where, body in self.requests if where == path]

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and body as Ollama would."""
        name = body.get("model", "")
        match method, path:
            case "GET", "/api/version":
                return 200, {"version": self.version}
            case "GET", "/api/tags":
                return 200, {"models": [self._tag(item) for item in self.models]}
            case "GET", "/api/ps":
                return 200, {"models": [self._ps(item, context) for item, context in self.loaded.items()]}
            case "POST", "/api/show" if name in self.models:
                return 200, self.models[name].show(verbose=body.get("verbose") is True)
            case "POST", "/api/generate" if name in self.models:
                return self._generate(name, body)
            case "POST", "/api/create":
                return self._create(name, body)
            case "POST", "/api/copy" if body.get("source") in self.models:
                self.models[body["destination"]] = self.models[body["source"]]
                return 200, ""
            case "DELETE", "/api/delete" if name in self.models:
                del self.models[name]
                return 200, ""
            case _, "/api/show" | "/api/generate" | "/api/delete" | "/api/copy":
                return 404, {"error": f"model '{name or body.get('source')}' not found"}
        return 404, "404 page not found"

    def _tag(self, name: str) -> dict[str, Any]:
        digest = hashlib.sha256(repr(self.models[name]).encode()).hexdigest()
        entry = sample("tags.json")["models"][0] | {"name": name, "model": name, "digest": digest}
        if self.is_llama_era:
            entry["details"] |= {"context_length": self.models[name].native}
        return entry

    def _ps(self, name: str, context: int) -> dict[str, Any]:
        entry = sample("ps.json")["models"][0]
        return entry | {"name": name, "model": name, "context_length": self.lying_context or context}

    def _generate(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        num_ctx = self.models[name].num_ctx
        if isinstance(num_ctx, str):
            return 500, {"error": 'option "num_ctx" must be of type integer'}
        context = int(num_ctx or 4096)  # type: ignore[call-overload]
        if body.get("keep_alive") == 0:
            self.loaded.pop(name, None)
            return 200, sample("load.json") | {"model": name, "done_reason": "unload"}
        self.loaded[name] = context
        if not body.get("prompt"):
            return 200, sample("load.json") | {"model": name}
        if self.is_llama_era and body.get("truncate") is False and self.tokens > context:
            inner = {
                "code": 400,
                "message": f"request ({self.tokens} tokens) exceeds the available context size ({context} tokens)",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": self.tokens,
                "n_ctx": context,
            }
            return 400, {"error": json.dumps({"error": inner})}
        return 200, sample("generate.json") | {"model": name, "prompt_eval_count": min(self.tokens, context)}

    def _create(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        base, parameters = body.get("from", ""), body.get("parameters", {})
        if base not in self.models:
            self.models[name] = FakeModel()
            return 200, (SAMPLES / "create-missing-base.ndjson").read_text(encoding="utf-8")
        old = self.models[base]
        self.models[name] = FakeModel(parameters.get("num_ctx", old.num_ctx), base, old.native)
        return 200, (SAMPLES / "create.ndjson").read_text(encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeOllama

    def log_message(self, *args: object) -> None:
        """Keep silent."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        with contextlib.suppress(ConnectionError):
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            self.fake.requests.append((self.command, self.path, body))
            fault = self.fake.faults.get(self.path) or self.fake.faults.get("*")
            if fault is not None:
                self._fail(fault, body)
                return
            status, answer = self.fake.answer(self.command, self.path, body)
            self._send(status, answer if isinstance(answer, str) else json.dumps(answer))

    def _send(self, status: int, text: str, **headers: str) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _fail(self, fault: Fault, body: dict[str, Any]) -> None:  # noqa: C901 - one case a fault
        self.close_connection = True
        match fault:
            case Fault.SLOW:
                self.fake.closing.wait(30)
            case Fault.DRIP | Fault.ENDLESS:
                self._flood(0.05 if fault is Fault.DRIP else 0.0)
            case Fault.GARBAGE:
                self._send(200, "\x00\x01{{{")
            case Fault.HTML:
                self._send(200, "<!doctype html><title>router</title>")
            case Fault.HALF:
                self.send_response(200)
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b'{"version":')
            case Fault.FORBIDDEN:
                self._send(403, "")
            case Fault.BROKEN:
                self._send(500, json.dumps({"error": "model runner has unexpectedly stopped"}))
            case Fault.LLAMA_SERVER:
                error = {"code": 404, "message": "File Not Found", "type": "not_found_error"}
                self._send(404, json.dumps({"error": error}), Server="llama.cpp")
            case Fault.WRONG_TYPES:
                self._send(200, json.dumps({"version": [1], "models": {"a": 1}, "model_info": 7, "parameters": 3}))
            case Fault.ERROR_IN_STREAM:
                self.fake.answer(self.command, self.path, body)
                self._send(200, (SAMPLES / "create-missing-base.ndjson").read_text(encoding="utf-8"))

    def _flood(self, pause: float) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": "')
        while not self.fake.closing.wait(pause):
            self.wfile.write(b"0" * (1 if pause else 65536))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the fake."""


@contextlib.contextmanager
def fake_ollama(**state: Any) -> Iterator[FakeOllama]:
    """Run a fake on a free port of 127.0.0.1; fields of FakeOllama may be given."""
    fake = FakeOllama(**state)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = _Server(("127.0.0.1", 0), handler)
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
