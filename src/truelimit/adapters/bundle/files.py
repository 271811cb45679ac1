"""The files of a bundle while it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from truelimit.adapters.bundle.redact import Redactor
from truelimit.domain.message import Message

STATE = ".truelimit"


@dataclass(slots=True)
class BundleFiles:
    """A folder that fills up. ``troubles`` are sources that could not be read: they stay on this machine."""

    root: Path
    redact: Redactor = field(default_factory=Redactor)
    written: list[str] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)

    def place(self, target: str) -> Path:
        """Return where to write a file of the bundle, its folder made. Raises ValueError for one outside it."""
        parts = PurePosixPath(target).parts
        if not parts or ".." in parts or PurePosixPath(target).is_absolute():
            raise ValueError(f"{target!r} is no place in a bundle")
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        if target not in self.written:
            self.written.append(target)
        return path

    def has(self, target: str) -> bool:
        """Return whether this file was written."""
        return target in self.written

    def forget(self, target: str) -> None:
        """Remove a file that could not be written whole."""
        self.place(target).unlink(missing_ok=True)
        self.written.remove(target)

    def open(self, target: str) -> BinaryIO:
        """Open a file of the bundle for writing bytes."""
        return self.place(target).open("wb")

    def text(self, target: str, text: str) -> None:
        """Write a text file."""
        self.place(target).write_bytes(text.encode())

    def json(self, target: str, value: object) -> None:
        """Write a value as JSON for people."""
        self.text(target, json.dumps(value, indent=1) + "\n")

    def unreadable(self, source: Path, error: Exception) -> None:
        """Note a source that could not be read."""
        reason = error.strerror if isinstance(error, OSError) else None
        told = str(error) if isinstance(str(error), Message) else type(error).__name__
        self.troubles.append((str(source), reason or told))
        self.redact.drop("files that could not be read")

    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())
