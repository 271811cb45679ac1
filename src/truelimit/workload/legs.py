"""Replay of work that is split over several stacks: each part is a line of requests of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from truelimit.domain.workload import WorkRequest
from truelimit.workload.columns import Columns, Flags, asked, columns
from truelimit.workload.options import Leg
from truelimit.workload.replay import Replayed, replay
from truelimit.workload.stack import ReplayStack


@dataclass(frozen=True, slots=True)
class Work:
    """The requests of the work in order of time, and their columns. What nobody called private counts as private."""

    asked: tuple[WorkRequest, ...]
    columns: Columns

    def part(self, picked: Flags) -> Columns:
        """Return the columns of some of the requests, as if the others had never been asked."""
        return columns([item for item, wanted in zip(self.asked, picked.tolist(), strict=True) if wanted])


def work_of(requests: Sequence[WorkRequest]) -> Work:
    """Return the work of requests; the agent's retries are part of what they repeat."""
    items = tuple(asked(requests))
    return Work(items, columns(items))


def replay_legs(work: Work, legs: Sequence[Leg], pace: int = 0) -> Replayed:
    """Return what becomes of each request of the work; ``pace`` -1: at the slow end of the rates, 1: at the fast one.

    A request that no leg picks is unknown. The array of a private request's stack decides whether it may go there.
    """
    if len(legs) == 1 and legs[0].picked is None:
        return replay(work.columns, _paced(legs[0].stack, pace))
    whole = Replayed(np.full(len(work.asked), 7, np.uint8), *(np.zeros(len(work.asked), np.float32) for _ in range(4)))
    for leg in legs:
        picked = leg.picked if leg.picked is not None else np.ones(len(work.asked), bool)
        part = replay(work.part(picked), _paced(leg.stack, pace))
        for field in fields(Replayed):
            getattr(whole, field.name)[picked] = getattr(part, field.name)
    return whole


def _paced(stack: ReplayStack, pace: int) -> ReplayStack:
    return stack.slower() if pace < 0 else stack.faster() if pace > 0 else stack
