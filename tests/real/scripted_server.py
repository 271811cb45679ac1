"""A model server on the loopback address that answers by a script and keeps what it did."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import scripted_wire as wire
from scripted_script import MODEL, WINDOW, Script, Served
from scripted_wire import Events, Tool, Words

STREAMS = {"/chat/completions": wire.chat, "/responses": wire.responses, "/messages": wire.messages}
WHOLE = {"/chat/completions": wire.chat_whole, "/messages": wire.messages_whole}


@contextmanager
def scripted(script: Script, words: Words, kept: Path | None = None) -> Iterator[str]:
    """Serve a script. Yields the server's address; ``words`` says tool calls as the agent names them.

    ``kept``: a folder for the bodies of the requests, to look at when an agent asks otherwise than expected.
    """

    class Handler(_Handler):
        pass

    Handler.script, Handler.words, Handler.kept = script, staticmethod(words), kept
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    script: Script
    words: Words
    kept: Path | None
    lock = threading.Lock()

    def do_GET(self) -> None:
        model = {"id": MODEL, "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx_train": WINDOW}}
        self._send(200 if self.path.endswith("/models") else 404, {"object": "list", "data": [model]})

    def do_POST(self) -> None:
        came = time.time()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        path = self.path.partition("?")[0].removeprefix("/v1")
        if path == "/messages/count_tokens":
            self._send(200, {"input_tokens": len(body) // 4})
        elif path not in STREAMS:
            self._send(404, {"error": {"message": f"no {path}"}})
        else:
            self._answer(path, body, came)

    def _answer(self, path: str, body: str, came: float) -> None:
        request = json.loads(body)
        with self.lock:
            item = self.script.answer(body, has_tools=bool(request.get("tools")), came=came)
            self._keep(request, item)
        time.sleep(item.reply.wait)
        if item.reply.overflow:
            item.first = item.ended = time.time()
            self._send_bytes(400, wire.overflow(item.reply))
            return
        tools = self.words(item)
        if request.get("stream"):
            self._stream(STREAMS[path](item, tools), item)
        else:
            item.first = item.ended = time.time()
            self._send(200, WHOLE[path](item, tools))

    def _stream(self, events: Events, item: Served) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        parts = [_event(name, value) for name, value in events]
        item.first = time.time()
        try:
            for place, part in enumerate(parts):
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(item.reply.write / len(parts))
                if place == len(parts) - 1:
                    item.ended = time.time()
            self.wfile.write(b"data: [DONE]\n\n" if parts[0].startswith(b"data") else b"")
        except OSError:  # the agent went away
            item.ended = time.time()

    def _keep(self, request: dict[str, Any], item: Served) -> None:
        if self.kept is not None:
            name = f"{len(self.script.served):03}-{item.turn or 'no-turn'}-{'side' if item.side else 'main'}.json"
            (self.kept / name).write_text(json.dumps(request, indent=1), encoding="utf-8")

    def _send(self, status: int, value: object) -> None:
        self._send_bytes(status, json.dumps(value).encode())

    def _send_bytes(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        _ = arguments


def _event(name: str, value: dict[str, Any]) -> bytes:
    if not name:
        return b"data: " + json.dumps(value).encode() + b"\n\n"
    return f"event: {name}\ndata: {json.dumps({'type': name, **value})}\n\n".encode()


__all__ = ["Tool", "scripted"]
