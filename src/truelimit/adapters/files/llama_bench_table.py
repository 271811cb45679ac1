"""Tables and values as benchmark tools print them: Markdown tables, CSV, test names, sizes, rates."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from truelimit.units import GB, TERA, Bytes, parse_size

_RULE = re.compile(r"[\s|:\-]+")
_TEST = re.compile(r"(ctx_)?(pp|tg)\s*(\d{1,9})?(?:\s*@\s*d\s*(\d{1,9}))?(?:\s*\(c(\d{1,5})\))?", re.IGNORECASE)
_NUMBER = re.compile(r"\s*([0-9][0-9.,eE+]*)")
_COUNT = re.compile(r"([0-9.]+)\s*([KMBT])?$", re.IGNORECASE)
_TIMES = {"": 1.0, "K": 1e3, "M": 1e6, "B": float(GB), "T": float(TERA)}


@dataclass(frozen=True, slots=True)
class Test:
    """A test by its name: reading (``is_prefill``) or writing ``tokens`` after ``depth``, so many at once.

    ``of_context``: it filled the context that the next test goes on from (llama-benchy). ``tokens`` None: not named.
    """

    is_prefill: bool
    tokens: int | None
    depth: int
    at_once: int = 1
    of_context: bool = False


def test_of(text: str) -> Test | None:
    """Return ``pp512``, ``tg 128``, ``pp2048 @ d4096``, ``ctx_pp @ d4096``, ``pp512 (c4)``; None for anything else."""
    match = _TEST.fullmatch(text.strip())
    if match is None or (match[3] is None and match[1] is None):
        return None
    tokens = int(match[3]) if match[3] else None
    return Test(match[2].lower() == "pp", tokens, int(match[4] or 0), int(match[5] or 1), match[1] is not None)


def markdown_rows(text: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of all Markdown tables that have a column ``test``, by their heads in lower case."""
    head: list[str] | None = None
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            head = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        lower = [cell.lower() for cell in cells]
        if "test" in lower:
            head = lower
        elif head is not None and not _RULE.fullmatch(line) and len(cells) == len(head):
            yield dict(zip(head, cells, strict=True))


def csv_rows(text: str, column: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a CSV whose head has a column; lines before its head are passed over."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if column in line.replace('"', "").split(",")), None)
    if start is None:
        return
    reader = csv.DictReader(io.StringIO("\n".join(lines[start:])))
    try:
        for row in reader:
            yield {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
    except csv.Error:
        return


def rate_of(text: str | None) -> float | None:
    """Return the mean of ``7340.20 ± 23.45``; None where there is no number above 0."""
    match = _NUMBER.match(text or "")
    return positive(match[1].replace(",", "").rstrip(".")) if match else None


def size_of(text: str | None) -> Bytes | None:
    """Return a size such as ``4.36 GiB``, or None."""
    try:
        return parse_size(text or "")
    except (ValueError, OverflowError):
        return None


def count_of(text: str | None) -> float | None:
    """Return a count such as ``7.62 B``, or None."""
    match = _COUNT.match((text or "").strip())
    number = positive(match[1]) if match else None
    return number * _TIMES[(match[2] or "").upper()] if match and number else None


def positive(value: object) -> float | None:
    """Return a finite number above 0, also out of a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < math.inf else None


def whole(value: object) -> int | None:
    """Return a whole number from 0 on, also out of a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
