"""Writes one person's request records as the Parquet file that a fleet is counted from. No text, no name, no path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.fleet.columns import COLLECTED, PERSON
from truelimit.adapters.fleet.errors import FleetError, first_line
from truelimit.adapters.work.hashing import Hasher
from truelimit.adapters.work.schema import NAMES, batch
from truelimit.domain.message import said
from truelimit.domain.workload import WorkRequest
from truelimit.workload.classes import classified
from truelimit.workload.doubles import joined


def person_of(hasher: Hasher) -> str:
    """Return the hash that stands for whoever owns the data folder: it comes from its salt alone."""
    return hasher(PERSON)


def shareable(requests: Sequence[WorkRequest]) -> list[WorkRequest]:
    """Return the records of one person as a fleet counts them: no call twice, classes of whole turns.

    A retry points to the first attempt of its chain that is among the records, which itself repeats nothing.
    """
    items, _ = joined(classified(requests))
    before = {item.id: item.retry_of for item in items if item.retry_of is not None}
    heads: dict[str, str] = {item.id: item.id for item in items if item.retry_of is None}
    found = []
    for item in items:
        head = heads.setdefault(_first(item.id, before), item.id)
        found.append(replace(item, retry_of=None if head == item.id else head))
    return found


def _first(name: str, before: dict[str, str]) -> str:
    seen = {name}
    while name in before and before[name] not in seen:
        name = before[name]
        seen.add(name)
    return name


def export(requests: Sequence[WorkRequest], target: Path, person: str, collected: float) -> int:
    """Write the records in order of time and return how many; of none no file is written.

    Names of models, agents and kinds of records that could tell a person or a secret become numbers, as in a bundle.
    ``collected``: seconds since 1970. Raises FleetError where the file cannot be written.
    """
    import duckdb

    redact = Redactor()
    items = [_named(item, redact) for item in shareable(requests)]
    if not items:
        return 0
    chosen, quoted = ", ".join(NAMES), str(target).replace("'", "''")
    with duckdb.connect() as connection:
        connection.register("incoming", batch(items))
        query = (
            f"SELECT {chosen}, '{person}' AS {PERSON}, CAST({collected!r} AS DOUBLE) AS {COLLECTED} "  # noqa: S608
            'FROM incoming ORDER BY "time" NULLS FIRST, id'
        )
        try:
            connection.execute(f"COPY ({query}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
        except duckdb.Error as error:
            raise FleetError(
                said("{target}: cannot be written: {error}", target=target, error=first_line(error))
            ) from error
    return len(items)


def _named(item: WorkRequest, redact: Redactor) -> WorkRequest:
    return replace(
        item, model=redact.name(item.model) or "unknown", agent=redact.name(item.agent), source=redact.name(item.source)
    )
