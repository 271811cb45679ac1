"""The prompt cache is too small for two conversations.

## What it does
Compares the cache of one conversation at its real size with the host prompt cache of the engine; looks for the log line
with which the engine throws a conversation away.

## Why it matters
Two agents, or one agent and its title generator, take turns on one slot. What does not fit in the prompt cache is read
again from the first token at every turn.

## Fix safety
Manual: the cache takes main memory, which may be the accelerator's too.

## Sources
llama-server (--cache-ram, 8,192 MiB by default; "prompt state size exceeds cache size limit, skipping").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.server import CacheEntryRefused, Event
from truelimit.rules.rule import Rule
from truelimit.units import MIB, to_mib

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


def check(view: StackView, events: tuple[Event, ...]) -> Iterator[Finding]:
    """Yield one finding when the log shows a conversation that was thrown away."""
    refused = [event for event in events if isinstance(event, CacheEntryRefused)]
    if not refused:
        return
    largest = max(refused, key=lambda event: event.size)
    size = Term("conversation", to_mib(largest.size), "MiB", largest.where, Basis.REPORTED)
    limit = Term("prompt_cache", to_mib(largest.limit), "MiB", largest.where, Basis.REPORTED)
    over = calculate("conversation - prompt_cache", "MiB", size, limit)
    needed = -(-2 * largest.size // MIB)
    yield Finding(
        "MEM003",
        "prompt-cache-too-small",
        Severity.DEGRADES,
        said(
            "{refused} times a conversation of up to {size:,.0f} MiB did not fit in the prompt cache of "
            "{limit:,.0f} MiB: its next turn was read again from the first token.",
            refused=len(refused),
            size=size.value,
            limit=limit.value,
        ),
        view.stack.model,
        evidence=(largest.where,),
        calculations=(over,),
        fix=FixIdea(
            said("Give the prompt cache room for two conversations"),
            Applicability.MANUAL,
            steps=(
                said(
                    "--cache-ram {needed} (llama-server) or LLAMA_ARG_CACHE_RAM={needed} (Ollama 0.30 and later)",
                    needed=needed,
                ),
            ),
        ),
    )


RULE = Rule("MEM003", "prompt-cache-too-small", check, __doc__ or "")
