"""llama-server as evidence: what answers, and what logs of it tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.adapters.files.server_log import ServerLog, read_server_log
from truelimit.adapters.servers.llama_server.from_log import is_log_of, merged, server_of
from truelimit.adapters.servers.llama_server.live import Answer, ask
from truelimit.app.ports import Deadline, Evidence, Places
from truelimit.domain.server import Server, ServerKind

if TYPE_CHECKING:
    from truelimit.domain.provenance import Missing

USUAL = "http://127.0.0.1:8080"


def read(places: Places, deadline: Deadline) -> Evidence:
    """Return the llama-servers at ``places``: those named, else the usual address, and those that only logs show.

    Never raises for what it finds. A server or log that is not llama-server's is left to the edge that knows it.
    """
    answers = [_asked(places, url, deadline, named=True) for url in places.servers]
    if not places.servers and not places.isolated:
        answers.append(_asked(places, USUAL, deadline, named=False))
    logs = [log for path in places.logs if (log := read_server_log(path)).kind is ServerKind.LLAMA_SERVER]
    live, left = _with_logs([answer.server for answer in answers if answer.server], logs)
    from_logs, gaps = _from_logs(left, with_files=not places.isolated)
    return Evidence(
        servers=(*live, *from_logs),
        missing=(
            *(gap for answer in answers for gap in answer.missing),
            *(gap for log in logs for gap in log.missing),
            *gaps,
        ),
        examined=(
            *(place for answer in answers for place in answer.examined),
            *(place for log in logs for place in log.examined),
        ),
    )


def _asked(places: Places, url: str, deadline: Deadline, *, named: bool) -> Answer:
    return ask(url, deadline, named=named, with_files=not places.isolated)


def _with_logs(servers: list[Server], logs: list[ServerLog]) -> tuple[list[Server], list[ServerLog]]:
    """Return the live servers with their logs merged in, and the logs that belong to none of them."""
    left, found = list(logs), []
    for server in servers:
        own = [log for log in left if is_log_of(log, server)]
        left = [log for log in left if log not in own]
        found.append(merged(server, own) if own else server)
    return found, left


def _from_logs(logs: list[ServerLog], *, with_files: bool) -> tuple[list[Server], list[Missing]]:
    servers: list[Server] = []
    missing: list[Missing] = []
    for log in logs:
        server, gaps = server_of(log, with_files=with_files)
        servers.append(server)
        missing += gaps
    return servers, missing
