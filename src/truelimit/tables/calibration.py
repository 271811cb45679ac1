"""Reads ``calibration.toml``: the factors of the estimates, fitted to published runs by ``benchmarks/calibrate.py``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from truelimit.domain.message import said
from truelimit.perf.rates.costs import Calibration, CostModel, Effect
from truelimit.tables import files
from truelimit.tables.fields import known_keys, text, within, wrong

FILE = "calibration.toml"
_TOP = {"source", "date", "rows", "devices", "decode", "prefill"}
_MODEL = {"quantile", "noise", "priors", "effects"}


@cache
def calibration() -> Calibration:
    """Return the shipped calibration, read once. Raises TableError for a file that cannot be used."""
    return _calibration(FILE, files.row("", FILE.removesuffix(".toml")) or {})


def parse(content: str, file: str) -> Calibration:
    """Return the calibration that a TOML holds. Raises TableError by key for what cannot be."""
    return _calibration(file, files.parsed(content.encode(), file))


def _calibration(file: str, row: Mapping[str, Any]) -> Calibration:
    known_keys(file, row, _TOP)
    return Calibration(
        _model(file, row, "decode"),
        _model(file, row, "prefill"),
        text(file, row, "source"),
        text(file, row, "date"),
        _counts(file, row, "rows"),
        _counts(file, row, "devices"),
    )


def _model(file: str, row: Mapping[str, Any], key: str) -> CostModel:
    where, table = within(file, f"[{key}]"), _table(file, row, key)
    known_keys(where, table, _MODEL)
    noise = _table(where, table, "noise")
    return CostModel(
        _effects(where, table, "effects"),
        _effects(where, table, "priors"),
        {name: _finite(where, noise, name) for name in noise},
        _finite(where, table, "quantile"),
    )


def _table(where: str, row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = row.get(key, {})
    if not isinstance(value, Mapping):
        raise wrong(where, key, value, said("a table"))
    return value


def _effects(where: str, row: Mapping[str, Any], key: str) -> dict[str, Effect]:
    return {name: _effect(where, name, value) for name, value in _table(where, row, key).items()}


def _effect(where: str, name: str, value: object) -> Effect:
    match value:
        case [int() | float() as mean, int() | float() as spread] if math.isfinite(mean) and 0 <= spread < math.inf:
            return Effect(float(mean), float(spread))
    raise wrong(where, name, value, said("two numbers, a logarithm and its deviation"))


def _finite(where: str, row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise wrong(where, key, value, said("a number from 0"))
    return float(value)


def _counts(file: str, row: Mapping[str, Any], key: str) -> dict[str, int]:
    found = _table(file, row, key)
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise wrong(file, f"{key}.{name}", value, said("a count"))
    return dict(found)
