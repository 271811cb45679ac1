"""Reads the shipped tables: machines, models, published rates. Refuses unknown keys and numbers without a source."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
from truelimit.tables.fields import TableError, known_keys, number, rows, text, whole
from truelimit.units import Bytes, Tokens, from_gib

__all__ = ["TableError", "machine", "machine_names", "model", "model_names", "published_rates"]

_RATES = "published_rates.toml"
_SERIES = {
    "chip", "model", "architecture", "parameters", "quantization", "a_s_per_token", "b_s_per_token2", "prefill_error",
    "c_s_per_token", "d_s_per_token2", "decode_error", "deepest_tokens", "points", "source",
}  # fmt: skip
_MACHINE = {"name", "chip", "operating_system", "source", "pools"}
_POOL = {"name", "kind", "capacity_gib", "usable_share"}
_MODEL = {"name", "aliases", "architecture", "parameters", "source", "files_bytes", "metadata"}


def published_rates() -> tuple[PublishedRates, ...]:
    """Return the published depth series as fits. Raises TableError for a row that cannot be used."""
    table = _read(_root() / _RATES, {"series"})
    return tuple(_series(row) for row in rows(_RATES, table, "series"))


def _series(row: Mapping[str, Any]) -> PublishedRates:
    known_keys(_RATES, row, _SERIES)
    chip, model_name = text(_RATES, row, "chip"), text(_RATES, row, "model")
    where = f"published series of {model_name} on {chip} ({row['source']})"
    deepest, points = Tokens(whole(_RATES, row, "deepest_tokens")), whole(_RATES, row, "points")

    def costs(fixed: str, growing: str, error: str) -> tuple[float, float, float]:
        slope = number(_RATES, row, growing, zero=True)
        return number(_RATES, row, fixed), slope, number(_RATES, row, error, most=1, zero=True)

    return PublishedRates(
        chip,
        model_name,
        text(_RATES, row, "architecture"),
        number(_RATES, row, "parameters"),
        text(_RATES, row, "quantization"),
        PrefillFit(*costs("a_s_per_token", "b_s_per_token2", "prefill_error"), deepest, points, where, Basis.SPECIFIED),
        DecodeFit(*costs("c_s_per_token", "d_s_per_token2", "decode_error"), deepest, points, where, Basis.SPECIFIED),
        row["source"],
    )


def machine_names() -> tuple[str, ...]:
    """Return the names of the shipped machines."""
    return tuple(sorted(item.name.removesuffix(".toml") for item in _tomls("machines")))


def machine(name: str) -> Machine:
    """Return a shipped machine by name. Raises TableError with the names there are."""
    for item in _tomls("machines"):
        if item.name == f"{name}.toml":
            return _machine(_read(item, _MACHINE), item.name)
    raise TableError(f"machine {name!r} is not in the table; there are: {', '.join(machine_names())}")


def _machine(row: Mapping[str, Any], file: str) -> Machine:
    where = f"table machines/{file} ({row['source']})"
    return Machine(
        text(file, row, "name"),
        Known(text(file, row, "chip"), where, Basis.SPECIFIED),
        Known(text(file, row, "operating_system"), where, Basis.SPECIFIED),
        tuple(_pool(pool, file, where) for pool in rows(file, row, "pools")),
    )


def _pool(row: Mapping[str, Any], file: str, where: str) -> MemoryPool:
    known_keys(file, row, _POOL)
    capacity, kind = from_gib(number(file, row, "capacity_gib")), text(file, row, "kind")
    if kind not in set(PoolKind):
        raise TableError(f"{file}: kind is {kind!r}; expected one of {', '.join(PoolKind)}")
    usable = None
    if "usable_share" in row:
        share = number(file, row, "usable_share", most=1)
        usable = Known(Bytes(round(capacity * share)), where, Basis.ASSUMED)
    return MemoryPool(text(file, row, "name"), PoolKind(kind), Known(capacity, where, Basis.SPECIFIED), usable)


def model_names() -> tuple[str, ...]:
    """Return the names of the shipped models."""
    return tuple(sorted(item.name.removesuffix(".toml") for item in _tomls("models")))


def model(name: str) -> ModelHeader | None:
    """Return a shipped model by its file name or an alias, or None. The size is that of its first listed file."""
    wanted = name.lower()
    for item in _tomls("models"):
        row = _read(item, _MODEL)
        aliases = [str(alias).lower() for alias in row.get("aliases", ())]
        if wanted in {item.name.removesuffix(".toml"), text(item.name, row, "name").lower(), *aliases}:
            return _model(row, item.name)
    return None


def _model(row: Mapping[str, Any], file: str) -> ModelHeader:
    architecture = text(file, row, "architecture")
    metadata = dict(row.get("metadata", {}))
    metadata |= {"general.architecture": architecture, "general.name": text(file, row, "name")}
    metadata["general.parameter_count"] = whole(file, row, "parameters")
    sizes = row.get("files_bytes", {})
    size = Bytes(whole(file, sizes, next(iter(sizes)))) if sizes else None
    where = f"table models/{file} ({row['source']})"
    return ModelHeader(where, Basis.SPECIFIED, architecture, metadata, (), size)


def _root() -> Traversable:
    return files("truelimit.tables")


def _tomls(folder: str) -> Iterator[Traversable]:
    return (item for item in (_root() / folder).iterdir() if item.name.endswith(".toml"))


def _read(item: Traversable, keys: set[str]) -> dict[str, Any]:
    try:
        row = tomllib.loads(item.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"{item.name}: not TOML: {error}") from error
    known_keys(item.name, row, keys)
    return row
