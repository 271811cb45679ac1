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
from truelimit.units import Bytes, Tokens, from_gib

_SERIES = {
    "chip", "model", "architecture", "parameters", "quantization", "a_s_per_token", "b_s_per_token2", "prefill_error",
    "c_s_per_token", "d_s_per_token2", "decode_error", "deepest_tokens", "points", "source",
}  # fmt: skip
_MACHINE = {"name", "chip", "operating_system", "source", "pools"}
_POOL = {"name", "kind", "capacity_gib", "usable_share"}
_MODEL = {"name", "aliases", "architecture", "parameters", "source", "files_bytes", "metadata"}


class TableError(ValueError):
    """A shipped or given table that cannot be used: says which file, which key, and what was expected."""


def published_rates() -> tuple[PublishedRates, ...]:
    """Return the published depth series as fits."""
    table = _read(_root() / "published_rates.toml", {"series"})
    return tuple(_series(row) for row in table["series"])


def _series(row: Mapping[str, Any]) -> PublishedRates:
    _known_keys("published_rates.toml", row, _SERIES)
    where = f"published series of {row['model']} on {row['chip']} ({row['source']})"
    deepest, points = Tokens(row["deepest_tokens"]), row["points"]
    basis = Basis.SPECIFIED
    prefill = PrefillFit(
        row["a_s_per_token"], row["b_s_per_token2"], row["prefill_error"], deepest, points, where, basis
    )
    decode = DecodeFit(row["c_s_per_token"], row["d_s_per_token2"], row["decode_error"], deepest, points, where, basis)
    return PublishedRates(
        row["chip"],
        row["model"],
        row["architecture"],
        row["parameters"],
        row["quantization"],
        prefill,
        decode,
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
        row["name"],
        Known(row["chip"], where, Basis.SPECIFIED),
        Known(row["operating_system"], where, Basis.SPECIFIED),
        tuple(_pool(pool, file, where) for pool in row["pools"]),
    )


def _pool(row: Mapping[str, Any], file: str, where: str) -> MemoryPool:
    _known_keys(file, row, _POOL)
    capacity, share = from_gib(row["capacity_gib"]), row.get("usable_share")
    usable = None if share is None else Known(Bytes(round(capacity * share)), where, Basis.ASSUMED)
    return MemoryPool(row["name"], PoolKind(row["kind"]), Known(capacity, where, Basis.SPECIFIED), usable)


def model_names() -> tuple[str, ...]:
    """Return the names of the shipped models."""
    return tuple(sorted(item.name.removesuffix(".toml") for item in _tomls("models")))


def model(name: str) -> ModelHeader | None:
    """Return a shipped model by its file name or an alias, or None. The size is that of its first listed file."""
    wanted = name.lower()
    for item in _tomls("models"):
        row = _read(item, _MODEL)
        if wanted in {item.name.removesuffix(".toml"), row["name"].lower(), *row["aliases"]}:
            return _model(row, item.name)
    return None


def _model(row: Mapping[str, Any], file: str) -> ModelHeader:
    metadata = dict(row["metadata"])
    metadata |= {"general.architecture": row["architecture"], "general.name": row["name"]}
    metadata["general.parameter_count"] = row["parameters"]
    size = next(iter(row["files_bytes"].values()), None)
    where = f"table models/{file} ({row['source']})"
    return ModelHeader(where, Basis.SPECIFIED, row["architecture"], metadata, (), None if size is None else Bytes(size))


def _root() -> Traversable:
    return files("truelimit.tables")


def _tomls(folder: str) -> Iterator[Traversable]:
    return (item for item in (_root() / folder).iterdir() if item.name.endswith(".toml"))


def _read(item: Traversable, keys: set[str]) -> dict[str, Any]:
    row = tomllib.loads(item.read_text(encoding="utf-8"))
    _known_keys(item.name, row, keys)
    return row


def _known_keys(file: str, row: Mapping[str, Any], keys: set[str]) -> None:
    unknown = set(row) - keys
    if unknown:
        raise TableError(f"{file}: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(keys))}")
    if "source" in keys and not row.get("source"):
        raise TableError(f"{file}: no source is given for its numbers")
