"""Which Ollama a server is: what it does to a prompt and to memory depends on it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truelimit.domain.server import Server

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def ollama_version(server: Server) -> tuple[int, int, int] | None:
    """Return the version of an Ollama server as numbers, or None."""
    return _numbers(server.version.value) if server.version else None


@lru_cache(64)
def _numbers(version: str) -> tuple[int, int, int] | None:
    match = _VERSION.search(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None
