"""Counts a fleet: asks an engine every question and returns the answers as the nouns of app.fleet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from truelimit.adapters.fleet import questions
from truelimit.adapters.fleet.engine import Engine, Progress
from truelimit.adapters.fleet.errors import FleetError
from truelimit.adapters.fleet.files import is_remote
from truelimit.adapters.fleet.person import COUNTS
from truelimit.app.fleet import Cell, Counted, Person, Replayed
from truelimit.domain.message import said
from truelimit.workload.stack import ReplayStack
from truelimit.workload.summary import Sizes

ENGINES = ("duckdb", "pyspark")
_STEPS = 8


@contextmanager
def engine(kind: str, paths: Sequence[str], master: str | None, folder: Path) -> Iterator[Engine]:
    """Yield an engine of ENGINES over these files. Raises FleetError where it cannot be had or read them."""
    if kind == "pyspark":
        from truelimit.adapters.fleet.on_spark import spark_engine

        with spark_engine(paths, master) as found:
            yield found
        return
    remote = next((path for path in paths if is_remote(path)), None)
    if remote is not None:
        raise FleetError(
            said(
                "{remote}: a URL is read by a distributed engine: --engine pyspark; DuckDB reads files here",
                remote=remote,
            )
        )
    from truelimit.adapters.fleet.on_duckdb import duckdb_engine

    with duckdb_engine(paths, folder) as one:
        yield one


def counted(found: Engine, *, apart: bool, stacks: Sequence[ReplayStack] | None, progress: Progress) -> Counted:
    """Return what the engine counts; ``stacks`` None: no replay. Raises FleetError.

    ``apart``: every record is there once, as no person is in two files.
    """
    raw = questions.typed(found.table())
    (rows,) = found.answer(questions.refused(raw))
    chosen = questions.complete(raw) if apart else found.kept(questions.newest(raw))
    table = questions.cleaned(chosen)
    told = _told(progress)
    people = tuple(Person(**row) for row in found.answer(told(questions.people(table))))
    refused = int(rows["refused"] or 0)
    copies = rows["rows"] - refused - sum(item.calls for item in people)
    agents, models = (
        _cells(found, told(questions.cells(table, by, _frequent(found, table, by)))) for by in ("agent", "model")
    )
    endings = _cells(found, told(questions.cells(table, "ending")))
    classes = _cells(found, told(questions.cells(questions.classed(table), "work_class")))
    prompt, output = (_sizes(found, told(questions.sizes(table, name))) for name in ("prompt_tokens", "output_tokens"))
    replayed = () if stacks is None else _replayed(found, table, stacks, people, progress)
    return Counted(people, agents, models, endings, classes, prompt, output, rows["rows"], copies, refused, replayed)


def _told(progress: Progress) -> Any:
    """Return a function that passes a question on and tells of it."""
    asked: list[None] = []

    def told(question: Any) -> Any:
        progress("counting", len(asked) / _STEPS)
        asked.append(None)
        return question

    return told


def _frequent(found: Engine, table: Any, by: str) -> list[str] | None:
    names = [row[by] for row in found.answer(questions.frequent(table, by))]
    return names if len(names) == questions.MOST_NAMES else None


def _cells(found: Engine, question: Any) -> tuple[Cell, ...]:
    return tuple(Cell(**row) for row in found.answer(question))


def _sizes(found: Engine, question: Any) -> Sizes | None:
    (row,) = found.answer(question)
    return Sizes(**{key: int(value) for key, value in row.items()}) if row["requests"] else None


def _replayed(
    found: Engine, table: Any, stacks: Sequence[ReplayStack], people: Sequence[Person], progress: Progress
) -> tuple[Replayed, ...]:
    rows = found.replay(questions.to_replay(table), stacks, {item.person: item.calls for item in people}, progress)
    return tuple(
        Replayed(
            row["person"], row["option"], row["pace"], tuple(row[name] for name in COUNTS), row["seconds"], row["usd"]
        )
        for row in rows
    )
