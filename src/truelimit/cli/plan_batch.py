"""``truelimit plan --batch FILE``: cases of JSON, one a line, answered line by line as they are read."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from truelimit.cli import output

if TYPE_CHECKING:
    from truelimit.app.batch import Answer, Lookups
    from truelimit.units import Bytes

_MOST_LINE = 1_000_000  # bytes of one case
_OFTEN = 256  # answers between two flushes of standard output


def run(name: str) -> int:
    """Print one answer a line; returns 0. Raises OSError for a file that cannot be read."""
    lookups = _lookups()
    with _opened(name) as lines:
        for number, text in _lines(lines):
            row = _answered(text, lookups)
            told = row if row["error"] is None else row | {"line": number}
            sys.stdout.write(json.dumps(told, ensure_ascii=True, allow_nan=False) + "\n")
            if number % _OFTEN == 0 or name == "-":
                sys.stdout.flush()
    output.write("")
    return 0


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines that are not empty, with their numbers; None stands for one that is too long, whose rest is passed over."""
    number = 0
    while line := file.readline(_MOST_LINE + 1):
        number += 1
        if len(line) <= _MOST_LINE or line.endswith(b"\n"):
            if line.strip():
                yield number, line
            continue
        while (rest := file.readline(_MOST_LINE)) and not rest.endswith(b"\n"):
            pass
        yield number, None


def _answered(text: bytes | None, lookups: Lookups) -> dict[str, object]:
    from truelimit.app.batch import answer

    if text is None:
        return _failed(f"the line is longer than {_MOST_LINE:,} bytes")
    try:
        case = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return _failed(f"not JSON: {str(error)[:200]}")
    return as_row(answer(case, lookups))


def _failed(why: str) -> dict[str, object]:
    return {"id": None, "rate": None, "error": why}


def as_row(item: Answer) -> dict[str, object]:
    """Return an answer with the keys of the contract, and what it rests on beside them."""
    found = item.estimate
    row: dict[str, object] = {"id": _plain(item.id), "rate": None, "error": item.error}
    if found is None:
        return row
    row["rate"] = {"value": found.value, "low": found.low, "high": found.high, "basis": found.basis.value}
    return row | {"tier": found.tier.value, "notes": list(item.notes)}


def _plain(name: object) -> object:
    """The case's own id; one that JSON cannot hold (not a number) is left out."""
    return None if isinstance(name, float) and not math.isfinite(name) else name


def _lookups() -> Lookups:
    from truelimit.app.batch import Lookups
    from truelimit.cli.evidence import measurements
    from truelimit.cli.machines import named_machine
    from truelimit.cli.plan_model import estimator
    from truelimit.tables.loader import published_rates
    from truelimit.tables.machines import joined, machine_from_mapping
    from truelimit.tables.models import model, unknown_model

    return Lookups(
        named_machine,
        machine_from_mapping,
        model,
        unknown_model,
        estimator(),
        published_rates(),
        measurements(),
        _files,
        joined,
    )


def _files(name: str) -> Mapping[str, Bytes]:
    from truelimit.tables.models import model_entry

    entry = model_entry(name)
    return entry.files_bytes if entry is not None else {}
