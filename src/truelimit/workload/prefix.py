"""How much of the prompts a cache could have held, and how much one did.

By the rule of columns.py: an agent appends, so a prompt that grew starts with the one before it of its conversation and
the answer; one that shrank was rewritten, and then only what the recorded cache held is known to be common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from truelimit.domain.workload import WorkRequest
from truelimit.workload.columns import columns


@dataclass(frozen=True, slots=True)
class Prefix:
    """Tokens of prompts, over requests whose prompt is known; retries are left out.

    ``reusable``: what a cache with room for every conversation could have held; ``reusable_alone``: what a server with
    one slot and no other cache could, where the conversation was the last one it served. ``told``: requests of which
    the record tells what a cache held, ``told_tokens`` their prompts, ``cached`` what it held of them.
    """

    requests: int
    tokens: int
    reusable: int
    reusable_alone: int
    told: int
    told_tokens: int
    cached: int

    @property
    def share(self) -> float | None:
        """The share of prompt tokens that could be cached, 0 to 1; None without prompts."""
        return self.reusable / self.tokens if self.tokens else None

    @property
    def share_alone(self) -> float | None:
        """The same with one slot."""
        return self.reusable_alone / self.tokens if self.tokens else None

    @property
    def share_cached(self) -> float | None:
        """The share that was cached, of the prompts of which it is told; None where it is told of none."""
        return self.cached / self.told_tokens if self.told_tokens else None


def _of_one_model(item: WorkRequest) -> WorkRequest:
    """A cache holds what one model read: a conversation that changes models is one for each of them."""
    return replace(item, session=f"{item.session}\0{item.model}")


def prefix(requests: Sequence[WorkRequest]) -> Prefix:
    """Return what could be cached of requests in any order, and what was."""
    held = columns([_of_one_model(item) for item in requests])
    alone = held.others < 1
    told = [item for item in requests if item.prompt_tokens is not None and item.cached_tokens is not None]
    return Prefix(
        int(held.known.sum()),
        int(held.prompt.sum(dtype=np.float64)),
        int(held.reusable.sum(dtype=np.float64)),
        int(held.reusable[alone].sum(dtype=np.float64)),
        len(told),
        sum(item.prompt_tokens or 0 for item in told),
        sum(min(item.cached_tokens or 0, item.prompt_tokens or 0) for item in told),
    )
