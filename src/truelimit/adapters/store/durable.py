"""Writes that survive a crash: temporary file, fsync, replace; each with a named point for tests to break off at."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

Fault = Callable[[str, Path], None]
"""Called before each act (``write``, ``fsync``, ``owner``, ``replace``, ``fsync-folder``) with the file it is about."""

_RETRIES = 20


def no_fault(_act: str, _path: Path) -> None:
    """Let everything happen."""


def write_new(
    path: Path, data: bytes, mode: int, owner: tuple[int, int] | None = None, fault: Fault = no_fault
) -> None:
    """Write a file that must not be there yet, durably, with these permission bits and owner; a remnant is removed.

    Raises OSError; what was written so far is then removed.
    """
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fault("write", path)
            stream.write(data)
            stream.flush()
            fault("owner", path)
            _give(stream.fileno(), path, mode, owner)
            fault("fsync", path)
            os.fsync(stream.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def move_over(source: Path, target: Path, fault: Fault = no_fault) -> None:
    """Put ``source`` in place of ``target`` in one instant, durably. Raises OSError, ``target`` untouched."""
    fault("replace", target)
    _replace(source, target)
    fault("fsync-folder", target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows has no such call: its journal of names does it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _give(descriptor: int, path: Path, mode: int, owner: tuple[int, int] | None) -> None:
    """Set owner, then mode (a change of owner clears bits). On Windows the folder's access list is inherited."""
    if sys.platform == "win32":
        path.chmod(mode)
        return
    if owner is not None:
        status = os.fstat(descriptor)
        if (status.st_uid, status.st_gid) != owner:
            os.fchown(descriptor, *owner)
    os.fchmod(descriptor, mode)


def _replace(source: Path, target: Path) -> None:
    """On Windows a program that has the target open refuses this for a moment: try for a second."""
    if sys.platform != "win32":
        source.replace(target)
        return
    import time

    for attempt in range(_RETRIES):
        try:
            source.replace(target)
        except PermissionError:
            if attempt == _RETRIES - 1:
                raise
            time.sleep(0.05)
        else:
            return
