"""The table of open models: one TOML each, found by id or alias; and the user's own TOML of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from truelimit.app.model_entry import ModelEntry
from truelimit.domain.message import Message, counted, said
from truelimit.domain.model import MetadataValue, ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.tables import files
from truelimit.tables.fields import known_keys, nearest, table, text, texts, whole, wrong
from truelimit.tables.model_checks import check, check_sizes
from truelimit.tables.model_keys import check_keys
from truelimit.units import Bytes

_KEYS = (
    "name",
    "aliases",
    "architecture",
    "parameters",
    "active_parameters",
    "source",
    "typical",
    "files_bytes",
    "metadata",
)
_MOST_PARAMETERS = 1e14
_MOST_LIST = 4096  # items of a list of metadata
_SHOWN = 8


def model_names() -> tuple[str, ...]:
    """Return the ids of the shipped models."""
    return files.names("models")


def model(name: str) -> ModelHeader | None:
    """Return a shipped model by id or alias, or None. Its size is that of its first listed file, where it lists one."""
    found = model_entry(name)
    return found.header if found else None


def model_entry(name: str) -> ModelEntry | None:
    """Return a shipped model by id, name or alias, in any case, or None. Raises TableError for a broken table."""
    wanted = name.strip().lower()
    row = files.row("models", wanted)
    if row is not None:
        return _entry(row, f"{wanted}.toml", wanted)
    for file in (*files.holding("models", wanted), *model_names()):
        row = files.row("models", file)
        if row is not None and wanted in _names(row, f"{file}.toml"):
            return _entry(row, f"{file}.toml", file)
    return None


def model_entries() -> Iterator[ModelEntry]:
    """Yield every shipped model, by id. Raises TableError for a broken table."""
    for name in model_names():
        row = files.row("models", name)
        if row is not None:
            yield _entry(row, f"{name}.toml", name)


def model_file(path: Path) -> ModelEntry:
    """Return the model of a TOML of the user's. Raises TableError by file and key for what cannot be."""
    return _entry(files.own(path, said("a model")), path.name, path.stem, own=True)


def nearest_models(name: str) -> tuple[str, ...]:
    """Return names and aliases of shipped models that are written most alike, best first."""
    every = {alias: None for entry in model_entries() for alias in (entry.id, *entry.aliases)}
    lower = {alias.lower(): alias for alias in every}
    return tuple(lower[found] for found in nearest(name, lower))


def _names(row: Mapping[str, Any], file: str) -> set[str]:
    return {text(file, row, "name").lower(), *(alias.lower() for alias in texts(file, row, "aliases"))}


def _entry(row: Mapping[str, Any], file: str, name: str, *, own: bool = False) -> ModelEntry:
    known_keys(file, row, _KEYS, sourced=not own)
    yours = said("your file {file}", file=file)
    source = text(file, row, "source") if row.get("source") else yours
    where = yours if own else said("table {file} ({source})", file=f"models/{file}", source=source)
    parameters = whole(file, row, "parameters", most=_MOST_PARAMETERS) if not own or "parameters" in row else None
    active = whole(file, row, "active_parameters", most=parameters or 0) if "active_parameters" in row else None
    sizes = table(file, row, "files_bytes")
    lengths = {quant: Bytes(whole(file, sizes, quant)) for quant in sizes}
    header = ModelHeader(
        where,
        Basis.SPECIFIED,
        text(file, row, "architecture"),
        _metadata(row, file, parameters),
        file_bytes=next(iter(lengths.values()), None),
    )
    if own:  # the shipped ones are held to more by tests
        check_keys(file, header.architecture, table(file, row, "metadata"))
        check_sizes(file, header, lengths)
    return ModelEntry(name, texts(file, row, "aliases"), header, active, source, lengths, row.get("typical") is True)


def _metadata(row: Mapping[str, Any], file: str, parameters: int | None) -> dict[str, MetadataValue]:
    """Return the metadata with what the head of the table says. Raises TableError by key for a value of no use."""
    given = table(file, row, "metadata")
    metadata = {key: _value(file, key, value) for key, value in given.items()}
    metadata |= {"general.architecture": text(file, row, "architecture"), "general.name": text(file, row, "name")}
    if parameters is not None:
        metadata["general.parameter_count"] = parameters
    check(file, text(file, row, "architecture"), metadata)
    return metadata


def _value(file: str, key: str, value: object) -> MetadataValue:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and len(value) <= _MOST_LIST:
        if all(isinstance(item, int) for item in value):
            return tuple(int(item) for item in value)
        if all(isinstance(item, int | float) for item in value):
            return tuple(float(item) for item in value)
    raise wrong(file, key, value, said("a number, a text, yes or no, or a list of numbers"))


def unknown_model(name: str) -> Message:
    """Return the sentence for a name that is no model of the table: the nearest names, else how to see them all."""
    near = nearest_models(name)
    if near:
        return said("nearest in the table: {near}", near=", ".join(near[:_SHOWN]))
    return counted(
        "the table has {count} model (truelimit model list)",
        "the table has {count} models (truelimit model list)",
        len(model_names()),
    )
