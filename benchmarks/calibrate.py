"""Fits the factors of the estimates to published runs and writes ``src/truelimit/tables/calibration.toml``.

``python -m benchmarks.calibrate [--data FILE] --output FILE``. The shipped table was fitted on more runs than are
shipped with it (benchmarks/data/README.md), so a fit of the shipped ones alone must not take its place unasked.
Intervals come from devices that were left out, never from the fit.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.fitting import KINDS, Kind, fitted_runs, nuisances
from benchmarks.intervals import spread_of
from benchmarks.left_out import predictions
from benchmarks.regression import design, fit, weights_of
from benchmarks.runs import SHIPPED, Run, is_timed, read_runs
from benchmarks.series import with_series
from truelimit.perf.rates.costs import CostModel, Effect

TABLE = Path(__file__).parent.parent / "src/truelimit/tables/calibration.toml"

_SOURCE = (
    "fit over published runs: llama.cpp discussions 4167, 10879, 15013, 15021 and pull request 15616, LocalScore, "
    "and the repositories that benchmarks/data/README.md names"
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Refit and write the table; return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHIPPED, help="CSV of published runs")
    parser.add_argument("--output", type=Path, required=True, help=f"TOML to write; the shipped table is {TABLE.name}")
    parser.add_argument("--date", default=dt.datetime.now(tz=dt.UTC).date().isoformat())
    chosen = parser.parse_args(arguments)
    runs = with_series(read_runs(chosen.data).kept)
    models = {kind.name: fitted_model(runs, kind) for kind in KINDS}
    chosen.output.write_text(_toml(models, runs, chosen.date), encoding="utf-8", newline="\n")
    print(f"{chosen.output}: {', '.join(f'{len(model.effects)} effects of {name}' for name, model in models.items())}")
    return 0


def fitted_model(runs: Sequence[Run], kind: Kind) -> CostModel:
    """Return the model of all runs, with the noise that devices left out show."""
    fitted = fitted_runs(runs, kind)
    whole = fit(design(fitted, kind.costs_of, nuisances), weights_of(fitted, kind.settings), kind.settings).model
    noise, quantile = spread_of(predictions(runs, kind, scored=is_timed))
    kept = {name: value for name, value in whole.effects.items() if not name.startswith("nuisance")}
    return replace(whole, effects=kept, noise=noise, quantile=quantile)


def _toml(models: Mapping[str, CostModel], runs: Sequence[Run], date: str) -> str:
    lines = [
        "# Written by python -m benchmarks.calibrate: do not edit by hand.",
        "# effects: the logarithm of a factor on time, and its standard deviation;",
        "# priors: the same for a level that was never seen.",
        f'source = "{_SOURCE}"',
        f'date = "{date}"',
        "",
        "[rows]",
        *(f"{kind.name} = {sum(run.rows for run in fitted_runs(runs, kind))}" for kind in KINDS),
        "",
        "[devices]",
        *(f"{kind.name} = {len({run.device for run in fitted_runs(runs, kind)})}" for kind in KINDS),
    ]
    for name, model in models.items():
        lines += ["", f"[{name}]", f"quantile = {model.quantile:.3f}", "", f"[{name}.noise]"]
        lines += [f'"{key}" = {value:.4f}' for key, value in model.noise.items()]
        for table, effects in (("priors", model.priors), ("effects", model.effects)):
            lines += ["", f"[{name}.{table}]", *_rows(effects)]
    return "\n".join(lines) + "\n"


def _rows(effects: Mapping[str, Effect]) -> list[str]:
    return [f'"{name}" = [{effect.value:.4f}, {effect.spread:.4f}]' for name, effect in sorted(effects.items())]


if __name__ == "__main__":
    sys.exit(run())
