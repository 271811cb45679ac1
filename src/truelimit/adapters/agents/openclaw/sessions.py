"""Everything that OpenClaw remembers of its sessions: transcripts, counters, stores and logs of both generations."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from truelimit.adapters.agents.openclaw.call_merge import merge_calls
from truelimit.adapters.agents.openclaw.log_lines import read_log_file
from truelimit.adapters.agents.openclaw.session_counters import Counters
from truelimit.adapters.agents.openclaw.sessions_json import SessionsJson, read_sessions_json
from truelimit.adapters.agents.openclaw.sqlite_store import read_store
from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_fold import fold
from truelimit.adapters.agents.openclaw.transcript_lines import measure
from truelimit.app.ports import Evidence, Places
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing
from truelimit.domain.session import Session

STORE = Path("agent") / "openclaw-agent.sqlite"


def read_sessions(state_dir: Path, places: Places) -> Evidence:
    """Return the sessions of all agents under ``state_dir``, and the calls that only logs know of. Never raises.

    Logs are those in ``state_dir``/logs and, when this machine may be examined, those in its temporary folder.
    """
    found: list[Evidence] = []
    missing: list[Missing] = []
    found.extend(_read_agent(folder) for folder in _listed(state_dir / "agents", missing) if folder.is_dir())
    found.extend(_read_found_log(path) for path in find_logs(state_dir, places))
    evidence = _together(found, missing)
    return replace(evidence, sessions=merge_calls(evidence.sessions))


def _read_found_log(path: Path) -> Evidence:
    """Return what a log tells. A file of another kind that only lies in the folder for logs is no missing fact."""
    evidence = read_log_file(path)
    return (
        evidence if evidence.examined else Evidence(examined=(said("{path}: no log in OpenClaw's format", path=path),))
    )


def _read_agent(folder: Path) -> Evidence:
    found: list[Evidence] = []
    missing: list[Missing] = []
    if _is_there(folder / STORE, missing):
        found.append(read_store(folder / STORE))
    if (folder / "sessions").is_dir():
        found.append(_read_folder(folder / "sessions"))
    return _together(found, missing)


def _read_folder(folder: Path) -> Evidence:
    """Return the sessions of a folder with sessions.json and transcripts, also those that a reset put aside."""
    missing: list[Missing] = []
    counted = SessionsJson()
    index = folder / "sessions.json"
    is_there = _is_there(index, missing)
    names = [path for path in _listed(folder, missing) if _is_transcript(path) and _is_there(path, missing)]
    folded = [(path, *_folded(path)) for path in names]
    if is_there:
        counted = read_sessions_json(index, {transcript.session for _, transcript, _ in folded})
        missing.extend(counted.missing)
    found = [_finished(path, transcript, error, counted.counters) for path, transcript, error in folded]
    seen = {session.id for evidence in found for session in evidence.sessions}
    found.append(_counters_alone(counted, seen, str(index)))
    return _together(found, missing)


def _is_transcript(path: Path) -> bool:
    return path.name.endswith(".jsonl") or ".jsonl.reset." in path.name


def _is_there(path: Path, missing: list[Missing]) -> bool:
    """Return whether there is a file; what has its name and is none (a folder, a dead link, a pipe) is noted."""
    if path.is_file():
        return True
    if os.path.lexists(path):
        missing.append(Missing("sessions", said("{path}: not a regular file, or a link that leads nowhere", path=path)))
    return False


def _counters_alone(counted: SessionsJson, seen: set[str], where: str) -> Evidence:
    """Return sessions without a transcript. Their count of compactions has nothing to compare with and is left out."""
    entries = counted.counters.items()
    alone = [Transcript(session, where).finish(entry) for session, entry in entries if session not in seen]
    sessions = tuple(replace(session, compaction_count=None) for session in alone)
    examined = (
        (said("{where}: {sessions} entries", where=where, sessions=counted.sessions),) if counted.sessions else ()
    )
    return Evidence(sessions=sessions, examined=examined)


def read_transcript(path: Path, counters: Mapping[str, Counters] | None = None) -> Evidence:
    """Return the session of one transcript file, of either version. Never raises."""
    return _finished(path, *_folded(path), counters or {})


def _folded(path: Path) -> tuple[Transcript, OSError | None]:
    """Return what a transcript file holds, and what went wrong."""
    transcript = Transcript(path.name.partition(".jsonl")[0], str(path), functools.partial(_measured, path))
    try:
        fold(path, transcript)
    except OSError as error:
        return transcript, error
    return transcript, None


def _finished(path: Path, transcript: Transcript, error: OSError | None, counters: Mapping[str, Counters]) -> Evidence:
    if error is not None:
        return Evidence(missing=(Missing("session", f"{path}: {error.strerror or type(error).__name__}"),))
    session = transcript.finish(counters.get(transcript.session))
    return Evidence(
        sessions=(session,), missing=_empty(path, transcript), examined=(_counted(path, session, transcript),)
    )


def _empty(path: Path, transcript: Transcript) -> tuple[Missing, ...]:
    if transcript.lines > transcript.damaged:
        return ()
    why = (
        said("it is empty")
        if not transcript.lines
        else said("none of its {lines} lines is a session entry", lines=transcript.lines)
    )
    return (Missing(said("session"), said("{path}: {why}", path=path, why=why)),)


def _counted(path: Path, session: Session, transcript: Transcript) -> str:
    damaged = said(", {damaged} damaged", damaged=transcript.damaged) if transcript.damaged else ""
    return said(
        "{path}: {calls} calls in {lines} lines{damaged}",
        path=path,
        calls=len(session.calls),
        lines=transcript.lines,
        damaged=damaged,
    )


def _measured(path: Path, spans: list[tuple[int, int]]) -> int:
    """Return the characters at ``spans``; a file that can't be read again counts one character a byte."""
    try:
        return measure(path, spans)
    except OSError:
        return sum(length for _, length in spans)


def find_logs(state_dir: Path, places: Places) -> tuple[Path, ...]:
    """Return OpenClaw's log files: under the state folder, and in this machine's temporary folder unless isolated."""
    folders = [(state_dir / "logs", "*.log*")]
    if not places.isolated:
        folders += [(folder, "openclaw-*.log") for folder in _temporary()]
    return tuple(path for folder, pattern in folders for path in _matching(folder, pattern))


def _temporary() -> tuple[Path, ...]:
    """Return where OpenClaw logs by default: /tmp/openclaw, else a folder of the user in the temporary folder."""
    user = os.getuid() if hasattr(os, "getuid") else None
    base = Path(tempfile.gettempdir())
    names = ["openclaw"] + ([f"openclaw-{user}"] if user is not None else [])
    usual = [] if os.name == "nt" else [Path("/tmp/openclaw")]  # noqa: S108
    return tuple(dict.fromkeys([*usual, *(base / name for name in names)]))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (path for path in sorted(folder.glob(pattern)) if path.is_file())


def _listed(folder: Path, missing: list[Missing]) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        missing.append(Missing("sessions", f"{folder}: {error.strerror or type(error).__name__}"))
        return []


def _together(found: Iterable[Evidence], missing: Iterable[Missing] = ()) -> Evidence:
    """Return several pieces of evidence as one."""
    pieces = list(found)
    return Evidence(
        sessions=tuple(session for piece in pieces for session in piece.sessions),
        missing=(*missing, *(item for piece in pieces for item in piece.missing)),
        examined=tuple(item for piece in pieces for item in piece.examined),
    )
