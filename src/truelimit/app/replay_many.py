"""Replay on many stacks at once, on as many cores as there are: NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from truelimit.workload.totals import Totals, totals

if TYPE_CHECKING:
    from truelimit.workload.columns import Columns
    from truelimit.workload.stack import ReplayStack

_FEW = 20_000  # requests below which a thread costs more than it saves


def replay_many(
    work: Columns, stacks: Sequence[ReplayStack], workers: int, progress: Callable[[int], None] | None = None
) -> list[Totals]:
    """Return the totals of each stack, in the order of ``stacks``. ``progress`` is told how many are done.

    Memory is some 40 bytes a request for each worker, whatever the number of stacks.
    """
    if workers <= 1 or len(work) < _FEW:
        return _in_order((totals(work, stack) for stack in stacks), progress)
    with ThreadPoolExecutor(workers) as pool:
        return _in_order(pool.map(partial(totals, work), stacks), progress)


def _in_order(results: Iterable[Totals], progress: Callable[[int], None] | None) -> list[Totals]:
    found: list[Totals] = []
    for item in results:
        found.append(item)
        if progress is not None:
            progress(len(found))
    return found
