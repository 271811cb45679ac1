"""One settings file, JSON5 or TOML: values by path, and where each stands."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from truelimit.adapters.files.json5_document import Json5Document, Json5Error
from truelimit.domain.agent import ConfigPath, ConfigPlace
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

_MAX_BYTES = 4 * 2**20


class Document(Protocol):
    """What a reader asks of a settings file."""

    def get(self, path: ConfigPath, default: object = None) -> object:
        """Return the plain value at the path, or ``default`` where it is absent."""
        ...

    def place(self, path: ConfigPath) -> ConfigPlace:
        """Return the place of a key."""
        ...


class PlainDocument:
    """A file read without its lines, or none at all."""

    def __init__(self, values: Mapping[str, Any], file: str) -> None:
        """Keep the values and the name of the file."""
        self._values, self._file = values, file

    def get(self, path: ConfigPath, default: object = None) -> object:
        """Return the plain value at the path, or ``default`` where it is absent."""
        value: object = self._values
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                return default
            value = value[key]
        return value

    def place(self, path: ConfigPath) -> ConfigPlace:
        """Return the place of a key."""
        return ConfigPlace(self._file, path)


def opened(path: Path, agent: str, missing: list[Missing]) -> Document:
    """Return a settings file: an empty one where there is none or it cannot be read, which ``missing`` then tells."""
    nothing = PlainDocument({}, str(path))
    try:
        if not path.is_file():
            return nothing
        return _toml(path) if path.suffix == ".toml" else Json5Document.read(path)
    except Json5Error as error:
        why: str = str(error)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        why = said("{path}: not TOML in UTF-8; correct the file, or restore its last backup", path=path)
    except OSError as error:
        why = said("{path}: {why}", path=path, why=error.strerror or said("cannot be read"))
    missing.append(Missing(said("settings of {agent}", agent=agent), why))
    return nothing


def _toml(path: Path) -> PlainDocument:
    with path.open("rb") as stream:
        content = stream.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise OSError(0, said("more than {most:,} bytes", most=_MAX_BYTES))
    return PlainDocument(tomllib.loads(content.decode("utf-8-sig")), str(path))
