"""What a benchmark needs from the world, put together: clock, heads of prompts, the machine, the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.app.bench_ports import BenchError, Teller, World
from truelimit.bench.fits import fits_of, split
from truelimit.bench.result import BenchResult, measurement_of
from truelimit.bench.screen import ceiling_of, screened
from truelimit.domain.message import said
from truelimit.limits.measured import machine_mark

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine
    from truelimit.domain.measurements import Measurement


def world(tell: Teller) -> World:
    """Return the real world. Heads of prompts are random letters: nobody has sent them before."""
    import secrets
    import time

    letters = "abcdefghijklmnopqrstuvwxyz"

    def head() -> str:
        return "".join(secrets.choice(letters) for _ in range(12)).capitalize()

    return World(time.monotonic, time.sleep, head, tell)


def finished(result: BenchResult, machine: str | None, *, keep: bool) -> tuple[BenchResult, str | None]:
    """Return the result screened against its machine and kept as a measurement, and where that is.

    Raises BenchError for an unknown machine. A store that cannot be written is a note, not the end of the result.
    """
    from datetime import UTC, datetime

    where = result.target.server.url or ""
    here = _machine(machine, local=result.target.is_local)
    points, notes = screened(result.fits.points, ceiling_of(here, result.target.model), may_speculate=True)
    fits = fits_of(*split(points, where)) if notes else result.fits
    full = None if notes else result.full_context  # it was foreseen with all points
    result = replace(result, fits=fits, notes=(*result.notes, *notes), full_context=full)
    if not fits.points:
        return result, None
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    item = measurement_of(result, fits, machine_mark(here), taken, "")
    return _kept(result, item) if keep else (replace(result, measurement=item), None)


def _kept(result: BenchResult, item: Measurement) -> tuple[BenchResult, str | None]:
    from truelimit.adapters.store.measurements import MeasurementStore

    store = MeasurementStore()
    try:
        added = store.add(item)
    except BenchError as error:
        return replace(result, notes=(*result.notes, said("not kept: {error}", error=error))), None
    return replace(result, measurement=added[0] if added else item), str(store.path)


def machine_named(name: str) -> Machine:
    """Return the machine of --machine. Raises BenchError with the nearest names."""
    from truelimit.cli.machines import named_machine
    from truelimit.tables.fields import TableError

    try:
        return named_machine(name)
    except TableError as error:
        raise BenchError(str(error)) from None


def _machine(name: str | None, *, local: bool) -> Machine | None:
    """The machine named, else this one where the server runs here; with what the tables know of its chips."""
    if name is not None:
        return machine_named(name)
    if not local:
        return None
    from truelimit.app.ports import Deadline, Places
    from truelimit.cli.this_machine import read

    return read(Places(Path.home()), Deadline(0.0)).machine


def imported(
    files: Sequence[Path], machine: str | None, *, keep: bool
) -> tuple[tuple[Measurement, ...], int, tuple[str, ...], str]:
    """Return the runs in files of other tools, how many were new, what was left out, and where they are kept.

    Raises BenchError when a file holds none.
    """
    from truelimit.adapters.files.llama_bench import read_benchmark
    from truelimit.adapters.store.measurements import MeasurementStore
    from truelimit.tables.identify import accelerator_id
    from truelimit.tables.machines import machine as table_machine

    named = None if machine is None else _machine(machine, local=False)
    items: list[Measurement] = []
    notes: list[str] = []
    for file in files:
        found = read_benchmark(file)
        notes += [f"{item.fact}: {item.why}" for item in found.missing]
        for item in found.measurements:
            known = accelerator_id(item.machine.chip) if item.machine.chip and named is None else None
            here = named or (table_machine(known) if known else None)
            items.append(_screened(item, here, mark=named))
    store = MeasurementStore()
    new = store.add(*items) if keep else ()
    from truelimit.adapters.store.measurement_json import identified as with_id

    return tuple(with_id(item) for item in items), len(new), tuple(notes), str(store.path) if keep else said("no file")


def _screened(item: Measurement, machine: Machine | None, *, mark: Machine | None) -> Measurement:
    """Return a run without the points that its machine could not give."""
    points, notes = screened(item.points, ceiling_of(machine, item.model), may_speculate=item.tool != "llama-bench")
    fits = fits_of(*split(points, item.where))
    return replace(
        item,
        points=points,
        prefill=fits.prefill,
        decode=fits.decode,
        prefill_ranges=fits.prefill_ranges,
        decode_ranges=fits.decode_ranges,
        machine=machine_mark(mark) if mark else item.machine,
        notes=(*item.notes, *notes),
    )
