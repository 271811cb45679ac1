"""Small files of other programs: read with a bound, and a reason when they can't be."""

from __future__ import annotations

import json
from pathlib import Path

from truelimit.domain.message import said


class Unreadable(Exception):
    """A file that could not be used: the message names the file, what happened and what was expected."""


def read_bytes(path: Path, cap: int) -> bytes:
    """Return the content of a regular file of at most ``cap`` bytes. Raises Unreadable."""
    try:
        if not path.is_file():
            raise Unreadable(
                said("{path}: missing", path=path)
                if not path.exists()
                else said("{path}: not a regular file", path=path)
            )
        with path.open("rb") as file:
            content = file.read(cap + 1)
    except PermissionError:
        raise Unreadable(said("{path}: no permission to read it (run as a user who may)", path=path)) from None
    except OSError as error:
        raise Unreadable(
            said("{path}: cannot be read ({strerror})", path=path, strerror=error.strerror or "error")
        ) from None
    if len(content) > cap:
        raise Unreadable(said("{path}: larger than {cap:,} bytes, not read", path=path, cap=cap))
    return content


def read_text(path: Path, cap: int) -> str:
    """Return the content as UTF-8 text, damaged characters replaced. Raises Unreadable."""
    return read_bytes(path, cap).decode("utf-8", errors="replace")


def read_object(path: Path, cap: int) -> dict[str, object]:
    """Return the JSON object that the file holds. Raises Unreadable."""
    content = read_bytes(path, cap)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable(said("{path}: not JSON, or damaged", path=path)) from None
    if not isinstance(value, dict):
        raise Unreadable(said("{path}: JSON, but not an object", path=path))
    return value
