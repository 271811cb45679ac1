"""Short ways to have a server log of a few lines read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from truelimit.adapters.files.server_log import ServerLog, read_server_log
from truelimit.domain.server import Event

E = TypeVar("E", bound=Event)
SAMPLES = Path(__file__).resolve().parent.parent / "samples"
LLAMA_LOGS = SAMPLES / "llamacpp" / "logs"
OLLAMA_LOGS = SAMPLES / "ollama-logs"


def slog(msg: str, rest: str = "", time: str = "2026-02-18T11:15:04.123-08:00", level: str = "INFO") -> str:
    return f'time={time} level={level} source=server.go:1 msg="{msg}" {rest}'.rstrip()


def log_of(folder: Path, *lines: str, name: str = "server.log") -> ServerLog:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_server_log(path)


def of_kind(log: ServerLog, kind: type[E]) -> list[E]:
    return [event for event in log.events if isinstance(event, kind)]


def only(log: ServerLog, kind: type[E]) -> E:
    (event,) = of_kind(log, kind)
    return event
