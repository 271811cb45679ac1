"""Every OpenClaw of a home folder, written anew in the places where its reader looks."""

from __future__ import annotations

import re
from pathlib import Path

from truelimit.adapters.agents.openclaw.catalogue import MAX_BYTES
from truelimit.adapters.agents.openclaw.config import load
from truelimit.adapters.agents.openclaw.generations import release_of
from truelimit.adapters.agents.openclaw.json_values import parse
from truelimit.adapters.agents.openclaw.places import (
    CONFIG_NAMES,
    OLD_STATE_DIRS,
    STATE_DIR,
    Installation,
    installations,
    is_dir,
    is_file,
)
from truelimit.adapters.agents.openclaw.sessions import STORE, find_logs
from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.openclaw_config import reduced_catalogue, reduced_config
from truelimit.adapters.bundle.openclaw_logs import write_log
from truelimit.adapters.bundle.openclaw_sessions import write_counters, write_store, write_transcript
from truelimit.app.ports import Places

_DAY_LOG = re.compile(r"openclaw-\d{4}-\d\d-\d\d(?:\.\d{1,3})?\.log(?:\.\d{1,3})?")
_PACKAGE = ".npm-global/lib/node_modules/openclaw/package.json"


def write_openclaw(places: Places, files: BundleFiles) -> int:
    """Write all installations at ``places``; returns how many there are."""
    found = installations(places)
    for index, place in enumerate(found):
        target = _target(place, files)
        _write_config(place, target, files, isolated=places.isolated)
        for folder in place.agent_dirs():
            _write_agent(folder, f"{target}/agents/{files.redact.agent(folder.name)}", files)
        scope = places if index == 0 else Places(places.home, isolated=True)
        for number, path in enumerate(find_logs(place.state_dir, scope), 1):
            name = path.name if _DAY_LOG.fullmatch(path.name) else f"openclaw-{number:03}.log"
            name = name if not files.has(f"{target}/logs/{name}") else f"openclaw-{number:03}.log"
            write_log(path, f"{target}/logs/{name}", files)
    return len(found)


def _target(place: Installation, files: BundleFiles) -> str:
    if place.state_dir.name in (STATE_DIR, *OLD_STATE_DIRS):
        return place.state_dir.name
    if place.name == "openclaw":
        return STATE_DIR
    return f"{STATE_DIR}-profile{files.redact.number('profile names', place.name)}"


def _write_config(place: Installation, target: str, files: BundleFiles, *, isolated: bool) -> None:
    config = None
    if place.config_file is not None:
        config, missing = load(place.config_file, place.environment)
        name = place.config_file.name if place.config_file.name in CONFIG_NAMES else CONFIG_NAMES[0]
        if config is not None:
            files.json(f"{target}/{name}", reduced_config(config, files.redact))
        elif missing:
            files.unreadable(place.config_file, ValueError())
            # The reader says that there is a configuration which cannot be read: so it does for this text.
            files.text(f"{target}/{name}", "!\n")
    version = release_of(place, config, isolated).version
    if version is not None and "package.json" in version.where and not files.has(_PACKAGE):
        files.json(_PACKAGE, {"name": "openclaw", "version": version.value})


def _write_agent(folder: Path, target: str, files: BundleFiles) -> None:
    if is_file(folder / "agent" / "models.json"):
        _write_catalogue(folder / "agent" / "models.json", f"{target}/agent/models.json", files)
    if is_file(folder / STORE):
        write_store(folder / STORE, f"{target}/{STORE.as_posix()}", files)
    if is_dir(folder / "sessions"):
        _write_sessions(folder / "sessions", f"{target}/sessions", files)


def _write_sessions(folder: Path, target: str, files: BundleFiles) -> None:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        files.unreadable(folder, error)
        return
    for path in paths:
        if ".jsonl" in path.name:
            # Numbers in the order of the names: sessions then keep their order.
            files.redact.session(path.name.partition(".jsonl")[0])
    for number, path in enumerate(paths):
        session, suffix, reset = path.name.partition(".jsonl")
        if path.name == "sessions.json":
            write_counters(path, f"{target}/sessions.json", files)
        elif suffix and is_file(path) and (not reset or reset.startswith(".reset.")):
            rest = f".reset.{number}" if reset else ""
            write_transcript(path, f"{target}/{files.redact.session(session)}.jsonl{rest}", files)
        else:
            files.redact.drop("other files beside the transcripts")


def _write_catalogue(source: Path, target: str, files: BundleFiles) -> None:
    try:
        value = parse(source.read_bytes()) if source.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        files.unreadable(source, error)
        return
    if value is None:
        files.text(target, "!")
    else:
        files.json(target, reduced_catalogue(value, files.redact))
