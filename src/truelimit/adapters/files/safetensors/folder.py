"""The weights of a Hugging Face folder: its one safetensors file, or all those that its index names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from truelimit.adapters.files.safetensors.parse import SafetensorsError, Tally, add, header_length
from truelimit.app.model import StoredWeights
from truelimit.domain.message import said

INDEX = "model.safetensors.index.json"
MOST_SHARDS = 2048
LONGEST_INDEX = 64 * 2**20


def read_folder(folder: Path) -> StoredWeights | None:
    """Return what the safetensors files of a folder hold, or None where there are none.

    Raises SafetensorsError for a file that cannot be read or is missing.
    """
    index = folder / INDEX
    if index.is_file():
        names = shards_of(_content(index, LONGEST_INDEX), str(index))
        return read_stored([folder / name for name in names], str(folder))
    files = sorted(folder.glob("*.safetensors"))[: MOST_SHARDS + 1]
    return read_stored(files, str(folder)) if files else None


def read_stored(files: list[Path], where: str) -> StoredWeights:
    """Return what safetensors files hold together. Raises SafetensorsError for one that cannot be read."""
    if len(files) > MOST_SHARDS:
        raise SafetensorsError(where, said("more than {most_shards:,} files", most_shards=MOST_SHARDS), said("a model"))
    tally = Tally()
    for file in files:
        _add_file(tally, file)
    return tally.stored(where)


def shards_of(text: bytes, where: str) -> list[str]:
    """Return the names of the files that an index lists, each once. Raises SafetensorsError for no index."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    weights = data.get("weight_map") if isinstance(data, Mapping) else None
    names = set(weights.values()) if isinstance(weights, Mapping) and _all_texts(weights) else set()
    if not 0 < len(names) <= MOST_SHARDS:
        raise SafetensorsError(where, said("no usable weight_map"), said("the file of each tensor"))
    bad = next((name for name in names if not _is_plain(name)), None)
    if bad is not None:
        raise SafetensorsError(where, said("names the file {bad!r}", bad=bad[:80]), said("names of files beside it"))
    return sorted(names)


def _all_texts(weights: Mapping[str, object]) -> bool:
    return all(isinstance(value, str) for value in weights.values())


def _is_plain(name: str) -> bool:
    """Tell whether a name is that of a safetensors file in the same folder."""
    return name.endswith(".safetensors") and not any(sign in name for sign in "/\\:\0") and not name.startswith(".")


def _add_file(tally: Tally, file: Path) -> None:
    try:
        size = file.stat().st_size
        with file.open("rb") as content:
            length = header_length(content.read(8), str(file), size)
            text = content.read(length)
    except OSError as error:
        raise SafetensorsError(
            str(file), error.strerror or type(error).__name__, said("a file that can be read")
        ) from None
    add(tally, text, str(file), size)


def _content(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as content:
            text = content.read(most + 1)
    except OSError as error:
        raise SafetensorsError(
            str(file), error.strerror or type(error).__name__, said("a file that can be read")
        ) from None
    if len(text) > most:
        raise SafetensorsError(str(file), said("more than {most:,} bytes", most=most), said("an index"))
    return text
