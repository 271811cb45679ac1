"""What a measurement tells of another case: ``python -m benchmarks.carried [--data FILE]``.

The ratio of measured to estimated cost of one run is carried over to another of the same model, to a power from 0 (not
at all) to 1: on the same device in another quantisation, on several of them, and on a sibling whose chip was left out
of the fit. Printed are the median and the 90th percentile of the errors, over pairs. ``limits/rates_carried.py``
rests on this.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.fitting import KINDS, Kind
from benchmarks.left_out import Prediction, predicted, predictions
from benchmarks.runs import SHIPPED, Run, is_timed, read_runs
from benchmarks.series import with_series
from benchmarks.silicon import chip_of
from truelimit.tables.calibration import calibration

POWERS = (0.0, 0.4, 0.7, 1.0)
_RANKS = ("pro", "max", "ultra")
Pair = tuple[float, float]
"""Logarithms of estimate over measurement: of the run that is predicted, and of the one that tells of it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHIPPED, help="CSV of published runs")
    rows = with_series(read_runs(parser.parse_args(arguments).data).kept)
    for kind in KINDS:
        left_out = predictions(rows, kind, scored=is_timed)
        seen = [_seen(kind, item.run) for item in left_out]
        print(line(f"{kind.name}, another quantisation on the device", list(other_quantisations(seen))))
        several = [_seen(kind, run) for run in rows if run.kind == kind.test and _is_of_several(run)]
        print(line(f"{kind.name}, several devices of the kind", list(several_devices(several, seen))))
        print(line(f"{kind.name}, sibling: Apple's Pro, Max, Ultra", list(siblings(left_out, seen, _apple))))
        print(line(f"{kind.name}, sibling: one family", list(siblings(left_out, seen, _family))))
    return 0


def _seen(kind: Kind, run: Run) -> Prediction:
    known = calibration()
    return predicted(known.decode if kind.name == "decode" else known.prefill, run, kind)


def other_quantisations(seen: Sequence[Prediction]) -> Iterator[Pair]:
    """Yield the pairs of runs that differ in quantisation alone."""
    groups: dict[object, list[Prediction]] = defaultdict(list)
    for item in seen:
        run = item.run
        key = (run.device, run.model, run.case.backend, run.tokens, run.depth, run.case.flash_attention, run.source)
        groups[key].append(item)
    for group in groups.values():
        for one in group:
            for other in group:
                if one.run.case.shape.quantization != other.run.case.shape.quantization:
                    yield one.log_error, other.log_error


def _is_of_several(run: Run) -> bool:
    return run.engine in {"llama.cpp", "llama-server"} and run.case.devices > 1 and run.case.split == "layer"


def several_devices(several: Sequence[Prediction], seen: Sequence[Prediction]) -> Iterator[Pair]:
    """Yield each run of several devices, blocks in turn, with the one that differs in their count alone."""
    alone: dict[object, Prediction] = {}
    for item in seen:
        alone.setdefault(_but_for_the_count(item.run), item)
    for item in several:
        one = alone.get(_but_for_the_count(item.run))
        if one is not None:
            yield item.log_error, one.log_error


def _but_for_the_count(run: Run) -> object:
    case = run.case
    return run.device, run.model, case.shape.quantization, case.backend, run.tokens, run.depth, case.kv_type


def siblings(left_out: Sequence[Prediction], seen: Sequence[Prediction], kin: Callable[[Run], str]) -> Iterator[Pair]:
    """Yield for each chip and case its error where it was left out, and the mean one of its siblings in the fit."""
    groups: dict[object, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for unseen, item in zip(left_out, seen, strict=True):
        run, name = item.run, kin(item.run)
        if name:
            key = (name, run.model, run.case.shape.quantization, run.case.backend, run.tokens, run.depth)
            groups[key][chip_of(run.device)].append((unseen.log_error, item.log_error))
    for chips in groups.values():
        for name, own in chips.items():
            others = [statistics.median(b for _, b in pairs) for chip, pairs in chips.items() if chip != name]
            if others:
                yield statistics.median(a for a, _ in own), statistics.fmean(others)


def _apple(run: Run) -> str:
    ranked = any(rank in run.device for rank in _RANKS)
    return "apple" if run.case.device.vendor == "apple" and run.case.backend == "metal" and ranked else ""


def _family(run: Run) -> str:
    return run.case.device.family


def line(name: str, pairs: Sequence[Pair]) -> str:
    """Return one line of the table: errors by how much of the ratio is carried over."""
    parts = [f"{name:46s} {len(pairs):4d} pairs"]
    for power in POWERS if pairs else ():
        errors = np.abs([own - power * other for own, other in pairs])
        parts.append(f"{power:g}: {np.median(errors):.1%} / {np.quantile(errors, 0.9):.1%}")
    return "   ".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
