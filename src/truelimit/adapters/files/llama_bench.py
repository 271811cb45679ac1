"""Benchmarks that other tools printed, told apart by content: llama-bench and llama-benchy in all their forms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from truelimit.adapters.files import llama_bench_benchy as benchy
from truelimit.adapters.files import llama_bench_rows as llama
from truelimit.adapters.files.llama_bench_runs import Row, runs_of
from truelimit.adapters.files.llama_bench_table import csv_rows, markdown_rows
from truelimit.app.bench_ports import BenchError
from truelimit.domain.measurements import Measurement
from truelimit.domain.message import joined, said
from truelimit.domain.provenance import Missing
from truelimit.units import MIB

_MOST_BYTES = 32 * MIB
_FORMS = said("what llama-bench (-o json, jsonl, csv, md) or llama-benchy (--format json, csv, md) prints")


@dataclass(frozen=True, slots=True)
class Imported:
    """The runs in a file, and what of it was left out."""

    measurements: tuple[Measurement, ...]
    missing: tuple[Missing, ...] = ()


def read_benchmark(path: Path) -> Imported:
    """Return the runs in a file. Raises BenchError when it cannot be read or holds none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        changed = path.stat().st_mtime
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BenchError(said("{path}: cannot be read ({strerror})", path=path, strerror=why)) from None
    if len(data) > _MOST_BYTES:
        raise BenchError(
            said("{path}: larger than {most:,} bytes; expected {forms}", path=path, most=_MOST_BYTES, forms=_FORMS)
        )
    text = data.decode("utf-8-sig", errors="replace")
    rows: list[Row] = []
    left: Counter[str] = Counter()
    for row in _rows(text):
        if isinstance(row, Row):
            rows.append(row)
        else:
            left[row] += 1
    if not rows:
        why = said("; {reasons}", reasons=joined("; ", left)) if left else ""
        raise BenchError(
            said("{path}: no measured rates in it{why}; expected {forms}", path=path, why=why, forms=_FORMS)
        )
    taken = datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds")
    missing = tuple(
        Missing(str(path), said("{count:,} left out: {words}", count=count, words=words))
        for words, count in left.items()
    )
    return Imported(runs_of(rows, path.name, taken), missing)


def _rows(text: str) -> Iterator[Row | str]:
    value = _document(text)
    if isinstance(value, dict) and isinstance(value.get("benchmarks"), list):
        yield from benchy.json_rows(value)
        return
    objects = value if isinstance(value, list) else [value] if isinstance(value, dict) else list(_lines(text))
    if any(isinstance(item, dict) and "n_prompt" in item for item in objects):
        yield from llama.object_rows(_dicts(objects))
        yield from (said("damaged lines") for item in objects if item is None)
        return
    yield from _tables(text)


def _tables(text: str) -> Iterator[Row | str]:
    of_llama, of_benchy = list(csv_rows(text, "n_prompt")), list(csv_rows(text, "test_name"))
    if of_llama:
        yield from llama.object_rows(of_llama)
    elif of_benchy:
        yield from benchy.table_rows(of_benchy)
    else:
        rows = list(markdown_rows(text))
        yield from llama.markdown_rows([row for row in rows if not _is_benchy(row)], text)
        yield from benchy.table_rows([row for row in rows if _is_benchy(row)])


def _is_benchy(row: Mapping[str, str]) -> bool:
    return "est_ppt (ms)" in row


def _dicts(items: Iterable[object]) -> Iterator[Mapping[str, object]]:
    return (item for item in items if isinstance(item, dict))


def _document(text: str) -> object:
    """The JSON document in a text: all of it, or from the first line that opens one (messages may stand before)."""
    for start in (0, *(text.find(mark) + 1 for mark in ("\n[", "\n{") if mark in text)):
        try:
            value, _ = json.JSONDecoder().raw_decode(text[start:].lstrip())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) or (isinstance(value, dict) and "benchmarks" in value):
            return value
    return None


def _lines(text: str) -> Iterator[object]:
    """Objects one a line; None for a line that begins like one and is damaged."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None
