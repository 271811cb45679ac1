"""Shares of the work by class, outcome, agent and model, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truelimit.workload.shares import Share
    from truelimit.workload.summary import TurnShare, Unclassed


def share_json(item: Share) -> dict[str, object]:
    """Return a group over requests: its counts, seconds, and shares from 0 to 1."""
    return {
        "name": item.name, "requests": item.requests, "turns": item.turns, "tokens": item.tokens,
        "seconds": item.seconds, "of_requests": item.of_requests, "low": item.low, "high": item.high,
        "of_tokens": item.of_tokens, "of_seconds": item.of_seconds,
    }  # fmt: skip


def calls_json(item: Share) -> dict[str, object]:
    """Return a group over calls: repeats of a request count, so its ``requests`` (an older name) are calls."""
    return {**share_json(item), "calls": item.requests, "of_calls": item.of_requests}


def turn_json(item: TurnShare) -> dict[str, object]:
    """Return the turns of a class with their share of the turns whose class is known."""
    return {"name": item.name, "turns": item.turns, "of_turns": item.of_turns, "low": item.low, "high": item.high}


def unclassed_json(lost: Unclassed) -> dict[str, object]:
    """Return requests that are in no share of classes, for scripts."""
    return {
        "requests": lost.requests, "turns": lost.turns, "prompt_tokens": lost.tokens, "seconds": lost.seconds,
        "in_shares": False,
    }  # fmt: skip
