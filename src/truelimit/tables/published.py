"""The published rates: how fast models read and write at several depths, as somebody measured and published it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
from truelimit.tables import files
from truelimit.tables.fields import known_keys, number, rows, text, whole
from truelimit.units import Tokens

_RATES = "published_rates.toml"
_SERIES = {
    "chip", "model", "architecture", "parameters", "quantization", "a_s_per_token", "b_s_per_token2", "prefill_error",
    "c_s_per_token", "d_s_per_token2", "decode_error", "deepest_tokens", "points", "source",
}  # fmt: skip


def published_rates() -> tuple[PublishedRates, ...]:
    """Return the published depth series as fits. Raises TableError for a row that cannot be used."""
    table = files.row("", _RATES.removesuffix(".toml")) or {}
    known_keys(_RATES, table, {"series"})
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
