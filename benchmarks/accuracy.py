"""How near the estimates come on devices that they have never seen: ``python -m benchmarks.accuracy [--data FILE]``.

Each chip is left out with all its variants, the rest is fitted, and the chip's runs are predicted from its datasheet.
A device's score is the median relative error of its runs; printed are median and 90th percentile over devices, and over
cases. Goals: decode 7 % and 18 %, prefill 15 % and 45 %, deeper rates from two points 3 % and 8 %, intervals of 90 %
that hold 85 to 95 %. ``--nested`` chooses the settings of the fit inside, without the devices that are scored.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import baselines, peers
from benchmarks.depth import SECOND, extended
from benchmarks.fitting import KINDS, Kind
from benchmarks.intervals import cross_covered
from benchmarks.left_out import Prediction, chip, family, predictions
from benchmarks.nested import fold_of, nested
from benchmarks.runs import SHIPPED, SHORT, Run, Runs, is_scored, is_timed, read_runs
from benchmarks.scores import Miss, Score, score, split
from benchmarks.series import with_series
from benchmarks.silicon import die_of

_GOALS = {"decode": (0.07, 0.18), "prefill": (0.15, 0.45)}
Section = tuple[str, list[Score]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or JSON; return 0, or 2 where there is nothing to score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHIPPED, help="CSV of published runs")
    parser.add_argument("--peers", type=Path, help="folder with the programs of other estimators")
    parser.add_argument("--nested", action="store_true", help="choose the settings without the devices scored")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    runs = read_runs(chosen.data)
    if not any(is_scored(run) for run in runs.kept):
        print(f"{chosen.data}: no run of llama.cpp on one device at a short context to score", file=sys.stderr)
        return 2
    sections = list(_sections(runs, chosen.nested, chosen.peers))
    print(_json(sections) if chosen.json else _text(runs, sections))
    return 0


def _sections(runs: Runs, with_nested: bool, folder: Path | None) -> Iterator[Section]:
    rows = with_series(runs.kept)
    for kind in KINDS:
        found = predictions(rows, kind, scored=is_timed)
        if not found:
            continue
        short = [item for item in found if is_scored(item.run)]
        yield f"{kind.name}, short context, chip never seen", list(_short(kind, short, rows))
        yield f"{kind.name}, other rules on the same runs", list(_rules(kind, [item.run for item in short], folder))
        if with_nested:
            yield f"{kind.name}, settings chosen without the devices scored", _one("nested", nested(rows, kind))
        deep = [item for item in found if item.run.depth >= SHORT]
        yield f"{kind.name}, deep, chip never seen, nothing measured", list(_by("", deep, lambda run: _band(run.depth)))
        yield f"{kind.name}, deep, from two measured points", list(_two_points(runs.kept, kind))
        yield f"{kind.name}, share of measurements in the interval of 90 %", list(_coverage(found))


def _misses(found: Sequence[Prediction]) -> list[Miss]:
    return [Miss(item.run, item.error) for item in found]


def _one(name: str, found: Sequence[Prediction]) -> list[Score]:
    whole = score(name, _misses(found))
    return [whole] if whole else []


def _by(name: str, found: Sequence[Prediction], label_of: Callable[[Run], str]) -> Iterator[Score]:
    yield from split(name, _misses(found), label_of)


def _short(kind: Kind, found: Sequence[Prediction], rows: Sequence[Run]) -> Iterator[Score]:
    yield from _one("all", found)
    chips: dict[str, set[str]] = {}
    for item in found:
        chips.setdefault(family(item.run), set()).add(chip(item.run))
    yield from _one("of a family with other chips in the data", [i for i in found if len(chips[family(i.run)]) > 1])
    yield from _by("vendor", found, lambda run: run.case.device.vendor)
    yield from _by("family", found, family)
    yield from _by("model", found, lambda run: "sparse" if run.case.shape.is_sparse else "dense")
    yield from _one("whole die left out", predictions(rows, kind, lambda run: die_of(run.device)))
    yield from _one("whole family left out", predictions(rows, kind, family))


def _rules(kind: Kind, runs: Sequence[Run], folder: Path | None) -> Iterator[Score]:
    middle = baselines.GLOBAL_SHARE if kind.test == "tg" else float(np.median([baselines.share(run) for run in runs]))
    rules = {
        "limit itself": baselines.constant(runs, 1.0),
        f"{middle:.2f} of the limit": baselines.constant(runs, middle),
        "table by family and backend": baselines.table(runs, lambda run: f"{family(run)} {run.case.backend}"),
    }
    program = peers.find(folder)
    if program:
        rules[f"{peers.version(program)} (models it lists)"] = peers.llmfit(program, runs)
    for name, misses in rules.items():
        found = score(name, misses)
        if found:
            yield found


def _band(depth: int) -> str:
    return next((f"depth to {top:7,}" for top in (9000, 18500, 36000, 70000) if depth <= top), "depth beyond 70,000")


def _two_points(runs: Sequence[Run], kind: Kind) -> Iterator[Score]:
    found = extended([run for run in runs if run.kind == kind.test])
    for second in SECOND:
        for name, errors in (("second point", "error"), ("ignoring depth", "ignoring")):
            misses = [Miss(item.run, getattr(item, errors)) for item in found if item.second == second]
            whole = score(f"{name} {second}", misses)
            if whole:
                yield whole
    whole = score("all", [Miss(item.run, item.error) for item in found])
    if whole:
        yield whole


def _coverage(found: Sequence[Prediction]) -> Iterator[Score]:
    """Yield shares: of devices' cases (each device once) and of all cases, by intervals set on other devices."""
    inside = cross_covered(found, fold_of) if len({fold_of(item.run) for item in found}) > 1 else []
    for name, keep in (("short", is_scored), ("deep", lambda run: run.depth >= SHORT)):
        pairs = [(item.run.device, held) for item, held in zip(found, inside, strict=False) if keep(item.run)]
        if not pairs:
            continue
        devices = sorted({device for device, _ in pairs})
        shares = [np.mean([held for owner, held in pairs if owner == device]) for device in devices]
        share, cases = float(np.mean(shares)), float(np.mean([held for _, held in pairs]))
        yield Score(name, len(devices), share, float("nan"), len(pairs), cases, float("nan"))


def _text(runs: Runs, sections: Sequence[Section]) -> str:
    kept = f"{len(runs.kept)} runs of {len({run.device for run in runs.kept})} devices kept; dropped: "
    lines = [kept + ", ".join(f"{count} {reason}" for reason, count in runs.dropped.most_common())]
    lines.append(f"{'':44s} {'':12s}  median     p90   {'':11s}  median     p90")
    for title, scores in sections:
        lines += ["", title, *(found.line().replace("nan%", "    ") for found in scores)]
    goals = (f"{name} {low:.0%} / {high:.0%}" for name, (low, high) in _GOALS.items())
    lines += ["", f"goals, over devices: {', '.join(goals)}; two points: decode 3 %, prefill 8 %; intervals 85 to 95 %"]
    return "\n".join([*lines, peers.MDL])


def _json(sections: Sequence[Section]) -> str:
    rows = {title: [asdict(found) for found in scores] for title, scores in sections}
    return json.dumps({"schema": "truelimit.accuracy/1", "sections": rows}, indent=1).replace("NaN", "null")


if __name__ == "__main__":
    sys.exit(main())
