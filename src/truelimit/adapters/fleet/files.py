"""Finds a fleet's Parquet files, and leaves out by name those that cannot be counted."""

from __future__ import annotations

import glob
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truelimit.adapters.bundle.unpack import LARGEST_FILE
from truelimit.adapters.fleet.columns import FILE, FLEET_COLUMNS, PERSON
from truelimit.adapters.fleet.errors import FLEET_EXTRA, FleetError, first_line, needed
from truelimit.domain.message import joined, said
from truelimit.domain.provenance import Missing
from truelimit.units import MIB


@dataclass(frozen=True, slots=True)
class Files:
    """Files that can be counted. ``apart``: no person is in two of them, so no record can be there twice."""

    paths: tuple[str, ...]
    apart: bool
    missing: tuple[Missing, ...] = ()


def is_remote(path: str) -> bool:
    """Return whether a path is a URL of some storage, which only a distributed engine reads."""
    return "://" in path


def find(paths: Sequence[str], folder: Path) -> Files:
    """Return the files of folders (searched through), patterns and names; bundles are unpacked into ``folder``.

    A URL stays as it is, unlooked-at. Raises FleetError where nothing can be counted.
    """
    remote = [path for path in paths if is_remote(path)]
    found = [] if len(remote) == len(paths) else list(dict.fromkeys(_local(paths)))
    missing: list[Missing] = []
    kept, people = _checked(_unpacked(found, folder, missing), missing) if found else ([], [])
    if not remote and not kept:
        why = said("; {fact}: {why}", fact=missing[0].fact, why=missing[0].why) if missing else ""
        raise FleetError(
            said(
                "no file to count in {paths}: expected Parquet files or bundles that "
                "truelimit collect --work wrote{why}",
                paths=", ".join(paths)[:200],
                why=why,
            )
        )
    apart = not remote and None not in people and len(set(people)) == len(people)
    return Files((*kept, *remote), apart, tuple(missing))


def _local(paths: Iterable[str]) -> Iterator[Path]:
    for text in paths:
        if is_remote(text):
            continue
        path = Path(text)
        if path.is_dir():
            yield from sorted(item for item in path.rglob("*") if item.suffix.lower() in {".parquet", ".zip"})
        elif path.exists():
            yield path
        else:
            matched = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - a pattern may be absolute
            if not matched:
                raise FleetError(
                    said("{text} does not exist and matches nothing; expected a folder, file or pattern", text=text)
                )
            yield from _local(matched)


def _unpacked(paths: Iterable[Path], folder: Path, missing: list[Missing]) -> Iterator[Path]:
    for number, path in enumerate(paths):
        if path.suffix.lower() != ".zip":
            yield path
            continue
        target = folder / f"{number}.parquet"
        try:
            _take_out(path, target)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error, OSError) as error:
            missing.append(Missing(str(path), said("left out: no readable zip ({name})", name=type(error).__name__)))
        except KeyError:
            missing.append(
                Missing(
                    str(path), said("left out: no {file} in it; it is written by truelimit collect --work", file=FILE)
                )
            )
        else:
            yield target


def _take_out(path: Path, target: Path) -> None:
    """Write the records of a bundle to a file. Raises KeyError where it has none, RuntimeError where they are huge."""
    size = 0
    with zipfile.ZipFile(path) as archive, archive.open(_member(archive)) as source, target.open("wb") as out:
        while piece := source.read(MIB):  # bytes are counted as they come, whatever the zip says of them
            size += len(piece)
            if size > LARGEST_FILE:
                raise RuntimeError
            out.write(piece)


def _member(archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if name == FILE or name.endswith(f"/{FILE}")]
    return min(names, key=len, default=FILE)


def _checked(paths: Iterable[Path], missing: list[Missing]) -> tuple[list[str], list[str | None]]:
    """Return the files whose columns are right, and the one person of each, None where it may hold several."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise needed(error, FLEET_EXTRA) from error
    kept, people = [], []
    for path in paths:
        try:
            footer = parquet.read_metadata(path)
            wrong = _wrong(footer.schema.to_arrow_schema())
        except (pa.ArrowException, OSError, ValueError) as error:
            wrong = said("no readable Parquet: {error}", error=first_line(error))
        if wrong:
            missing.append(Missing(str(path), said("left out: {wrong}", wrong=wrong)))
        elif footer.num_rows:
            kept.append(str(path))
            people.append(_only_person(footer))
    return kept, people


def _wrong(schema: Any) -> str:
    absent = [name for name, _, is_needed in FLEET_COLUMNS if is_needed and name not in schema.names]
    if absent:
        return said(
            "columns are missing: {absent}; expected a file that truelimit collect --work wrote",
            absent=", ".join(absent),
        )
    bad = [
        said("{name} is {type}, expected {words}", name=name, type=schema.field(name).type, words=_WORDS[kind])
        for name, kind, _ in FLEET_COLUMNS
        if name in schema.names and not _is_of(schema.field(name).type, kind)
    ]
    return joined("; ", bad)


_WORDS = {
    "VARCHAR": "text",
    "BIGINT": said("whole numbers"),
    "INTEGER": said("whole numbers"),
    "DOUBLE": said("numbers (of a time: seconds since 1970)"),
    "BOOLEAN": said("true or false"),
}


def _is_of(found: Any, kind: str) -> bool:
    from pyarrow import types

    if types.is_null(found):
        return True
    match kind:
        case "VARCHAR":
            return bool(types.is_string(found) or types.is_large_string(found))
        case "BOOLEAN":
            return bool(types.is_boolean(found))
        case "DOUBLE":
            return bool(types.is_floating(found) or types.is_integer(found))
    return bool(types.is_integer(found))


def _only_person(footer: Any) -> str | None:
    """Return the one person of a file by the statistics of its column, or None where they do not tell of one."""
    place = footer.schema.names.index(PERSON)
    seen: set[str | None] = set()
    for number in range(footer.num_row_groups):
        held = footer.row_group(number).column(place).statistics
        is_told = held is not None and held.has_min_max and not held.null_count
        seen.add(held.min if is_told and held.min == held.max else None)
    return seen.pop() if len(seen) == 1 else None
