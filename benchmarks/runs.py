"""Published runs: reads the rows of a CSV, keeps those that a stated rule lets through, and turns them into cases.

The rule: quality ``ok``; a known device with a bandwidth; a rate above zero; not over the roofline (decode faster than
1.05 x bandwidth / bytes read, prompts faster than 1.05 x the matrix rate allows, without speculation declared); weights
that fit the cards. A row that is dropped is counted by its reason.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from truelimit.domain.estimates import ModelShape, RateCase
from truelimit.domain.machine import Accelerator
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.rates.device import matrix_rate
from truelimit.perf.rates.shape import shape_from_numbers
from truelimit.perf.rates.split import reading_devices
from truelimit.tables.accelerators import accelerator
from truelimit.tables.models import model
from truelimit.units import GB

HERE = Path(__file__).parent / "data"
SHIPPED = HERE / "published_runs.csv"
SHORT = 2200  # tokens: a run that starts deeper is not a short context
_TOO_FAST = 1.05
_DEFAULT_TOKENS = {"tg": 128, "pp": 512}
_FLASH_BY_DEFAULT = "2025-08"  # llama.cpp pull request 15434; from 5021 (2024-04) it had to be asked for
_LOCALSCORE_TOKENS = 512  # mean length of its nine mixes


@dataclass(frozen=True, slots=True)
class Run:
    """One published measurement: the case, what was run, and the rate in tokens/s."""

    row: str
    device: str
    model: str
    kind: str
    tokens: int
    depth: int
    rate: float
    date: str
    source: str
    engine: str
    case: RateCase
    known_shape: bool
    build: str = ""
    test: str = ""
    rows: int = 1

    @property
    def position(self) -> float:
        """The mean number of tokens before each token of the run."""
        return self.depth + self.tokens / 2


@dataclass(slots=True)
class Runs:
    """Runs that the rule lets through, and how many rows it dropped for which reason."""

    kept: list[Run] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def read_runs(path: Path = SHIPPED) -> Runs:
    """Return the runs of a CSV. Raises OSError where it cannot be read."""
    runs = Runs()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            reason, run = _run(row)
            if run is None:
                runs.dropped[reason] += 1
            else:
                runs.kept.append(run)
    return runs


def _run(row: Mapping[str, str]) -> tuple[str, Run | None]:
    if row["quality"] != "ok":
        return f"quality is {row['quality']}", None
    device = _device(row["device_id"])
    if device is None or device.bandwidth is None:
        return "device or bandwidth unknown", None
    if row["batch"] not in {"", "1"}:
        return "several requests at once", None
    if "?" in row["backend"] or "/" in row["backend"]:
        return "backend not certain", None
    shape = _shape(row)
    rate = float(row["tok_s"] or 0)
    if shape is None:
        return "size or quantisation unknown", None
    if rate <= 0:
        return "no rate", None
    run = _built(row, device, shape, rate)
    return _screened(run)


def _built(row: Mapping[str, str], device: Accelerator, shape: ModelShape, rate: float) -> Run:
    tokens = _tokens(row)
    case = RateCase(
        shape,
        device,
        row["backend"],
        row["engine"],
        int(row["n_gpu"] or 1),
        "tensor" if "tensor" in row["note"].lower() and "split" in row["note"].lower() else "layer",
        None,
        _flash(row),
        row["kv_type"] or "f16",
        _ubatch(f"{row['version']} {row['note']}"),
    )
    return Run(
        row["row_id"],
        row["device_id"],
        row["arch"] or row["model"],
        row["kind"],
        tokens,
        int(float(row["depth"] or 0)),
        rate,
        row["date"],
        row["source"],
        row["engine"],
        case,
        bool(row["arch"]),
        row["version"],
        row["test"],
    )


def _flash(row: Mapping[str, str]) -> bool | None:
    """Return whether flash attention was on: as told, else off on a card while llama.cpp had it off by default.

    On a processor nothing is taken for granted: there it costs time at depth, and people who compare switch it on.
    """
    told = {"1": True, "1.0": True, "0": False, "0.0": False}.get(row["flash_attn"])
    was_off = row["engine"] == "llama.cpp" and row["backend"] != "cpu" and "" < row["date"] < _FLASH_BY_DEFAULT
    return False if told is None and was_off else told


def _tokens(row: Mapping[str, str]) -> int:
    if row["n_tokens"]:
        return int(float(row["n_tokens"]))
    return _LOCALSCORE_TOKENS if "localscore" in row["test"] else _DEFAULT_TOKENS[row["kind"]]


def _ubatch(told: str) -> int | None:
    words = told.replace("=", " ").replace(",", " ").replace(";", " ").split()
    for name, value in pairwise(words):
        if name.lower() in {"ubatch", "-ub", "n_ubatch"} and value.isdecimal():
            return int(value)
    return None


def _screened(run: Run) -> tuple[str, Run | None]:
    shape, case = run.case.shape, run.case
    if run.kind == "tg":
        limit = case.device.bandwidth.value * max(case.devices, reading_devices(case)) / shape.read_bytes  # type: ignore[union-attr]
    else:
        limit = matrix_rate(case.device).value * case.devices / (2 * shape.active_parameters)
        limit *= 4 if case.device.family == "apple-m5" or case.device.fp16 is None else 1
    if run.rate > _TOO_FAST * limit:
        return "faster than physics allows", None
    memory = max(case.device.memory_options, default=0) * case.devices
    if case.device.kind == "discrete" and memory and shape.weights_bytes > memory:
        return "weights larger than the cards", None
    return "", run


@cache
def _device(name: str) -> Accelerator | None:
    return accelerator(name)


def _shape(row: Mapping[str, str]) -> ModelShape | None:
    try:
        return _shape_of(
            row["arch"],
            float(row["params_b"] or 0) * GB,
            float(row["active_params_b"] or 0) * GB or None,
            float(row["weight_gb"] or 0) * GB or None,
            row["quant"] or "other",
            row["kv_type"] or "f16",
        )
    except (UnknownLayoutError, ValueError):
        return None


@cache
def _shape_of(
    arch: str, parameters: float, active: float | None, size: float | None, quant: str, kv_type: str
) -> ModelShape:
    if size is None and quant == "other":
        raise ValueError("neither size nor quantisation")
    header = model(arch) if arch else None
    return shape_from_numbers(parameters, active, size, quant, header, kv_type=kv_type, name=arch or "model")


def merged(runs: list[Run]) -> list[Run]:
    """Return runs with those of one case (device, engine, shape, tokens, depth) made one, at their median."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        case = run.case
        key = (run.device, run.kind, case, run.tokens, run.depth, run.date[:4] == "2024")
        groups.setdefault(key, []).append(run)
    return [
        replace(group[0], rate=statistics.median(run.rate for run in group), rows=len(group))
        for group in groups.values()
    ]


def is_timed(run: Run) -> bool:
    """Return whether a run is of llama.cpp on one device, at any depth."""
    return run.engine in {"llama.cpp", "llama-server"} and run.case.devices == 1


def is_scored(run: Run) -> bool:
    """Return whether a run counts for the goals: llama.cpp, one device, a short context."""
    return is_timed(run) and run.depth < SHORT


def by_device(runs: list[Run]) -> Iterator[tuple[str, list[Run]]]:
    """Yield each device with its runs."""
    for device in sorted({run.device for run in runs}):
        yield device, [run for run in runs if run.device == device]


def mean(values: list[float]) -> float:
    """Return the arithmetic mean, or nan for none."""
    return sum(values) / len(values) if values else math.nan
