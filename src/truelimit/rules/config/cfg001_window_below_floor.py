"""The window is so small that the agent refuses every run.

## What it does
Compares the window that the agent believes in with the smallest one with which this version runs at all.

## Why it matters
Each request ends at once with "context window too small", however good model and server are; the configuration was
accepted without a word.

## Fix safety
As CTX001: safe when the larger cache fits in memory. Where the model was trained for less than the floor, or memory
holds less, no number in the configuration helps: another model does.

## Sources
OpenClaw 2026.2.17 (16,000 tokens) and 2026.9.6 (4,000).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.session import ErrorKind
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, tokens

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.limits.view import StackView


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
        said(
            "The agent refuses every run: its window of {window} tokens is {result} below the "
            "{floor} that it asks for.",
            window=tokens(window.value),
            result=tokens(short.result),
            floor=tokens(floor.value),
        ),
        view.stack.model,
        evidence=(window.where, floor.where),
        calculations=(short,),
        fix=_fix(view, route, floor.value),
        incidents=tuple(refused),
    )


def _fix(view: StackView, route: Route, floor: int) -> FixIdea | None:
    """Raising the window mends this only where the model and the memory reach the floor."""
    target = view.target
    if target is None or (target.fits is not False and target.context >= floor):
        return raise_window(route, view.server, view.definition, target)
    step = said(
        "use a model that reaches {floor} tokens here: with this one, {why}", floor=tokens(floor), why=target.why
    )
    return FixIdea(said("Give the agent a model with a larger window"), Applicability.MANUAL, steps=(step,))


RULE = Rule("CFG001", "window-below-floor", check, __doc__ or "")
