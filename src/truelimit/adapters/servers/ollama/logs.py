"""Which logs of an Ollama there are, and what the newest says of the server that really ran."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.adapters.files.server_log import ServerLog, read_server_log
from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama import eras
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Event, ServerKind
from truelimit.units import MIB

if TYPE_CHECKING:
    from truelimit.app.ports import Places

_MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs that are Ollama's, oldest first."""

    logs: tuple[ServerLog, ...] = ()
    missing: tuple[Missing, ...] = ()

    @property
    def examined(self) -> tuple[str, ...]:
        """The files."""
        return tuple(log.where for log in self.logs)

    @property
    def newest(self) -> ServerLog | None:
        """The log of the last start that tells something of the server, or None."""
        telling = [log for log in self.logs if log.version or log.environment or log.devices]
        candidates = telling or self.logs
        return candidates[-1] if candidates else None

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all logs, oldest log first."""
        return tuple(event for log in self.logs for event in log.events)


def read_logs(places: Places, *, with_home: bool = True) -> Logs:
    """Return the logs of Ollama under the home (unless left out) and among the files that the user named."""
    missing: list[Missing] = []
    found: list[tuple[datetime, ServerLog]] = []
    seen: set[bytes] = set()
    home = list(home_logs(places)) if with_home else []
    for path in [*places.logs, *home]:
        mark = _mark(path)
        if mark in seen:
            continue
        seen.add(mark)
        log = read_server_log(path)
        if log.kind is ServerKind.OLLAMA:
            found.append((_age(path, log.events), log))
        if log.kind in {ServerKind.OLLAMA, None}:
            missing.extend(log.missing)
            missing.extend(_ignored_options(log))
        if log.kind is None and not log.missing and path in home:
            missing.append(
                Missing(
                    said("server log {path}", path=path),
                    said("nothing in it is Ollama's: empty, damaged, or not a log"),
                )
            )
    found.sort(key=lambda entry: entry[0])
    return Logs(tuple(log for _, log in found), tuple(missing))


def log_variables(log: ServerLog | None, *, keep_defaults: bool = True) -> dict[str, Known[str]]:
    """Return what the log's ``server config`` line says was in force when the server started.

    A flash attention that is off is left out: the line prints the same where nothing was set. Without
    ``keep_defaults`` (another version runs by now) a context that was that version's default is left out too.
    """
    if log is None:
        return {}
    found = env.named(log.environment, log.environment_where or said("server log"), Basis.REPORTED)
    flash, context = found.get(env.FLASH_ATTENTION), found.get(env.CONTEXT_LENGTH)
    if flash is not None and flash.value.lower() in {"false", "0"}:
        del found[env.FLASH_ATTENTION]
    default = eras.default_context(log.version.value if log.version else None)
    if not keep_defaults and context is not None and default is not None and context.value == str(default.value):
        del found[env.CONTEXT_LENGTH]
    return found


def journal_note(places: Places, units: Path = env.UNITS) -> tuple[Missing, ...]:
    """Return how to have the log of a service: the journal itself is not read."""
    if places.isolated or not env.is_service(units):
        return ()
    why = said("it is in the system's journal, which is not read: run `journalctl -u ollama --no-pager > FILE`, ")
    return (Missing(said("log of the service ollama"), why + said("then name it with --log FILE")),)


def _ignored_options(log: ServerLog) -> Iterator[Missing]:
    """Yield the options that requests or definitions gave and the server did not know."""
    for option in log.invalid_options:
        yield Missing(
            said("option {option}", option=option[:60]),
            said("{where}: Ollama does not know it and ignores it: check its name", where=log.where),
        )


def home_logs(places: Places) -> Iterator[Path]:
    """Yield ``server.log`` and its rotated ones, where macOS, Linux and Windows keep them."""
    local = places.environment.get("LOCALAPPDATA")
    windows = Path(local) if local and not places.isolated else places.home / "AppData" / "Local"
    for folder in (places.home / ".ollama" / "logs", windows / "Ollama"):
        try:
            yield from sorted(folder.glob("server*.log"))[:_MOST_FILES]
        except OSError:
            continue


def _mark(path: Path) -> bytes:
    """Return what tells one log from another, so that a copy named with --log counts once."""
    try:
        if not path.is_file():
            return str(path).encode(errors="replace")
        with path.open("rb") as file:
            start = hashlib.sha256(file.read(MIB)).digest()
        return start + str(path.stat().st_size).encode()
    except OSError:
        return str(path).encode(errors="replace")


def _age(path: Path, events: Sequence[Event]) -> datetime:
    """Return the time of the last event, else that of the file."""
    times = [event.time for event in events[-100:] if event.time is not None]
    if times:
        return max(times)
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC)
