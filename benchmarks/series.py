"""Runs at depth from the published series of ``tables/published_rates.toml``, where the CSV has none.

llama.cpp's maintainers publish prefill and decode of one chip and model at five depths; the table holds their fit,
which meets each published rate within its stated error (3.6 % at most). The rates are read back from it at the same
depths. So they serve the fit and its test, but not the test of two measured points, which would find its own line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from benchmarks.runs import SHORT, Run, merged
from truelimit.domain.estimates import ModelShape, RateCase
from truelimit.domain.machine import Accelerator
from truelimit.domain.rates import DecodeFit, PublishedRates
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.rates.shape import shape_of
from truelimit.tables.loader import model, model_names, published_rates

DEPTHS = (0, 4096, 8192, 16384, 32768)
_PROMPT, _ANSWER = 2048, 32  # tokens: llama-bench -p 2048 -n 32
_NEAR = 0.03  # of the parameters: the same model
_MIXES = {"Q4_K": "Q4_K_M"}  # llama-bench's short names of a file's mix
_BACKENDS = {"apple": "metal", "nvidia": "cuda"}
_DATE = "2025-11"  # of benches/dgx-spark; the other pages followed


def with_series(runs: Sequence[Run]) -> list[Run]:
    """Return runs, and those of published series, with those of one case made one."""
    return merged([*runs, *series_runs(runs)])


def series_runs(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of published series whose device and model have no deep run among ``runs``."""
    known = {(run.device, _kind(run.case.shape)) for run in runs if run.depth >= SHORT}
    found: list[Run] = []
    for series in published_rates():
        name, device, write = _model_of(series), series.device, series.decode
        if name and device and write and (device.id, _kind(_shape(name, series.quantization))) not in known:
            found += _runs(series, name, device, write)
    return found


def _kind(shape: ModelShape) -> tuple[str | None, int]:
    """Return what tells models apart here: architecture and billions of parameters."""
    return shape.architecture, round(shape.parameters / 1e9)


def _runs(series: PublishedRates, name: str, device: Accelerator, write: DecodeFit) -> Iterator[Run]:
    read, shape = series.prefill, _shape(name, series.quantization)
    case = RateCase(shape, device, _BACKENDS[device.vendor], flash_attention=True, ubatch=read.batch or None)
    for depth in DEPTHS:
        prompt, answer = read.a + read.b * (depth + _PROMPT / 2), write.c + write.d * depth
        for kind, tokens, seconds in (("pp", _PROMPT, prompt), ("tg", _ANSWER, answer)):
            test = f"{kind}{tokens}@d{depth}"
            row = f"{series.chip} {series.model} {test}"
            yield Run(
                row, device.id, name, kind, tokens, depth, 1 / seconds, _DATE, series.source, case.engine, case, True,
                test=test,
            )  # fmt: skip


@cache
def _shape(name: str, quantization: str) -> ModelShape:
    header = model(name)
    if header is None:
        raise KeyError(name)
    return shape_of(header, quantization=_MIXES.get(quantization, quantization))


def _model_of(series: PublishedRates) -> str | None:
    """Return the table's model of the architecture and of nearly the parameters of a series."""
    for name in sorted(model_names()):
        header = model(name)
        if header is None or header.architecture != series.architecture:
            continue
        try:
            parameters = _shape(name, series.quantization).parameters
        except UnknownLayoutError:
            continue
        if abs(parameters / series.parameters - 1) < _NEAR:
            return name
    return None
