"""What the user's recorded work is: the records that a question is about, and their summary. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import counted, said
from truelimit.workload.summary import Work, summary

if TYPE_CHECKING:
    from truelimit.domain.provenance import Missing
    from truelimit.domain.workload import WorkRequest


@dataclass(frozen=True, slots=True)
class ReadNow:
    """What a run read: files with anything new, files that had not changed, bytes, seconds."""

    files: int
    unchanged: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkloadView:
    """The work with how it became known. ``left_out``: records that --since or --agent leave out.

    ``damaged``: lines of all files that were not understood. ``notes``: what was odd in the records, and how it was
    handled. ``refused``: files that were named and cannot be taken, each with the reason.
    """

    work: Work
    store: str
    records: int
    left_out: int
    read: ReadNow
    damaged: int
    notes: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    refused: tuple[Missing, ...] = ()


def chosen(requests: Iterable[WorkRequest], since: datetime | None, agent: str | None) -> tuple[list[WorkRequest], int]:
    """Return the records that a question is about, and how many it leaves out.

    With ``since`` (aware), records without a time are left out: nobody knows that they are of it.
    """
    kept, left_out = [], 0
    for item in requests:
        is_late = since is None or (item.time is not None and item.time >= since)
        if is_late and agent in {None, item.agent, item.source}:
            kept.append(item)
        else:
            left_out += 1
    return kept, left_out


def describe(requests: Sequence[WorkRequest]) -> Work:
    """Return what the work is."""
    return summary(requests)


def set_aside(records: int, file: str) -> str:
    """Return in words what became of a store of an older form."""
    if not records:
        return said("the store was of an older form and was read anew")
    return said(
        "the store was of an older form and was read anew; its {records:,} records are set aside in {file}: "
        "--file with that name brings back what agents no longer keep",
        records=records,
        file=file,
    )


def notes(clock: int, long: int, copies: int) -> tuple[str, ...]:
    """Return in words what was odd in the records, and how it was handled."""
    told = (
        counted(
            "{count} call ended before it began or after more than a day: a clock jumped; its duration is left out",
            "{count} calls ended before they began or after more than a day: a clock jumped; their duration is left "
            "out",
            clock,
        ),
        counted(
            "{count} line was too long to be read whole: a call may be missing from it",
            "{count} lines were too long to be read whole: a call may be missing from each",
            long,
        ),
        counted(
            "{count} record was a copy that a resumed session holds of an older one: counted once",
            "{count} records were copies that a resumed session holds of an older one: counted once",
            copies,
        ),
    )
    return tuple(what for count, what in zip((clock, long, copies), told, strict=True) if count)
