"""Shares of the work by outcome and by class: as requests, tokens and hours, with counts and intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from truelimit.domain.workload import WorkRequest

_Z90 = 1.6448536269514722  # the normal quantile of a two-sided interval of 90 %


@dataclass(frozen=True, slots=True)
class Share:
    """One group: requests, turns, prompt tokens and seconds in it, and its shares of all (0 to 1; None: no total).

    ``low`` and ``high`` bound the share of requests with 90 %, as if they were drawn independently: requests of one
    turn are not, so ``turns`` is the number to believe in where it is small.
    """

    name: str
    requests: int
    turns: int
    tokens: int
    seconds: float
    of_requests: float
    low: float
    high: float
    of_tokens: float | None
    of_seconds: float | None


def shares(requests: Iterable[WorkRequest], key: Callable[[WorkRequest], str]) -> list[Share]:
    """Return the groups of requests by a key, the largest first. Unknown tokens and durations count as nothing."""
    groups: dict[str, list[WorkRequest]] = {}
    for item in requests:
        groups.setdefault(key(item), []).append(item)
    everything = [item for group in groups.values() for item in group]
    tokens, seconds = _tokens(everything), _seconds(everything)
    found = [_share(name, group, len(everything), tokens, seconds) for name, group in groups.items()]
    return sorted(found, key=lambda item: (-item.requests, item.name))


def _share(name: str, group: list[WorkRequest], count: int, tokens: int, seconds: float) -> Share:
    low, high = wilson(len(group), count)
    own_tokens, own_seconds = _tokens(group), _seconds(group)
    turns = len({item.turn or item.id for item in group})
    return Share(
        name,
        len(group),
        turns,
        own_tokens,
        own_seconds,
        len(group) / count,
        low,
        high,
        own_tokens / tokens if tokens else None,
        own_seconds / seconds if seconds else None,
    )


def wilson(hits: float, count: float) -> tuple[float, float]:
    """Return the 90 % interval of a share (E. B. Wilson, 1927). Without any count it is the whole of 0 to 1."""
    if count <= 0:
        return 0.0, 1.0
    share, square = hits / count, _Z90**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z90 * math.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))  # not off by a rounding


def _tokens(items: Iterable[WorkRequest]) -> int:
    return sum(item.prompt_tokens or 0 for item in items)


def _seconds(items: Iterable[WorkRequest]) -> float:
    return math.fsum(item.duration or 0.0 for item in items)
