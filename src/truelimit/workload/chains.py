"""Chains of attempts: what an agent asked once, however often it tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from truelimit.domain.workload import WorkRequest
from truelimit.units import Seconds, Tokens


def folded(requests: Iterable[WorkRequest]) -> list[WorkRequest]:
    """Return the requests without retries: each begins with its first attempt and ends as its last one did.

    The duration (s) is that of all attempts together, pauses included; the answer is the last attempt's, the prompt
    the largest that any of them tells, and what the cache held is what the first one found. A retry whose first
    attempt is not among the requests stands for itself.
    """
    items = list(requests)
    before: dict[str, str] = {item.id: item.retry_of for item in items if item.retry_of is not None}
    if not before:
        return items
    groups: dict[str, list[WorkRequest]] = {}
    for item in items:
        groups.setdefault(root(item.id, before), []).append(item)
    return [_fold(group) for group in groups.values()]


def root(name: str, before: Mapping[str, str]) -> str:
    """Return the first attempt that a request goes back to; ``before`` names what each attempt repeats."""
    seen = {name}
    while name in before and before[name] not in seen:
        name = before[name]
        seen.add(name)
    return name


def _fold(group: list[WorkRequest]) -> WorkRequest:
    if len(group) == 1:
        return replace(group[0], retry_of=None) if group[0].retry_of else group[0]
    ordered = sorted(group, key=lambda item: (item.retry_of is not None, _stamp(item)))
    head, last = ordered[0], ordered[-1]
    sizes = [item.prompt_tokens for item in group if item.prompt_tokens is not None]
    return replace(
        head,
        retry_of=None,
        prompt_tokens=Tokens(max(sizes)) if sizes else None,
        output_tokens=last.output_tokens,
        duration=_together(head, last),
        ending=last.ending,
        files_read=max(item.files_read for item in group),
        files_edited=max(item.files_edited for item in group),
        private=True if any(item.private for item in group) else head.private,
    )


def _together(head: WorkRequest, last: WorkRequest) -> Seconds | None:
    if head.time is None or last.time is None or last.duration is None:
        return None
    return Seconds(max(0.0, _stamp(last) + last.duration - _stamp(head)))


def _stamp(item: WorkRequest) -> float:
    return item.time.timestamp() if item.time else 0.0
