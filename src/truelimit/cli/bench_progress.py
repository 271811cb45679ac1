"""A progress bar on standard error while a benchmark runs, only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truelimit.cli.speech import tell
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.bench_ports import Teller


def _silent(doing: str, share: float, to_go: float | None) -> None:
    """Tell nobody."""


@contextmanager
def told(*, quiet: bool) -> Iterator[Teller]:
    """Yield somebody to tell: a bar on a terminal, nobody with ``quiet`` or where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[eta]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("bench", total=1.0, eta="")

        def show(doing: str, share: float, to_go: float | None) -> None:
            eta = "" if to_go is None else said("about {max:,.0f} s to go", max=max(0.0, to_go))
            bar.update(task, description=tell(doing), completed=min(1.0, max(0.0, share)), eta=tell(eta))

        yield show
