"""Configuration files on disk: read whole, inspected before writing, replaced in one instant."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
import sys
from pathlib import Path

from truelimit.adapters.store.durable import Fault, move_over, no_fault, write_new
from truelimit.app.fix_ports import FixError
from truelimit.app.fix_receipt import FileState
from truelimit.domain.message import Message, counted, said
from truelimit.units import MIB

MAX_BYTES = 4 * MIB
_SPARE_BYTES = MIB


class LocalFiles:
    """The port ConfigFiles on this machine. ``fault`` is called before each act, for tests."""

    def __init__(self, fault: Fault = no_fault) -> None:
        """Keep the fault hook."""
        self._fault = fault

    def read(self, file: str) -> bytes:
        """Return the bytes of a file of at most 4 MiB. Raises FixError."""
        try:
            with Path(file).open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise FixError(said("{path}: cannot be read ({strerror})", path=file, strerror=_reason(error))) from None
        if len(data) > MAX_BYTES:
            raise FixError(
                said(
                    "{file}: larger than {most:,} bytes, which is no configuration; it is not touched",
                    file=file,
                    most=MAX_BYTES,
                )
            )
        return data

    def inspect(self, file: str) -> FileState:
        """Return what the file is, links followed. Raises FixError when it must not or cannot be replaced."""
        try:
            target = Path(file).resolve(strict=True)
            status = target.stat()
        except (OSError, RuntimeError, ValueError) as error:
            raise FixError(said("{file}: cannot be found ({why})", file=file, why=_reason(error))) from None
        reason = _why_not(target, status.st_mode, status.st_nlink)
        if reason is None and shutil.disk_usage(target.parent).free < 2 * status.st_size + _SPARE_BYTES:
            reason = said("its disk has less than 1 MiB of room left")
        if reason is not None:
            named = file if str(target) == file else said("{file} (a link to {target})", file=file, target=target)
            raise FixError(said("{file}: not written: {reason}", file=named, reason=reason))
        data = self.read(str(target))
        owner = None if sys.platform == "win32" else (status.st_uid, status.st_gid)
        return FileState(file, str(target), _hash(data), len(data), stat.S_IMODE(status.st_mode), owner)

    def sha256(self, target: str) -> str | None:
        """Return the hash of the file's bytes, None when there is no file. Raises FixError when it is unreadable."""
        return _hash(self.read(target)) if Path(target).exists() else None

    def stage(self, before: FileState, name: str, data: bytes) -> None:
        """Write ``data`` durably beside the file. Raises FixError."""
        path = _staged(before, name)
        try:
            write_new(path, data, before.mode, before.owner, self._fault)
            _copy_attributes(Path(before.target), path)
        except OSError as error:
            raise FixError(
                said(
                    "{path}: cannot be written ({why}); {file} was not touched",
                    path=path,
                    why=_reason(error),
                    file=before.file,
                )
            ) from None

    def staged(self, before: FileState, name: str) -> str | None:
        """Return the hash of what was staged, None when there is nothing."""
        path = _staged(before, name)
        return self.sha256(str(path)) if not path.is_symlink() else None

    def swap(self, before: FileState, name: str, expected_sha256: str | None) -> None:
        """Put what was staged in place of the file. Raises FixError, the file untouched, when its hash is another."""
        target = Path(before.target)
        self._fault("check", target)
        if target.is_symlink() or self.sha256(before.target) != expected_sha256:
            raise FixError(
                said(
                    "{file}: was changed by another program meanwhile; it was not touched, examine again",
                    file=before.file,
                )
            )
        try:
            move_over(_staged(before, name), target, self._fault)
        except OSError as error:
            raise FixError(said("{file}: cannot be replaced ({why})", file=before.file, why=_reason(error))) from None

    def discard(self, before: FileState, name: str) -> None:
        """Remove what was staged, if anything."""
        with contextlib.suppress(FileNotFoundError):
            _staged(before, name).unlink()


def _staged(before: FileState, name: str) -> Path:
    target = Path(before.target)
    return target.with_name(f".{target.name}.truelimit-{name}")


def _why_not(target: Path, mode: int, links: int) -> Message | None:
    """Return why a file must not be replaced, or None."""
    if not stat.S_ISREG(mode):
        return said("it is no ordinary file")
    if target.parts[:3] == (target.anchor, "nix", "store"):
        return said("it belongs to Nix, which makes it anew; change it in your Nix configuration")
    if not mode & stat.S_IWUSR:
        return said("it is marked read-only; allow writing first if that is what you want")
    if links > 1:
        return counted(
            "it has {count} name (a hard link), which replacing would part; edit it by hand",
            "it has {count} names (hard links), which replacing would part; edit it by hand",
            links,
        )
    return None


def _copy_attributes(source: Path, path: Path) -> None:
    """Copy extended attributes where the system has them and allows it (labels, access lists)."""
    import os

    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):
                os.setxattr(path, name, os.getxattr(source, name))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
