"""Decode: the fit against measured tables, and the laws of c + d*depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truelimit.domain.calculation import Term
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit
from truelimit.perf.decode import DecodePoint, decode_calculation, decode_rate, decode_seconds, fit_decode
from truelimit.units import Seconds, Tokens

SAMPLES = Path(__file__).parents[1] / "samples" / "llamacpp"
SERIES: list[dict[str, Any]] = json.loads((SAMPLES / "published_depth_benchmarks_fits.json").read_text("utf-8"))


def point(depth: int, tokens: int, seconds: float) -> DecodePoint:
    return DecodePoint(Tokens(depth), Tokens(tokens), Seconds(seconds), "log line 1")


@pytest.mark.parametrize("series", SERIES, ids=lambda s: f"{s['hardware'][:9]} {s['model']}")
def test_published_series_fit_within_their_stated_error(series: dict[str, Any]) -> None:
    fit = fit_decode([point(int(depth), 32, 32 / rate) for depth, rate in series["tg_tok_s"].items()])
    assert fit is not None
    assert fit.error is not None
    assert fit.error <= series["decode_fit_max_error"] + 0.01
    assert decode_rate(fit, 146_760) == pytest.approx(series["decode_tok_s_146760"], rel=0.05)


def test_smollm2_measured_here_fits_within_its_noise() -> None:
    rows = json.loads((SAMPLES / "smollm2_cpu_prefill_decode_by_depth.json").read_text("utf-8"))["rows"]
    fit = fit_decode([point(row["n"], row["gen"], row["cpu_s"]) for row in rows if row["kind"] == "decode"])
    assert fit is not None
    assert fit.c == pytest.approx(12.9e-3, rel=0.2)
    assert fit.d == pytest.approx(12.8e-6, rel=0.2)


def test_one_depth_gives_one_rate() -> None:
    fit = fit_decode([point(1000, 100, 2.0)])
    assert fit is not None
    assert (fit.c, fit.d, fit.error) == (pytest.approx(0.02), 0.0, None)
    assert "one depth only" in fit.where
    assert fit_decode([]) is None
    assert fit_decode([point(0, 0, 1.0)]) is None


def test_seconds_and_rate_agree_with_the_calculation() -> None:
    fit = DecodeFit(0.0126, 2.9e-7, None, Tokens(32_768), 5, "table", Basis.SPECIFIED)
    depth = Term("depth", 146_760, "tokens", "transcript", Basis.REPORTED)
    assert decode_calculation(fit, depth).result == pytest.approx(decode_rate(fit, 146_760))
    assert decode_seconds(fit, 100, 0) == pytest.approx(100 * 0.0126 + 2.9e-7 * 100**2 / 2)
    with pytest.raises(ValueError, match="more than nothing"):
        decode_rate(DecodeFit(0.0, 0.0, None, Tokens(1), 1, "x", Basis.MEASURED), 5)
