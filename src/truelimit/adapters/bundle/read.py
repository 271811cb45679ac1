"""Reads what a bundle holds beside the home folder: recorded answers, the machine, the environment, named files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from truelimit.adapters.bundle.files import STATE
from truelimit.app.ports import Deadline, Evidence, Places
from truelimit.domain.message import said
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Missing
from truelimit.units import MIB, Bytes

SCHEMA = "truelimit.bundle/1"
_CAP = 64 * MIB
_MOST_FILES = 200


def is_bundle(home: Path) -> bool:
    """Return whether a folder is one that ``collect`` wrote."""
    return (home / STATE / "bundle.json").is_file()


def read(places: Places, deadline: Deadline) -> Evidence:  # noqa: ARG001 (nothing is asked here)
    """Return the machine and the model files of the bundle at ``places``; nothing for another folder.

    Never raises. It must come before the edge that takes the machine from a server's log.
    """
    from truelimit.adapters.bundle.machine import machine_of

    if not (places.isolated and is_bundle(places.home)):
        return Evidence()
    missing: list[Missing] = []
    machine = machine_of(_json(places.home / STATE / "machine.json", missing))
    models = tuple(_models(places.home, missing))
    return Evidence(models=models, machine=machine, missing=tuple(missing), examined=(str(places.home / STATE),))


@contextmanager
def opened(places: Places) -> Iterator[Places]:
    """Yield the places with what a bundle adds to them; questions to its servers are answered from the record.

    For another folder, or this machine, the places stay as they are.
    """
    if not (places.isolated and is_bundle(places.home)):
        yield places
        return
    from truelimit.adapters.bundle.recorded import replaying

    state = places.home / STATE
    answers = [item for item in _list(_json(state / "live.json", [])) if isinstance(item, dict)]
    bases = {path: [str(item.get("base")) for item in answers if item.get("path") == path] for path in _FRONTS}
    found = replace(
        places,
        environment={**_texts(_json(state / "environment.json", [])), **places.environment},
        ollama=places.ollama or next(iter(bases["/api/version"]), None),
        servers=(*places.servers, *dict.fromkeys(bases["/props"])),
        logs=(*places.logs, *_files(state / "logs")),
        sessions=(*places.sessions, *_files(state / "sessions")),
    )
    if places.ollama or places.servers:
        # Addresses that the user named with the bundle are asked for real.
        yield replace(found, ollama=places.ollama, servers=places.servers)
        return
    with replaying(answers):
        yield found


_FRONTS = ("/api/version", "/props")


def _models(home: Path, missing: list[Missing]) -> Iterator[ModelHeader]:
    from truelimit.adapters.files.gguf.error import GgufError
    from truelimit.adapters.files.gguf.read import read_header

    sizes = _json(home / STATE / "models.json", [])
    for path in _files(home / STATE / "models"):
        size = sizes.get(path.name) if isinstance(sizes, dict) else None
        try:
            header = read_header(path)
        except (GgufError, OSError) as error:
            missing.append(Missing(said("model file {path}", path=path), str(error)))
            continue
        # The file of a bundle is a header alone: how large the model was stands beside it.
        size = Bytes(size) if isinstance(size, int) and size > 0 else header.file_bytes
        yield replace(header, file_bytes=size, missing_bytes=Bytes(0))


def _files(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(path for path in sorted(folder.iterdir()) if path.is_file())[:_MOST_FILES]
    except OSError:
        return ()


def _json(path: Path, missing: list[Missing]) -> Any:
    """Return the JSON of a file, None where there is none; a damaged one is noted."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(_CAP + 1)
        return json.loads(data) if len(data) <= _CAP else None
    except (OSError, ValueError, RecursionError):
        fact = said("{part} of the bundle", part=path.stem)
        missing.append(Missing(fact, said("{path}: not JSON, or damaged; collect it again", path=path)))
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> dict[str, str]:
    """Return the settings of Ollama among these variables: nothing else of a bundle's is taken."""
    from truelimit.adapters.servers.ollama.environment import NAMES

    pairs = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in pairs if key in NAMES and isinstance(text, str)}
