"""The dated overlay of providers' models: what no package tells (ends, free tiers), each with source and date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from truelimit.domain.cloud import CloudModel, DatedPrices, FreeTier, Milestone, PriceTier, RateLimit, Speed
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.tables import files
from truelimit.tables.fields import TableError, known_keys, number, one_of, rows, text, texts, whole, within, wrong
from truelimit.units import Tokens

_FOLDER = "cloud"
_FILE = {"provider", "models"}
_MODEL = {
    "id", "provider", "name", "aliases", "context_tokens", "max_output_tokens", "successor", "as_of", "source", "notes",
    "rate_limits", "deprecated", "shutdown", "prices", "free_tier", "max_input_tokens", "limit", "speed",
}  # fmt: skip
_MILESTONE = {"date", "source"}
_PRICES = {"since", "tiers", "source"}
_TIER = {"above_tokens", "input_usd", "cached_input_usd", "output_usd"}
_LIMITS = ("requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_month")
_FREE = {"what", "source", "as_of", "limits_source", "trains_on_prompts", "ended", *_LIMITS}
_LIMIT = {"tokens_per_minute", "what", "counts_cached", "basis", "source", "as_of"}
_SPEED = {"reads_tokens_per_s", "writes_tokens_per_s", "spread", "basis", "source", "as_of"}
_BASES = {item.value: item for item in (Basis.SPECIFIED, Basis.REPORTED, Basis.ASSUMED)}
_MOST_USD = 10_000.0
_FASTEST = 1_000_000.0  # tokens/s
_T = TypeVar("_T")


def overlay() -> tuple[CloudModel, ...]:
    """Return the models of the overlay, by file. Prices are empty where a package is to give them.

    Raises TableError for a row that has an unknown key, a date that is none, or no source.
    """
    return tuple(
        model
        for name in files.names(_FOLDER)
        for model in overlay_from(files.row(_FOLDER, name) or {}, f"cloud/{name}.toml")
    )


def overlay_from(row: Mapping[str, Any], file: str) -> tuple[CloudModel, ...]:
    """Return the models of one table of the overlay. Raises TableError by file and key."""
    known_keys(file, row, _FILE)
    provider = text(file, row, "provider") if "provider" in row else None
    return tuple(_model(item, f"{file}: {item.get('id', '?')}", provider) for item in rows(file, row, "models"))


def _model(row: Mapping[str, Any], file: str, provider: str | None) -> CloudModel:
    known_keys(file, row, _MODEL)
    source = text(file, row, "source")
    where = said("table {file} ({source})", file=file, source=source)
    return CloudModel(
        text(file, row, "id"),
        provider or text(file, row, "provider"),
        text(file, row, "name"),
        _day(file, row, "as_of"),
        source,
        texts(file, row, "aliases"),
        _tokens(file, row, "context_tokens", where),
        _tokens(file, row, "max_output_tokens", where),
        tuple(_prices(item, file) for item in row.get("prices", ())),
        texts(file, row, "rate_limits"),
        _part(row, "free_tier", file, _free),
        _part(row, "deprecated", file, _deprecated),
        _part(row, "shutdown", file, _shutdown),
        text(file, row, "successor") if "successor" in row else None,
        texts(file, row, "notes"),
        _tokens(file, row, "max_input_tokens", where),
        _part(row, "limit", file, _limit),
        _part(row, "speed", file, _speed),
    )


def _part(row: Mapping[str, Any], key: str, file: str, read: Callable[[Mapping[str, Any], str], _T]) -> _T | None:
    return read(row[key], within(file, key)) if key in row else None


def _tokens(file: str, row: Mapping[str, Any], key: str, where: str) -> Known[Tokens] | None:
    return Known(Tokens(whole(file, row, key)), where, Basis.SPECIFIED) if key in row else None


def _day(file: str, row: Mapping[str, Any], key: str) -> str:
    value = text(file, row, key)
    try:
        date.fromisoformat(value)
    except ValueError:
        raise wrong(file, key, value, said("a day such as 2026-12-01")) from None
    return value


def _deprecated(row: Mapping[str, Any], file: str) -> Milestone:
    """A deprecation may be known without its day: the date is empty then."""
    known_keys(file, row, _MILESTONE)
    return Milestone(_day(file, row, "date") if row.get("date") else "", text(file, row, "source"))


def _shutdown(row: Mapping[str, Any], file: str) -> Milestone:
    known_keys(file, row, _MILESTONE)
    return Milestone(_day(file, row, "date"), text(file, row, "source"))


def _limit(row: Mapping[str, Any], file: str) -> RateLimit:
    known_keys(file, row, _LIMIT)
    counts = row.get("counts_cached", True)
    if not isinstance(counts, bool):
        raise _no_flag(file, "counts_cached", counts)
    held = Known(whole(file, row, "tokens_per_minute"), text(file, row, "source"), _basis(file, row))
    return RateLimit(held, text(file, row, "what"), _day(file, row, "as_of"), counts)


def _speed(row: Mapping[str, Any], file: str) -> Speed:
    """A published speed is somebody's measurement on a day: the row says how far off it may be."""
    known_keys(file, row, _SPEED)
    source, basis = text(file, row, "source"), _basis(file, row)
    reads, writes = (
        Known(float(number(file, row, key, most=_FASTEST)), source, basis) if key in row else None
        for key in ("reads_tokens_per_s", "writes_tokens_per_s")
    )
    return Speed(_day(file, row, "as_of"), number(file, row, "spread", most=100, zero=True), reads, writes)


def _no_flag(file: str, key: str, value: object) -> TableError:
    return wrong(file, key, value, said("true or false"))


def _basis(file: str, row: Mapping[str, Any]) -> Basis:
    return _BASES[one_of(file, row, "basis", _BASES)]


def _prices(row: Mapping[str, Any], file: str) -> DatedPrices:
    prices = within(file, "prices")
    known_keys(prices, row, _PRICES)
    since = _day(file, row, "since") if "since" in row else None
    return DatedPrices(
        since, tuple(_tier(item, prices) for item in rows(file, row, "tiers")), text(file, row, "source")
    )


def _tier(row: Mapping[str, Any], file: str) -> PriceTier:
    known_keys(file, row, _TIER)
    prices = [
        number(file, row, key, most=_MOST_USD, zero=True) if key in row else None
        for key in ("input_usd", "cached_input_usd", "output_usd")
    ]
    return PriceTier(Tokens(whole(file, row, "above_tokens")) if "above_tokens" in row else Tokens(0), *prices)


def _free(row: Mapping[str, Any], file: str) -> FreeTier:
    known_keys(file, row, _FREE)
    source = text(file, row, "limits_source") if any(key in row for key in _LIMITS) else ""
    limits = {key: Known(whole(file, row, key), source, Basis.REPORTED) for key in _LIMITS if key in row}
    trains = row.get("trains_on_prompts")
    if trains is not None and not isinstance(trains, bool):
        raise _no_flag(file, "trains_on_prompts", trains)
    ended = _day(file, row, "ended") if "ended" in row else None
    return FreeTier(
        text(file, row, "what"), text(file, row, "source"), _day(file, row, "as_of"),
        trains_on_prompts=trains, ended=ended, **limits,
    )  # fmt: skip
