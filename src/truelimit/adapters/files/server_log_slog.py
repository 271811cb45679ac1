"""The two line formats of Ollama's own log: Go's slog text (key=value) and gin's access line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

_PAIR = re.compile(r'(?:^|\s)([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')
_HEAD = re.compile(r"\btime=\S+ level=[A-Z]+|\bmsg=")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ESCAPE = re.compile(r"\\(.)")
_GIN = re.compile(r"\[GIN\] (\d{4}/\d\d/\d\d - \d\d:\d\d:\d\d) \| +(\d{3}) \| +(\S+) \| +\S+ \| +([A-Z]+) +\"([^\"?]*)")
_ENVIRONMENT = re.compile(r"(?:^| )([A-Za-z_][A-Za-z0-9_]*):(?!//)")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|AUTH|CREDENTIAL|COOKIE", re.IGNORECASE)
_USERINFO = re.compile(r"//[^/@\s]*@")


def plain(text: str) -> str:
    """Return the line without terminal colours."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def slog_fields(text: str) -> dict[str, str] | None:
    """Return the keys and values of a slog line (time, level, source, msg ...), or None for another line."""
    head = _HEAD.search(text)
    if head is None:
        return None
    return {key: _unquoted(value) for key, value in _PAIR.findall(text[head.start() :])}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1]
    return _ESCAPE.sub(r"\1", inner) if "\\" in inner else inner


def gin_parts(text: str) -> tuple[str, int, str, str, str] | None:
    """Return local end time, status, Go duration, method and path (without query) of an access line, or None."""
    found = _GIN.search(text)
    return None if found is None else (found[1], int(found[2]), found[3], found[4], found[5])


def slog_time(text: str | None) -> datetime | None:
    """Return the time of a slog line, with its offset, or None."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def gin_time(text: str, offset: timedelta | None) -> datetime | None:
    """Return the local time of an access line at the offset that slog lines show, else taken as UTC."""
    try:
        zone = UTC if offset is None else timezone(offset)
        # Many times as fast as strptime, which takes half of the time that an access line costs.
        return datetime.fromisoformat(f"{text[:10].replace('/', '-')}T{text[13:]}").replace(tzinfo=zone)
    except ValueError:
        return None


def environment_of(text: str) -> Mapping[str, str]:
    """Return the settings in ``map[NAME:value ...]``: OLLAMA_* and LLAMA_ARG_* only, and none that may be secret."""
    inner = text.removeprefix("map[").removesuffix("]")
    keys = list(_ENVIRONMENT.finditer(inner))
    ends = [key.start() for key in keys[1:]] + [len(inner)]
    found = {key[1]: inner[key.end() : end] for key, end in zip(keys, ends, strict=True)}
    return {name: _USERINFO.sub("//", value) for name, value in found.items() if _is_wanted(name)}


def _is_wanted(name: str) -> bool:
    return name.startswith(("OLLAMA_", "LLAMA_ARG_")) and not _SECRET.search(name)
