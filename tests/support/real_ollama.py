"""A real Ollama for tests: started on a free port with a store of its own, stopped in the end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BINARY = os.environ.get("TRUELIMIT_REAL_OLLAMA")
MODEL = os.environ.get("TRUELIMIT_REAL_MODEL")
START_SECONDS = 30.0


@dataclass
class RealOllama:
    """A running server: its URL, the home whose ``.ollama`` holds store and log, and its process."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]

    def import_model(self, name: str, gguf: Path) -> None:
        """Import a GGUF file under a name, through the API. Raises AssertionError with the server's words."""
        content = gguf.read_bytes()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._post(f"/api/blobs/{digest}", content)
        self.create(name, {"files": {gguf.name: digest}})

    def create(self, name: str, body: Mapping[str, object]) -> None:
        """Create a model; ``body`` holds ``files`` or ``from``, and ``parameters``."""
        answer = self._post("/api/create", json.dumps({"model": name, "stream": False, **body}).encode())
        assert json.loads(answer)["status"] == "success", answer

    def stop(self) -> None:
        """Stop the server and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)

    def _post(self, path: str, content: bytes) -> bytes:
        request = urllib.request.Request(self.url + path, data=content, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return bytes(reply.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()[:300]!r}") from error


@contextlib.contextmanager
def real_ollama(
    home: Path, binary: str | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[RealOllama]:
    """Run a real Ollama with ``home`` as its home; log in ``home/.ollama/logs/server.log``.

    ``binary`` defaults to TRUELIMIT_REAL_OLLAMA; ``environment`` adds variables (OLLAMA_CONTEXT_LENGTH, say).
    """
    program = binary or BINARY
    assert program, "TRUELIMIT_REAL_OLLAMA is not set"
    logs = home / ".ollama" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    variables = {
        **os.environ,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OLLAMA_MODELS": str(home / ".ollama" / "models"),
        **(environment or {}),
    }
    with (logs / "server.log").open("ab") as log:
        process = subprocess.Popen([program, "serve"], env=variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    server = RealOllama(f"http://127.0.0.1:{port}", home, process)
    try:
        _wait(server)
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: RealOllama) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.process.poll() is None, f"it ended: see {server.home / '.ollama' / 'logs' / 'server.log'}"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/api/version", timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"no answer within {START_SECONDS:.0f} s")
