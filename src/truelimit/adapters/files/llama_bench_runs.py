"""Rows of benchmark tools put together to runs: same model, device, build and settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from truelimit.bench.fits import fits_of, split
from truelimit.domain.measurements import (
    MeasuredMachine,
    MeasuredModel,
    MeasuredPoint,
    MeasuredServer,
    Measurement,
    PointKind,
)
from truelimit.units import Seconds, Tokens

_MOST_POINTS = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """One test: its model, device, server and settings, and the seconds of each repeat."""

    tool: str
    model: MeasuredModel
    machine: MeasuredMachine
    server: MeasuredServer
    settings: tuple[str, ...]
    kind: PointKind
    depth: int
    tokens: int
    seconds: tuple[float, ...]
    taken: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def points(self) -> tuple[MeasuredPoint, ...]:
        """The repeats as points."""
        return tuple(
            MeasuredPoint(self.kind, Tokens(self.depth), Tokens(self.tokens), Seconds(value), run)
            for run, value in enumerate(self.seconds)
        )


def runs_of(rows: Iterable[Row], where: str, taken: str) -> tuple[Measurement, ...]:
    """Return the runs in rows, in order of appearance; ``taken`` stands where the rows tell no time."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        model = replace(row.model, weights_bytes=None, parameters=None)
        groups.setdefault((row.tool, model, row.machine, row.server, row.settings), []).append(row)
    return tuple(_run(group, where, taken) for group in groups.values())


def _run(rows: list[Row], where: str, taken: str) -> Measurement:
    first = rows[0]
    points = tuple(point for row in rows for point in row.points)[:_MOST_POINTS]
    fits = fits_of(*split(points, where))
    return Measurement(
        id="",
        taken=min((row.taken for row in rows if row.taken), default=taken),
        where=where,
        tool=first.tool,
        model=first.model,
        machine=first.machine,
        server=first.server,
        points=points,
        prefill=fits.prefill,
        decode=fits.decode,
        prefill_ranges=fits.prefill_ranges,
        decode_ranges=fits.decode_ranges,
        settings=first.settings,
        notes=tuple(dict.fromkeys(note for row in rows for note in row.notes)),
    )
