"""Reads prices and windows out of the installed package genai-prices. Its own update from the network is never used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from truelimit.domain.cloud import CloudModel, DatedPrices, Milestone, PriceTier
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.units import Tokens

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider

_PACKAGE = "genai-prices"
_NOTE = 300


@dataclass(frozen=True, slots=True)
class Prices:
    """What the package tells: all its models, the day of the newest price in it, and what could not be had."""

    models: tuple[CloudModel, ...] = ()
    as_of: str | None = None
    missing: tuple[Missing, ...] = field(default_factory=tuple)


def read_prices(today: date) -> Prices:
    """Return the prices that the installed package holds; the package missing is reported, not raised.

    The package carries no date of its own: its age is that of the newest price in it that holds today.
    """
    try:
        from importlib.metadata import version

        from genai_prices.data import providers

        source = f"{_PACKAGE} {version(_PACKAGE)}"
    except ImportError as error:
        why = said(
            "the package {package} is not installed ({module}); pip install {package}",
            package=_PACKAGE,
            module=str(error.name),
        )
        return Prices(missing=(Missing(said("prices of providers' models"), why),))
    as_of = max((day for day in _days(providers) if day <= today), default=today).isoformat()
    models = tuple(_model(provider, item, source, as_of) for provider in providers for item in provider.models)
    return Prices(models, as_of)


def _days(providers: list[Provider]) -> Iterator[date]:
    for provider in providers:
        for item in provider.models:
            for entry in item.prices if isinstance(item.prices, list) else ():
                start = getattr(entry.constraint, "start_date", None)
                if isinstance(start, date):
                    yield start


def _model(provider: Provider, item: ModelInfo, source: str, as_of: str) -> CloudModel:
    window = item.context_window
    prices, note = _prices(item, source)
    return CloudModel(
        item.id,
        provider.id,
        item.name or item.id,
        as_of,
        source,
        context=Known(Tokens(window), source, Basis.REPORTED) if window else None,
        prices=prices,
        deprecated=Milestone("", said("{source}: {why}", source=source, why=_why(item))) if item.deprecated else None,
        notes=(note,) if note else (),
    )


def _why(item: ModelInfo) -> str:
    return item.price_comments[:_NOTE] if item.price_comments else said("marked deprecated")


def _prices(item: ModelInfo, source: str) -> tuple[tuple[DatedPrices, ...], str]:
    """The prices by date. Of those by hour of the day the dearest holds; a note says that there are cheaper hours."""
    if not isinstance(item.prices, list):
        tiers = _tiers(item.prices)
        return ((DatedPrices(None, tiers, source),) if tiers else ()), ""
    dated = [(_start(entry), _tiers(entry.prices)) for entry in item.prices if not _hourly(entry)]
    hourly = [_tiers(entry.prices) for entry in item.prices if _hourly(entry)]
    found = [DatedPrices(start, tiers, source) for start, tiers in dated if tiers]
    dearest = max((tiers for tiers in hourly if tiers), key=_input, default=None)
    if dearest is None or not found or _input(dearest) <= _input(found[-1].tiers):
        return tuple(found), ""
    cheap = found[-1].tiers[0]
    found[-1] = DatedPrices(found[-1].since, dearest, source)
    others = said(
        "prices of the dearest hours; in others a million tokens cost {input:g} (input) and {output:g} (output) USD",
        input=cheap.input,
        output=cheap.output,
    )
    return tuple(found), others


def _hourly(entry: ConditionalPrice) -> bool:
    return getattr(entry.constraint, "start_time", None) is not None


def _start(entry: ConditionalPrice) -> str | None:
    start = getattr(entry.constraint, "start_date", None)
    return start.isoformat() if isinstance(start, date) else None


def _input(tiers: tuple[PriceTier, ...]) -> float:
    return tiers[0].input or 0.0


def _tiers(prices: ModelPrice) -> tuple[PriceTier, ...]:
    told = (prices.input_mtok, prices.cache_read_mtok, prices.output_mtok)
    if told[0] is None and told[2] is None:
        return ()
    steps = sorted({0} | {tier.start for price in told for tier in getattr(price, "tiers", ())})
    return tuple(PriceTier(Tokens(step), *(_at(price, step) for price in told)) for step in steps)


def _at(price: object, step: int) -> float | None:
    """The price of a request whose prompt is longer than ``step``."""
    if price is None:
        return None
    base = getattr(price, "base", None)
    if base is None:
        return float(str(price))
    held = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= step]
    return float(held[-1] if held else base)
