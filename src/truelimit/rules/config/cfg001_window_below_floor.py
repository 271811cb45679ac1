"""The window is so small that the agent refuses every run.

## What it does
Compares the window that the agent believes in with the smallest one with which this version runs at all.

## Why it matters
Each request ends at once with "context window too small", however good model and server are; the configuration was
accepted without a word.

## Fix safety
As CTX001: safe when the larger cache fits in memory.

## Sources
OpenClaw 2026.2.17 (16,000 tokens) and 2026.9.6 (4,000).
"""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.domain.agent import Route
from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.session import ErrorKind
from truelimit.limits.view import StackView
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, tokens


def check(view: StackView, route: Route) -> Iterator[Finding]:
    """Yield one finding when agent_context lies below the agent's own floor."""
    window, floor = route.agent_context, route.window_floor
    if floor is None or window.value >= floor.value:
        return
    terms = (term("floor", floor, "tokens"), term("agent_context", window, "tokens"))
    short = calculate("floor - agent_context", "tokens", *terms)
    refused = [item.id for item in view.incidents if item.error and item.error.kind is ErrorKind.WINDOW_TOO_SMALL]
    yield Finding(
        "CFG001",
        "window-below-floor",
        Severity.FAILS,
        f"The agent refuses every run: its window of {tokens(window.value)} tokens is {tokens(short.result)} below the "
        f"{tokens(floor.value)} that it asks for.",
        view.stack.model,
        evidence=(window.where, floor.where),
        calculations=(short,),
        fix=raise_window(route, view.server, view.definition, view.target),
        incidents=tuple(refused),
    )


RULE = Rule("CFG001", "window-below-floor", check, __doc__ or "")
