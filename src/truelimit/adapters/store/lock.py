"""One run at a time: an advisory lock that the system lets go of when its holder dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from truelimit.app.fix_ports import FixError
from truelimit.domain.message import said


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file. Raises FixError when another run holds it."""
    try:
        stream = path.open("a+b")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise FixError(
            said("{path}: cannot be opened ({why}); the data folder must be writable", path=path, why=why)
        ) from None
    with stream:
        try:
            _lock(stream)
        except OSError:
            raise FixError(
                said("another run of truelimit is changing something ({path} is locked); wait for its end", path=path)
            ) from None
        try:
            yield
        finally:
            _unlock(stream)


def _lock(stream: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(stream: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_UN)
