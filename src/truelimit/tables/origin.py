"""Where a table's numbers come from: each becomes a Known with its own source and basis."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Price
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.tables.fields import TableError, known_keys, number, table, text, within, wrong
from truelimit.units import Usd

T = TypeVar("T")

_PRICE = {"usd", "date", "what", "source"}
_DATE = re.compile(r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?\Z")
_DEAREST = 1e8
# How the text of a source begins where the number was not read there but worked out, or taken on trust.
_BASES = (("computed", Basis.DERIVED), ("assumed", Basis.ASSUMED))


def _is_date(text: str) -> bool:
    if not _DATE.match(text):
        return False
    from datetime import date

    try:
        date.fromisoformat(text if len(text) == 10 else "2000-01-01")
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Origin:
    """A file or object of the table. ``file`` names it in errors, ``label`` in reports.

    ``own``: given by the user, so that a source may be missing: its numbers are then ASSUMED. ``given`` are keys that
    the user spelled in another way, each with that.
    """

    file: str
    label: str
    own: bool = False
    given: tuple[tuple[str, str], ...] = ()

    def check(self, row: object, keys: Collection[str]) -> None:
        """Raise TableError for what is no table, an unknown key, or numbers without a source."""
        known_keys(self.file, row, keys, sourced=not self.own)

    def sources(self, row: Mapping[str, Any], keys: Collection[str]) -> None:
        """Raise TableError where ``[sources]`` names what is no number of this row."""
        for key in table(self.file, row, "sources"):
            if key not in keys or key not in row:
                raise TableError(
                    said("{file}: sources.{key} is the source of no number that is given", file=self.file, key=key)
                )

    def known(
        self, row: Mapping[str, Any], key: str, convert: Callable[[float], T], most: float, *, zero: bool = False
    ) -> Known[T] | None:
        """Return a number in our own unit with its source, or None where the key is missing.

        The basis is SPECIFIED; DERIVED or ASSUMED where its source begins with ``computed`` or ``assumed``; ASSUMED
        too in a file of the user's without a source. Raises TableError for a number below 0 or above ``most``.
        """
        if key not in row:
            return None
        value = number(self.file, row, key, most=most, zero=zero)
        return self.told(row, key, convert(value))

    def told(self, row: Mapping[str, Any], key: str, value: T) -> Known[T]:
        """Return a value that stands at ``key`` with its source."""
        source = table(self.file, row, "sources").get(key) or row.get("source")
        name = dict(self.given).get(key, key)
        if source is None:
            return Known(value, said("{label}, {key}", label=self.label, key=name), Basis.ASSUMED)
        basis = next((basis for start, basis in _BASES if str(source).startswith(start)), Basis.SPECIFIED)
        return Known(value, said("{label}, {key} ({source})", label=self.label, key=name, source=source), basis)

    def prices(self, row: Mapping[str, Any]) -> tuple[Price, ...]:
        """Return the dated prices, oldest first. Raises TableError for one without date, source or sense."""
        found = row.get("prices", [])
        if not isinstance(found, list):
            raise wrong(self.file, "prices", found, "[[prices]]")
        return tuple(sorted((self._price(item) for item in found), key=lambda price: price.date))

    def _price(self, row: Mapping[str, Any]) -> Price:
        where = within(self.file, "prices")
        known_keys(where, row, _PRICE, sourced=not self.own)
        day = text(where, row, "date")
        if not _is_date(day):
            raise wrong(where, "date", day, said("YYYY, YYYY-MM or YYYY-MM-DD"))
        usd = Usd(number(where, row, "usd", most=_DEAREST))
        return Price(usd, day, str(row.get("what", "")), str(row.get("source") or self.label))
