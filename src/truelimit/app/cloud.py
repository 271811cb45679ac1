"""The table of providers' models: the dated overlay joined with the prices of a package; finding one by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.cloud import CloudModel
    from truelimit.domain.provenance import Missing


@dataclass(frozen=True, slots=True)
class CloudTable:
    """Models of providers: ``chosen`` are those of the overlay, ``others`` all the rest that a package knows."""

    chosen: tuple[CloudModel, ...]
    others: tuple[CloudModel, ...] = ()
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudView:
    """One model on a day, with the cost of a request where one was asked for."""

    model: CloudModel
    today: date
    cost: Calculation | None = None


class UnknownModelError(ValueError):
    """No provider's model has this name: says the nearest ones."""


def joined(
    overlay: Sequence[CloudModel], packaged: Sequence[CloudModel], missing: tuple[Missing, ...] = ()
) -> CloudTable:
    """Return the table: each model of the overlay with what a package adds, and the package's other models.

    The overlay's windows and ends hold; prices are the package's where the overlay gives none. The date of an entry is
    the older of the two, as both are needed for it.
    """
    known = {(item.provider, item.id.lower()): item for item in packaged}
    used = {(item.provider, item.id.lower()) for item in overlay}
    chosen = tuple(_with(item, known.get((item.provider, item.id.lower()))) for item in overlay)
    return CloudTable(chosen, tuple(item for key, item in known.items() if key not in used), missing)


def _with(item: CloudModel, other: CloudModel | None) -> CloudModel:
    if other is None:
        return item
    return replace(
        item,
        context=item.context or other.context,
        prices=item.prices or other.prices,
        deprecated=item.deprecated or other.deprecated,
        as_of=item.as_of if item.prices else min(item.as_of, other.as_of),
        notes=item.notes + other.notes,
    )


def find(table: CloudTable, name: str) -> CloudModel:
    """Return a model by id, name, alias or ``provider/id``, in any case; those of the overlay come first.

    Raises UnknownModelError with the nearest names.
    """
    wanted = name.strip().lower()
    for item in (*table.chosen, *table.others):
        if wanted in names(item):
            return item
    every = {label: None for item in table.chosen for label in names(item)} | {
        item.id.lower(): None for item in table.others
    }
    near = difflib.get_close_matches(wanted[:100], list(every), 5, 0.5)
    offered = (
        said("nearest: {near}", near=", ".join(near)) if near else said("truelimit cloud list shows what is known")
    )
    raise UnknownModelError(
        said("{name!r} is no provider's model of the table; {offered}", name=name[:80], offered=offered)
    )


def names(item: CloudModel) -> set[str]:
    """Return all names of a model in lower case."""
    return {name.lower() for name in (item.id, item.name, f"{item.provider}/{item.id}", *item.aliases)}
