"""Values as Ollama logs them: command lines of its engine, sizes, settings of flash attention."""

from __future__ import annotations

import shlex

from truelimit.adapters.files.server_log_loads import FLASH
from truelimit.units import Bytes, parse_size


def size_of(text: str | None) -> Bytes | None:
    """Return a size in Ollama's form, or in bare bytes; None when there is none or it is damaged."""
    if text is None:
        return None
    try:
        return Bytes(int(text)) if text.isdigit() else parse_size(text)
    except (ValueError, OverflowError):
        return None


def flash_of(text: str | None) -> bool | None:
    """Return what a flash attention setting says: a flag without a value is on, ``auto`` is not known yet."""
    if text is None:
        return None
    return FLASH.get(text.lower())


def words_of(command: str) -> list[str]:
    """Return the words of a command line as Ollama logs it (quoted only where a path has spaces, Windows paths too)."""
    if not any(sign in command for sign in "\"'\\"):
        return command.split()
    try:
        return shlex.split(command, posix="\\" not in command)
    except ValueError:
        return command.split()


def flag_of(command: list[str], *names: str) -> str | None:
    """Return the value of the first of these flags; an empty text for one that has no value."""
    for name in names:
        if name in command:
            at = command.index(name) + 1
            value = command[at] if at < len(command) else ""
            return "" if value.startswith("-") else value.strip('"')
    return None
