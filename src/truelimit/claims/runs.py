"""Published runs that speak to a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from truelimit.claims.bits import bits_per_weight
from truelimit.claims.words import short
from truelimit.domain.claims import PublishedRun, Reading, Subject
from truelimit.domain.message import said

_SAME_SIZE = 0.12
_SAME_ACTIVE = 0.25
_SAME_BITS = 0.16
_SHALLOW = 1024


@dataclass(frozen=True, slots=True)
class Spread:
    """The slowest and the fastest of some runs, with their sources."""

    slowest: float
    fastest: float
    runs: tuple[PublishedRun, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the runs were published, without repetition, the fastest first."""
        ordered = sorted(self.runs, key=lambda run: -run.rate)
        return tuple(dict.fromkeys(f"{run.source} ({run.date})" for run in ordered))[:4]

    @property
    def text(self) -> str:
        """The rates as text: ``4.4 to 5.1 tok/s``."""
        low, high = short(self.slowest), short(self.fastest)
        return said("{low} tok/s", low=low) if low == high else said("{low} to {high} tok/s", low=low, high=high)


def spread(runs: Iterable[PublishedRun]) -> Spread | None:
    """Return the spread of runs, or None where there is none."""
    rated = tuple(run for run in runs if run.rate > 0)
    if not rated:
        return None
    rates = [run.rate for run in rated]
    return Spread(min(rates), max(rates), rated)


def matching(
    runs: Iterable[PublishedRun], subject: Subject, readings: Sequence[Reading], kind: str, *, speculative: bool = False
) -> tuple[PublishedRun, ...]:
    """Return the runs of the same device and number of it, with a model of the same size, kind and bits a weight."""
    if subject.device is None:
        return ()
    return tuple(
        run
        for run in runs
        if run.kind == kind
        and run.device == subject.device.id
        and run.devices == subject.devices
        and (speculative or not run.speculative)
        and any(same_model(run, reading) for reading in readings)
    )


def on_device(runs: Iterable[PublishedRun], subject: Subject, kind: str) -> tuple[PublishedRun, ...]:
    """Return the plain runs of one device of the same kind with any model."""
    device = subject.device
    return tuple(
        run
        for run in runs
        if device is not None and run.device == device.id and run.kind == kind and run.devices == 1
        and not run.speculative and run.rate > 0
    )  # fmt: skip


def same_model(run: PublishedRun, reading: Reading) -> bool:
    """Whether a run tells of a model as large, as sparse, and stored in as many bits as a reading."""
    shape = reading.shape
    close = _near(run.parameters, shape.parameters, _SAME_SIZE)
    close = close and _near(run.active_parameters, shape.active_parameters, _SAME_ACTIVE)
    told, bits = bits_per_weight(run.quantization), 8 * shape.weights_bytes / shape.parameters
    return close and told is not None and _near(told, bits, _SAME_BITS)


def reads_no_more(run: PublishedRun, readings: Sequence[Reading]) -> bool:
    """Whether a run's quantisation stores no more bits a weight than that of one of the readings."""
    told = bits_per_weight(run.quantization)
    allowed = (bits_per_weight(reading.shape.quantization) for reading in readings)
    return told is not None and any(bits is not None and told <= bits for bits in allowed)


def shallow(runs: Iterable[PublishedRun]) -> tuple[PublishedRun, ...]:
    """Return the runs that start from an empty context and stay near it."""
    return tuple(run for run in runs if run.depth == 0 and run.tokens <= _SHALLOW)


def read_bytes(run: PublishedRun) -> float | None:
    """Return the bytes of weights that one token of a run reads, by its bits a weight; None where not known."""
    bits = bits_per_weight(run.quantization)
    return None if bits is None else run.active_parameters * bits / 8


def _near(value: float, other: float, share: float) -> bool:
    return abs(value - other) <= share * max(value, other)
