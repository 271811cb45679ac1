"""How long those who ask wait before they give up: the stack's own walls, or those of each request's agent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from truelimit.workload.columns import Columns, Floats
from truelimit.workload.stack import AgentWalls, ReplayStack

NEVER = np.float32(1e30)  # s: stands for infinity in arrays, where infinity times 0 would be no number


@dataclass(frozen=True, slots=True)
class Patience:
    """Walls in seconds and the number of attempts: each one number for all requests, or one for each of them.

    ``first``: of one attempt until its first byte, never longer than ``total``, which is until its last;
    ``run``: of all attempts. ``endless``: nobody gives up.
    """

    first: np.float32 | Floats
    total: np.float32 | Floats
    run: np.float32 | Floats
    attempts: np.float32 | Floats

    @property
    def endless(self) -> bool:
        """Whether no wall stands anywhere."""
        return self.waits_for_ever and not _stands(self.run)

    @property
    def waits_for_ever(self) -> bool:
        """Whether no attempt ends at a wall of its own."""
        return not _stands(self.first)


def patience_of(rows: Columns, stack: ReplayStack) -> Patience:
    """Return the walls that stand for each request: its agent's, where the stack tells them."""
    own = AgentWalls(stack.first_wall, stack.total_wall, stack.run_wall, stack.attempts)
    if not stack.agents or not rows.agent.any():
        return Patience(*(np.float32(value) for value in (min(own.first, own.total), own.total, own.run, own.attempts)))
    walls = (own, *stack.agents)

    def each(values: list[float]) -> Floats:
        found: Floats = np.minimum(np.array(values), NEVER).astype(np.float32)[rows.agent]
        return found

    return Patience(
        each([min(item.first, item.total) for item in walls]),
        each([item.total for item in walls]),
        each([item.run for item in walls]),
        each([item.attempts for item in walls]),
    )


def _stands(wall: np.float32 | Floats) -> bool:
    return bool((wall < NEVER).any()) if isinstance(wall, np.ndarray) else not math.isinf(wall)
