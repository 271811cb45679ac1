"""Everything that claims are judged by, out of the tables: names, machines, models, published runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from truelimit.claims.vocabulary import Vocabulary
from truelimit.domain.claims import PublishedRun, Subject, Withdrawal
from truelimit.domain.message import said
from truelimit.tables import claims as table
from truelimit.tables import files
from truelimit.tables.accelerators import accelerator, accelerator_names
from truelimit.tables.calibration import calibration
from truelimit.tables.fields import TableError
from truelimit.tables.loader import published_rates
from truelimit.tables.machines import entry, machine_names
from truelimit.tables.models import model, model_entries
from truelimit.units import GB as BILLION
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.domain.machine import Accelerator, Machine, Price
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.rates import PublishedRates
    from truelimit.perf.rates import Calibration

_CHIP = re.compile(r"apple-(m\d+(?:-(?:pro|max|ultra))?)-\d+c")
_CLASS = re.compile(r"\bdense\b", re.IGNORECASE)
_SAME_SIZE = 0.03
_SAME_ACTIVE = 0.15


class Shelf:
    """The shipped tables, read when they are asked for."""

    def vocabulary(self, clouds: Mapping[str, str]) -> Vocabulary:
        """Return the names of machines, models and, as given, of providers' models."""
        return Vocabulary(self._machines, self._models, clouds, never_sold())

    @cached_property
    def _models(self) -> dict[str, str]:
        return dict(_models())

    @cached_property
    def _machines(self) -> dict[str, str]:
        return dict(self._machine_names())

    def _machine_names(self) -> Iterator[tuple[str, str]]:
        yield from ((name, name) for name in (*machine_names(), *accelerator_names()))
        for name in accelerator_names():
            chip = _CHIP.fullmatch(name)
            if chip:  # The last variant, which has the most cores, stands for the chip.
                for prefix in ("", "apple ", "mac studio "):
                    yield f"{prefix}{chip[1].replace('-', ' ')}", name
        yield from (("m3 ultra mac studio", "apple-m3-ultra-80c"), ("m2 ultra mac studio", "apple-m2-ultra-76c"))
        yield from table.short_names("machines").items()

    @cached_property
    def _same(self) -> dict[str, str]:
        return table.short_names("same")

    def subject(self, name: str, count: int, memory: Bytes | None) -> Subject | None:
        """Return the machine of a claim, ``count`` of it, with the memory that the claim names where it was sold so."""
        try:
            found = entry(name)
        except TableError:
            return None
        box = found.machine
        chips = box.accelerators
        device = chips[0] if chips else None
        devices = count * max(1, len(chips))
        kin = [] if device is None else [item for item in map(accelerator, self._kin(device.id)) if item is not None]
        options = _options(box, chips, kin, alone=found.what == "accelerator")
        one = min((size for size in options if memory and size >= 0.97 * memory), default=None) or _memory(box)
        return Subject(
            name,
            box.name or name,
            _spoken_for(device, self._same),
            devices,
            count,
            None if one is None else Bytes(one * count),
            _usable(box, one, count),
            options,
            found.operating_systems,
            _prices(box, kin, alone=found.what == "accelerator" or not box.prices),
            said("table of machines: {name}", name=name),
            tuple(dict.fromkeys((*box.notes, *(device.notes if device else ())))),
            tuple(kin) if found.what == "accelerator" else (),
        )

    def _kin(self, name: str) -> tuple[str, ...]:
        """The variants of an Apple chip that differ in GPU cores only; else the device itself."""
        chip = _CHIP.fullmatch(name)
        if chip is None:
            return (name,)
        return tuple(item for item in accelerator_names() if (other := _CHIP.fullmatch(item)) and other[1] == chip[1])

    def header(self, name: str) -> ModelHeader | None:
        """Return the header of a model of the table, or None."""
        return model(name)

    def of_size(self, parameters: float, active: float | None) -> tuple[ModelHeader, ...]:
        """Return the models that a size stands for: in parameters, and active ones where the claim tells them."""
        near = [size for size in table.sizes() if _near(parameters, size.billions, _SAME_SIZE)]
        if active is not None:
            near = [size for size in near if size.active and _near(active, size.active, _SAME_ACTIVE)]
        names = [name for size in near for name in size.models]
        return tuple(found for name in names if (found := model(name)) is not None)

    def runs(self) -> tuple[PublishedRun, ...]:
        """Return the published runs."""
        return self._runs

    @cached_property
    def _runs(self) -> tuple[PublishedRun, ...]:
        return tuple(replace(run, device=self._same.get(run.device, run.device)) for run in table.published_runs())

    def series(self) -> tuple[PublishedRates, ...]:
        """Return the published series of rates against depth."""
        return published_rates()

    def calibration(self) -> Calibration:
        """Return the factors of the estimates. Raises TableError for a broken file."""
        return calibration()

    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """Return what is not sold any more."""
        return table.withdrawals()


def _models() -> Iterator[tuple[str, str]]:
    for item in model_entries():
        names = (item.id, item.header.name, *item.aliases)
        if item.typical:  # A class of models goes by names that say so; bare sizes have their own table.
            names = tuple(name for name in names if _CLASS.search(name))
        for name in names:
            yield name.lower().rsplit("/", 1)[-1].replace(":", " "), item.id
    yield from table.short_names("models").items()


def never_sold() -> dict[str, str]:
    """Return the names of machines that never were, without the memory that no name tells, and what to say instead."""
    rows = (files.row("", "never_sold") or {}).get("names", ())
    told = {row["pattern"].strip("*"): f"{row['says']} ({row['source']})" for row in rows}
    return {name: says for name, says in told.items() if not name[-1:].isdigit()}


def _near(count: float, billions: float, share: float) -> bool:
    return abs(count / BILLION - billions) <= share * billions


def _spoken_for(device: Accelerator | None, same: Mapping[str, str]) -> Accelerator | None:
    """The device under the id that its runs are published under."""
    return replace(device, id=same[device.id]) if device is not None and device.id in same else device


def _options(box: Machine, chips: tuple[Accelerator, ...], kin: list[Accelerator], *, alone: bool) -> tuple[Bytes, ...]:
    if not alone and chips and chips[0].kind != "unified":
        return chips[0].memory_options
    every = {size for item in kin for size in item.memory_options} or {pool.capacity.value for pool in box.pools}
    return tuple(sorted(every))


def _memory(box: Machine) -> Bytes | None:
    """The memory of all accelerators of one box; main memory where it has none."""
    pools = [pool for pool in box.pools if pool.kind != "ram"] or list(box.pools)
    return Bytes(sum(pool.capacity.value for pool in pools)) if pools else None


def _usable(box: Machine, memory: int | None, count: int) -> Bytes | None:
    """The part of the memory that a model may take, by the share of the box."""
    pool = next((pool for pool in box.pools if pool.usable is not None), None)
    if pool is None or pool.usable is None or memory is None:
        return None
    return Bytes(round(memory * count * pool.usable.value / pool.capacity.value))


def _prices(box: Machine, kin: list[Accelerator], *, alone: bool) -> tuple[Price, ...]:
    """The prices of the box and of its chip, each once, in order of time; of several devices those of the box alone."""
    found: dict[tuple[float, str], Price] = {}
    several = len(box.accelerators) > 1
    for price in (*box.prices, *(price for item in kin if alone and not several for price in item.prices)):
        found.setdefault((price.usd, price.date[:7]), price)
    return tuple(sorted(found.values(), key=lambda price: price.date))
