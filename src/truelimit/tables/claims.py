"""The tables of claims: what was said, published runs, short names, sizes, what is not sold any more; own files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from truelimit.domain.claims import PublishedRun, StatedClaim, Withdrawal
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.tables import files
from truelimit.tables.fields import TableError, known_keys, number, one_of, rows, table, text, texts, whole, within
from truelimit.units import GB as BILLION
from truelimit.units import from_gib

SHIPPED = ("episode", "published", "vendors")
_FOLDER = "claims"
_CLAIM = {"number", "text", "source", "date"}
_FILE = {"claims", "source", "date"}
_RUN = {
    "device", "model", "parameters_b", "active_b", "quantization", "kind", "tokens_per_s", "tokens", "depth", "devices",
    "split", "engine", "backend", "date", "source", "speculative", "context",
}  # fmt: skip
_WITHDRAWN = {"device", "memory_gib", "date", "source"}
_SIZE = {"billions", "active_billions", "models", "why"}
_LARGEST = 2**20
_MOST_LINE = 2000


@dataclass(frozen=True, slots=True)
class Size:
    """The models that a bare size stands for. ``billions`` of parameters, and of active ones where they are sparse."""

    billions: float
    models: tuple[str, ...]
    active: float | None = None


def shipped_claims() -> tuple[StatedClaim, ...]:
    """Return the claims that are shipped, in order. Raises TableError for a broken table."""
    return tuple(claim for name in SHIPPED for claim in _claims(_table(name), f"{name}.toml", sourced=True))


def claims_file(path: Path) -> tuple[StatedClaim, ...]:
    """Return the claims of a user's file: TOML with ``[[claims]]``, or one claim a line (``#`` begins a comment).

    Raises TableError, with the line or key, for what cannot be read.
    """
    content = _content(path)
    if path.suffix.lower() == ".toml":
        try:
            return tuple(_claims(tomllib.loads(content), path.name, sourced=False))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise files.not_toml(str(path), error) from None
    lines = [line.strip() for line in content.splitlines()]
    return tuple(StatedClaim(line[:_MOST_LINE], str(path)) for line in lines if line and not line.startswith("#"))


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise TableError(
            said("{path}: {why}; expected a file of claims, TOML or one a line", path=str(path), why=why)
        ) from None
    if len(content) > _LARGEST:
        raise TableError(said("{path}: more than 1 MiB; expected a file of claims, TOML or one a line", path=str(path)))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(
            said("{path}: byte {byte} is not UTF-8; expected text", path=str(path), byte=error.start)
        ) from None


def _claims(row: Mapping[str, Any], file: str, *, sourced: bool) -> list[StatedClaim]:
    known_keys(file, row, _FILE, sourced=False)
    source = text(file, row, "source") if "source" in row else None
    date = text(file, row, "date") if "date" in row else None
    return [
        _claim(item, within(file, said("claim {index}", index=index)), source, date, sourced)
        for index, item in enumerate(rows(file, row, "claims"), 1)
    ]


def _claim(row: Mapping[str, Any], file: str, source: str | None, date: str | None, sourced: bool) -> StatedClaim:
    known_keys(file, row, _CLAIM, sourced=sourced and source is None)
    told = {key: text(file, row, key) if key in row else None for key in ("source", "date", "number")}
    return StatedClaim(text(file, row, "text"), told["source"] or source, told["date"] or date, told["number"])


@cache
def published_runs() -> tuple[PublishedRun, ...]:
    """Return the published runs that claims are judged against. Raises TableError for a broken row."""
    row = _table("measurements")
    return tuple(
        _run(item, within("measurements.toml", said("run {index}", index=index)))
        for index, item in enumerate(rows("measurements.toml", row, "runs"), 1)
    )


def _run(row: Mapping[str, Any], file: str) -> PublishedRun:
    known_keys(file, row, _RUN)
    total = number(file, row, "parameters_b") * BILLION
    active = number(file, row, "active_b", most=1.02 * total / BILLION) * BILLION
    return PublishedRun(
        text(file, row, "device"),
        text(file, row, "model"),
        total,
        active,
        text(file, row, "quantization"),
        one_of(file, row, "kind", ("decode", "prefill")),
        number(file, row, "tokens_per_s", zero="context" in row),
        text(file, row, "engine"),
        text(file, row, "backend"),
        text(file, row, "date"),
        text(file, row, "source"),
        tokens=whole(file, row, "tokens") if "tokens" in row else 0,
        depth=whole(file, row, "depth") if "depth" in row else 0,
        devices=whole(file, row, "devices") if "devices" in row else 1,
        split=text(file, row, "split") if "split" in row else "",
        speculative=row.get("speculative") is True,
        context=whole(file, row, "context") if "context" in row else None,
    )


@cache
def withdrawals() -> tuple[Withdrawal, ...]:
    """Return what is not sold any more. Raises TableError for a broken row."""
    found = []
    for index, row in enumerate(rows("market.toml", _table("market"), "withdrawn"), 1):
        file = within("market.toml", said("withdrawn {index}", index=index))
        known_keys(file, row, _WITHDRAWN)
        memory = from_gib(number(file, row, "memory_gib"))
        found.append(Withdrawal(text(file, row, "device"), memory, text(file, row, "date"), text(file, row, "source")))
    return tuple(found)


def sizes() -> tuple[Size, ...]:
    """Return the models that bare sizes stand for. Raises TableError for a broken row."""
    found = []
    for index, row in enumerate(rows("sizes.toml", _table("sizes"), "sizes"), 1):
        file = within("sizes.toml", said("size {index}", index=index))
        known_keys(file, row, _SIZE)
        active = number(file, row, "active_billions") if "active_billions" in row else None
        found.append(Size(number(file, row, "billions"), texts(file, row, "models"), active))
    return tuple(found)


def short_names(part: str) -> dict[str, str]:
    """Return short names with their ids: of ``machines``, of ``models``, or of the ``same`` chip. Raises TableError."""
    row = _table("names")
    known_keys("names.toml", row, {"machines", "models", "same"})
    names = table("names.toml", row, part)
    return {name: text("names.toml", names, name) for name in names}


def _table(name: str) -> dict[str, Any]:
    found = files.row(_FOLDER, name)
    if found is None:
        raise TableError(said("{file} is missing from the installation", file=f"{_FOLDER}/{name}.toml"))
    return found
