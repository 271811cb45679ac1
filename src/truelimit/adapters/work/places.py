"""Where each agent and server keeps its records, under a home folder and where variables say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from truelimit.adapters.agents.openclaw.places import installations
from truelimit.adapters.agents.openclaw.sessions import STORE
from truelimit.adapters.bundle.read import is_bundle
from truelimit.adapters.fleet.columns import FILE as RECORDS
from truelimit.adapters.servers.ollama.logs import home_logs
from truelimit.adapters.work.sniff import reader_of
from truelimit.app.ports import Places
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

AGENTS = ("claude-code", "cline", "codex", "openclaw", "opencode", "pi", "qwen-code", "roo-code")
_CODE_FOLDERS = (
    ".config/Code/User/globalStorage",
    ".vscode-server/data/User/globalStorage",
    "Library/Application Support/Code/User/globalStorage",
    "AppData/Roaming/Code/User/globalStorage",
)
_EXTENSIONS = ("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with records and the name of its reader. ``has_tools``: the calls of tools are in it as they were."""

    path: Path
    reader: str
    has_tools: bool = True


def found(places: Places) -> list[SourceFile]:
    """Return the files with records, the longest unchanged first: a session that was resumed copies an older one.

    Of a bundle the records that it was collected with, else its transcripts, from which tool calls were taken.
    """
    if places.isolated and is_bundle(places.home):
        records = places.home / RECORDS
        if records.is_file():
            return [SourceFile(records, "table")]
        return [replace(item, has_tools=False) for item in _in_home(places)]
    return _in_home(places)


def _in_home(places: Places) -> list[SourceFile]:
    sources = [*_claude(places), *_codex(places), *_qwen(places), *_pi(places), *_openclaw(places)]
    sources += [*_opencode(places), *_cline(places), *_ollama(places)]
    unique = {(item.path.absolute(), item.reader): item for item in sources}
    return sorted(unique.values(), key=lambda item: (_changed(item.path), str(item.path)))


def named(paths: Iterable[Path]) -> tuple[list[SourceFile], list[Missing]]:
    """Return files that the user named, told apart by content, and those that are refused, each with the reason."""
    sources, missing = [], []
    for path in paths:
        try:
            reader = reader_of(path)
        except OSError as error:
            missing.append(Missing(str(path), error.strerror or type(error).__name__))
            continue
        if reader is None:
            missing.append(Missing(str(path), said("neither a transcript, a log, a store nor a table that is known")))
        else:
            sources.append(SourceFile(path, reader))
    return sources, missing


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _folders(places: Places, variable: str, usual: Iterable[str], below: str = "") -> Iterator[Path]:
    """Yield folders: those that a variable names (more than one after commas), else the usual ones under the home."""
    text = places.environment.get(variable, "").strip()
    if text:
        yield from (Path(part.strip()).expanduser() / below for part in text.split(",") if part.strip())
    else:
        yield from (places.home / part / below for part in usual)


def _files(folders: Iterable[Path], suffix: str, reader: str, prefix: str = "") -> Iterator[SourceFile]:
    for folder in folders:
        for at, subfolders, names in os.walk(folder):
            subfolders.sort()
            for name in sorted(names):
                if name.endswith(suffix) and name.startswith(prefix):
                    yield SourceFile(Path(at) / name, reader)


def _claude(places: Places) -> Iterator[SourceFile]:
    folders = _folders(places, "CLAUDE_CONFIG_DIR", (".claude", ".config/claude"), "projects")
    return _files(folders, ".jsonl", "claude-code")


def _codex(places: Places) -> Iterator[SourceFile]:
    homes = list(_folders(places, "CODEX_HOME", (".codex",)))
    folders = [home / name for home in homes for name in ("sessions", "archived_sessions")]
    return _files(folders, ".jsonl", "codex", "rollout-")


def _qwen(places: Places) -> Iterator[SourceFile]:
    for item in _files(_folders(places, "QWEN_HOME", (".qwen",), "projects"), ".jsonl", "qwen-code"):
        if item.path.parent.name == "chats":
            yield item


def _pi(places: Places) -> Iterator[SourceFile]:
    return _files(_folders(places, "PI_CODING_AGENT_DIR", (".pi/agent",), "sessions"), ".jsonl", "pi")


def _openclaw(places: Places) -> Iterator[SourceFile]:
    for installation in installations(places):
        for folder in installation.agent_dirs():
            store = folder / STORE
            if store.is_file():
                yield SourceFile(store, "openclaw")
            for item in _files([folder / "sessions"], "", "openclaw"):
                if item.path.name.endswith(".jsonl") or ".jsonl.reset." in item.path.name:
                    yield item


def _opencode(places: Places) -> Iterator[SourceFile]:
    folders = _data_folders(places.environment, places.home)
    for path in (folder / "opencode" / "opencode.db" for folder in folders):
        if path.is_file():
            yield SourceFile(path, "opencode")


def _data_folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    told = environment.get("XDG_DATA_HOME", "").strip()
    return (Path(told),) if told else (home / ".local" / "share", home / "AppData" / "Local")


def _cline(places: Places) -> Iterator[SourceFile]:
    yield from _files(_folders(places, "CLINE_DIR", (".cline",), "data/sessions"), ".messages.json", "cline")
    folders = [places.home / base / name / "tasks" for base in _CODE_FOLDERS for name in _EXTENSIONS]
    yield from _files(folders, "ui_messages.json", "cline")


def _ollama(places: Places) -> Iterator[SourceFile]:
    for path in home_logs(places):
        yield SourceFile(path, "server-log")
