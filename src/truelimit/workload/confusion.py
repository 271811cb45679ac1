"""Does the replay of the recorded stack tell what was recorded: a confusion matrix, and the errors of durations.

Both sides are of whole requests: a replay retries as the agent did, and a row of the work is all attempts together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from truelimit.domain.workload import Ending, WorkRequest
from truelimit.workload.replay import Replayed
from truelimit.workload.stack import Outcome

# What a recorded ending must be in a replay. A person's cancel, a crash, and what no record tells are no prediction.
SAME = {
    Ending.DONE: Outcome.DONE,
    Ending.OVERFLOW: Outcome.OVERFLOW,
    Ending.TRUNCATED: Outcome.TRUNCATED,
    Ending.TIMED_OUT: Outcome.TIMED_OUT,
}
_SENT = {Outcome.DONE, Outcome.TRUNCATED, Outcome.TIMED_OUT}


@dataclass(frozen=True, slots=True)
class Confusion:
    """Recorded endings against replayed outcomes. ``counts`` has (ending, outcome, requests), none of them 0.

    ``judged`` requests have a recorded ending that a replay can tell and a known prompt; ``agreed`` have the same.
    ``timed`` of those that agree have a duration; ``median`` and ``p90`` are those of its relative errors,
    |replayed - recorded| / recorded, None where there is none.
    """

    counts: tuple[tuple[Ending, Outcome, int], ...]
    judged: int
    agreed: int
    timed: int
    median: float | None
    p90: float | None

    @property
    def accuracy(self) -> float | None:
        """The share that agrees, 0 to 1; None where nothing was judged."""
        return self.agreed / self.judged if self.judged else None


def confusion(asked: Sequence[WorkRequest], replayed: Replayed) -> Confusion:
    """Return how the replay of the recorded stack compares. ``asked`` are the requests of its rows, in their order."""
    counts: dict[tuple[Ending, Outcome], int] = {}
    errors: list[float] = []
    judged = agreed = 0
    outcomes, seconds = replayed.outcome.tolist(), replayed.seconds.tolist()
    for item, code, wait in zip(asked, outcomes, seconds, strict=True):
        outcome = Outcome(code)
        counts[item.ending, outcome] = counts.get((item.ending, outcome), 0) + 1
        wanted = SAME.get(item.ending)
        if wanted is None or outcome is Outcome.UNKNOWN:
            continue
        judged += 1
        agreed += outcome is wanted
        if outcome is wanted and outcome in _SENT and item.duration:
            errors.append(abs(wait - item.duration) / item.duration)
    ordered = sorted(errors)
    return Confusion(
        tuple((ending, outcome, count) for (ending, outcome), count in sorted(counts.items())),
        judged,
        agreed,
        len(ordered),
        _at(ordered, 0.5),
        _at(ordered, 0.9),
    )


def _at(ordered: Sequence[float], share: float) -> float | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
