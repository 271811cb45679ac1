"""A call that both an agent and a server recorded counts once: as the agent has it, which knows its turn.

What the server knows more of it is added: the size of a prompt that never came to an answer, what its cache held, the
time to the first token, and that it cut the prompt without a word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Tokens

SERVERS = frozenset({"ollama-log", "llama-server-log", "llama-swap"})
_SLACK = 5.0  # seconds: clocks of one machine, rounded to whole seconds in access lines
_CLOSE = 0.1  # two counts of one prompt differ by what a chat template adds
_BIN = 60


def joined(requests: Sequence[WorkRequest]) -> tuple[list[WorkRequest], int]:
    """Return the requests in their order without servers' records of calls that an agent recorded, and their number.

    A server's record is of an agent's call when that was under way at the time and the prompts, where both are known,
    differ by at most a tenth. One call of an agent may be several of a server: its client library tried again. What
    has no time is kept.
    """
    if not any(item.source in SERVERS for item in requests):
        return list(requests), 0
    under_way = _by_minute(item for item in requests if item.source not in SERVERS)
    told: dict[str, list[WorkRequest]] = defaultdict(list)
    kept = []
    for item in requests:
        other = _call_of(item, under_way) if item.source in SERVERS else None
        if other is None:
            kept.append(item)
        else:
            told[other.id].append(item)
    return [_with(item, told.get(item.id, [])) for item in kept], len(requests) - len(kept)


def _by_minute(items: Iterable[WorkRequest]) -> dict[int, list[WorkRequest]]:
    found: dict[int, list[WorkRequest]] = defaultdict(list)
    for item in items:
        if item.time is not None:
            begin, end = _window(item)
            for minute in range(int(begin // _BIN), int(end // _BIN) + 1):
                found[minute].append(item)
    return found


def _window(item: WorkRequest) -> tuple[float, float]:
    at = item.time.timestamp() if item.time else 0.0
    return at - _SLACK, at + (item.duration or 0.0) + _SLACK


def _call_of(item: WorkRequest, under_way: dict[int, list[WorkRequest]]) -> WorkRequest | None:
    """Return the agent's call that a server's record is of: the one that began last before it, or None."""
    if item.time is None:
        return None
    at, best = item.time.timestamp(), None
    for other in under_way.get(int(at // _BIN), ()):
        begin, end = _window(other)
        is_later = best is None or best.time is None or (other.time is not None and other.time > best.time)
        if begin <= at <= end and is_later and _may_be_same(item, other):
            best = other
    return best


def _may_be_same(item: WorkRequest, other: WorkRequest) -> bool:
    """Return whether the prompts may be one. An agent counts of a prompt that was cut what was left of it."""
    theirs = other.prompt_tokens
    if theirs is None or item.prompt_tokens is None:
        return True
    sizes = [item.prompt_tokens]
    if item.ending is Ending.TRUNCATED and item.cached_tokens is not None and item.new_tokens is not None:
        sizes.append(Tokens(item.cached_tokens + item.new_tokens))
    return any(abs(ours - theirs) <= _CLOSE * max(ours, theirs) for ours in sizes)


def _with(item: WorkRequest, servers: list[WorkRequest]) -> WorkRequest:
    """Return an agent's record with what a server knows more of it."""
    if not servers:
        return item
    prompts = [other.prompt_tokens for other in servers if other.prompt_tokens is not None]
    is_cut = any(other.ending is Ending.TRUNCATED for other in servers)
    prompt = max(prompts) if prompts and (item.prompt_tokens is None or is_cut) else item.prompt_tokens
    only = servers[0] if len(servers) == 1 else None
    cached = item.cached_tokens if item.cached_tokens is not None or only is None else only.cached_tokens
    fresh = item.new_tokens if item.new_tokens is not None or only is None else only.new_tokens
    first = item.first_token if item.first_token is not None or only is None else only.first_token
    ending = Ending.TRUNCATED if is_cut and item.ending is Ending.DONE else item.ending
    return replace(item, prompt_tokens=prompt, cached_tokens=cached, new_tokens=fresh, first_token=first, ending=ending)
