"""Replies of a server whose costs are known, for tests of what is made of them."""

from __future__ import annotations

from truelimit.bench.nouns import Observation, Purpose, Reply
from truelimit.units import Seconds, Tokens

A, B, C, D = 0.0004, 2e-8, 0.012, 1e-7


def read_seconds(tokens: int, depth: int = 0) -> float:
    return A * tokens + B * (tokens * depth + tokens * tokens / 2)


def reply(tokens: int, *, cached: int = 0, wrote: int = 64, factor: float = 1.0, **changes: object) -> Reply:
    read = read_seconds(tokens - cached, cached) * factor
    timed = max(0, wrote - 1)
    write = (C * timed + D * (timed * tokens + timed * timed / 2)) * factor
    values: dict[str, object] = {
        "headers_seconds": Seconds(0.01),
        "first_token_seconds": Seconds(read + 0.01),
        "last_token_seconds": Seconds(read + write + 0.01),
        "total_seconds": Seconds(read + write + 0.02),
        "prompt_tokens": Tokens(tokens),
        "cached_tokens": Tokens(cached),
        "prefill_seconds": Seconds(read),
        "written": Tokens(wrote),
        "timed": Tokens(timed),
        "decode_seconds": Seconds(write),
        "where": "http://x/completion",
    }
    return Reply(**(values | changes))  # type: ignore[arg-type]


def seen(
    tokens: int, run: int = 0, purpose: Purpose = Purpose.MEASURE, depth: int | None = None, **changes: object
) -> Observation:
    return Observation(purpose, Tokens(depth or tokens), run, reply(tokens, **changes))  # type: ignore[arg-type]
