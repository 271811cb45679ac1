"""GGUF: the header of a model file, read locally, over HTTP or from a server's answer, and written without data."""

from __future__ import annotations

from truelimit.adapters.files.gguf.error import GgufError, ShortError
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.files.gguf.remote import read_remote_header

__all__ = ["GgufError", "ShortError", "read_header", "read_remote_header"]
