"""Nested validation: settings are chosen on some chips and scored on others that took no part in the choice.

The chips are dealt into five folds. For each, the candidate whose left-out error on the other four folds is least (each
chip counting once, errors above a half as a half) predicts the fold. So no device is scored by settings that it
helped to choose.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.fitting import Kind
from benchmarks.left_out import Prediction, chip, predictions
from benchmarks.regression import Settings
from benchmarks.runs import Run, is_scored

FOLDS = 5
_CAP = 0.5


def candidates(settings: Settings) -> list[Settings]:
    """Return the settings to choose from: priors tighter and wider, devices and engines weighed otherwise."""
    scaled = [
        replace(settings, priors={name: by * value for name, value in settings.priors.items()}) for by in (0.7, 1.4)
    ]
    return [
        settings,
        *scaled,
        replace(settings, noise=1.5 * settings.noise),
        replace(settings, power=min(1.0, settings.power + 0.3)),
        replace(settings, others=settings.others / 3),
    ]


def fold_of(run: Run) -> str:
    """Return the fold of a run's chip."""
    return str(zlib.crc32(chip(run).encode()) % FOLDS)


def nested(runs: Sequence[Run], kind: Kind) -> list[Prediction]:
    """Return a prediction for each scored run, by settings chosen without its fold."""
    choices = [predictions(runs, kind, fold_of, settings=item) for item in candidates(kind.settings)]
    found: list[Prediction] = []
    for fold in sorted({fold_of(run) for run in runs if is_scored(run)}):
        others = [_loss([item for item in choice if fold_of(item.run) != fold]) for choice in choices]
        found += [item for item in choices[int(np.argmin(others))] if fold_of(item.run) == fold]
    return found


def _loss(found: Sequence[Prediction]) -> float:
    by_chip: dict[str, list[float]] = {}
    for item in found:
        by_chip.setdefault(chip(item.run), []).append(min(_CAP, abs(item.log_error)))
    return float(np.mean([np.median(errors) for errors in by_chip.values()]))
