"""The published rates: how fast models read and write at several depths, as somebody measured and published it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
from truelimit.tables import files
from truelimit.tables.accelerators import accelerator
from truelimit.tables.fields import known_keys, number, rows, text, whole, wrong
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.domain.machine import Accelerator

_RATES = "published_rates.toml"
_SERIES = {
    "chip", "model", "architecture", "parameters", "quantization", "a_s_per_token", "b_s_per_token2", "prefill_error",
    "c_s_per_token", "d_s_per_token2", "decode_error", "deepest_tokens", "points", "source", "device", "batch_tokens",
    "batch_s",
}  # fmt: skip


def published_rates() -> tuple[PublishedRates, ...]:
    """Return the published depth series as fits. Raises TableError for a row that cannot be used."""
    table = files.row("", _RATES.removesuffix(".toml")) or {}
    known_keys(_RATES, table, {"series"})
    device = cache(accelerator)  # most have several series
    return tuple(_series(row, device) for row in rows(_RATES, table, "series"))


def _series(row: Mapping[str, Any], device: Callable[[str], Accelerator | None]) -> PublishedRates:
    known_keys(_RATES, row, _SERIES)
    chip, model_name = text(_RATES, row, "chip"), text(_RATES, row, "model")
    where = said("published series of {model} on {chip} ({source})", model=model_name, chip=chip, source=row["source"])
    deepest, points = Tokens(whole(_RATES, row, "deepest_tokens")), whole(_RATES, row, "points")

    batch = (whole(_RATES, row, "batch_tokens"), number(_RATES, row, "batch_s")) if "batch_s" in row else (0, 0.0)

    def costs(fixed: str, growing: str, error: str) -> tuple[float, float, float]:
        slope = number(_RATES, row, growing, zero=True)
        return number(_RATES, row, fixed), slope, number(_RATES, row, error, most=1, zero=True)

    return PublishedRates(
        chip,
        model_name,
        text(_RATES, row, "architecture"),
        number(_RATES, row, "parameters"),
        text(_RATES, row, "quantization"),
        PrefillFit(
            *costs("a_s_per_token", "b_s_per_token2", "prefill_error"), deepest, points, where, Basis.SPECIFIED, *batch
        ),
        DecodeFit(*costs("c_s_per_token", "d_s_per_token2", "decode_error"), deepest, points, where, Basis.SPECIFIED),
        row["source"],
        _device(row, device),
    )


def _device(row: Mapping[str, Any], device: Callable[[str], Accelerator | None]) -> Accelerator | None:
    name = row.get("device")
    found = device(name) if isinstance(name, str) else None
    if name is not None and found is None:
        raise wrong(_RATES, "device", name, said("the id of an accelerator of the table"))
    return found
