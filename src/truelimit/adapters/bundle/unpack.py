"""A bundle in a zip, unpacked to a folder that goes away; a hostile zip is refused."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from truelimit.domain.message import said
from truelimit.units import GIB, MIB

MOST_FILES = 20_000
LARGEST_FILE = 1 * GIB
LARGEST_BUNDLE = 4 * GIB
_PIECE = MIB


class BundleError(ValueError):
    """A file that is no bundle, or one that must not be unpacked; the text says why and what to do."""


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the folder of a bundle: ``path`` itself when it is a folder, else its unpacked content.

    The unpacked folder is removed at the end. Raises BundleError for a file that is no zip, for names that lead out of
    the folder, links, too many or too large files (whatever their directory says: bytes are counted), and OSError.
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="truelimit-bundle-", ignore_cleanup_errors=True) as folder:
        _unpack(path, Path(folder))
        yield _root(Path(folder))


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise BundleError(
                    said(
                        "{path}: {files:,} files (expected at most {most:,}); it is no bundle",
                        path=path,
                        files=len(entries),
                        most=MOST_FILES,
                    )
                )
            budget = LARGEST_BUNDLE
            for entry in entries:
                budget -= _write(archive, entry, folder, min(LARGEST_FILE, budget), path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BundleError(
            said(
                "{path}: not a readable zip ({kind}); expected a bundle that truelimit collect wrote",
                path=path,
                kind=type(error).__name__,
            )
        ) from None


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, most: int, path: Path) -> int:
    """Write one file; return its bytes, counted as they come."""
    target = _target(entry, folder, path)
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(entry) as source, target.open("xb") as out:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > most:
                raise BundleError(
                    said("{path}: its content is larger than any bundle's; it is not unpacked", path=path)
                )
            out.write(piece)
    return size


def _target(entry: zipfile.ZipInfo, folder: Path, path: Path) -> Path:
    """Return where a file goes. Raises BundleError for a name that could lead elsewhere, and for a link."""
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    is_plain = name.parts and not name.is_absolute() and ".." not in name.parts and not _has_drive(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not is_plain or kind not in {0, stat.S_IFREG, stat.S_IFDIR} or "\0" in entry.filename:
        raise BundleError(
            said("{path}: it holds a name or link that leads out of its folder; it is not unpacked", path=path)
        )
    return folder.joinpath(*name.parts)


def _has_drive(name: PurePosixPath) -> bool:
    return any(":" in part for part in name.parts)


def _root(folder: Path) -> Path:
    """Return the folder of the home: the zip's own, or its single folder where a person packed it again."""
    entries = list(folder.iterdir())
    hidden = any(entry.name.startswith(".") for entry in entries)
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and not hidden else folder


def packed(folder: Path, target: Path) -> None:
    """Write a folder as a zip: whole or not at all, files in order of name. Raises OSError."""
    partial = target.with_name(target.name + ".partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                with path.open("rb") as source, archive.open(_entry(path, folder), "w", force_zip64=True) as out:
                    shutil.copyfileobj(source, out, _PIECE)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _entry(path: Path, folder: Path) -> zipfile.ZipInfo:
    """Return an entry without the times and owners of this machine."""
    entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o600) << 16
    return entry
