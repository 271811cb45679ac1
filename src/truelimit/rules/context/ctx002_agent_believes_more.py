"""The agent believes in more context than the server gives.

## What it does
Compares agent_context with served_context. Looks for the fingerprints of a silent cut: prompt counts that stop at the
served context (Ollama up to 0.24), at half of it plus 2 (from 0.30.11), or at one less (0.30.0 to 0.30.8).

## Why it matters
The agent never compacts, because it thinks that there is room. The server cuts the oldest messages without a word (the
answer is HTTP 200), or refuses. The agent forgets its task and nobody sees why.

## Fix safety
Raising the server is safe when the larger cache fits in memory. Where it does not fit, or where only a person can raise
the server (llama-server must be started anew), the agent is lowered to what the server gives: safe, because that only
makes visible what happens anyway.

## Sources
Ollama 0.11.4, 0.24.0 and 0.33.0 (truncation); OpenClaw 2026.9.6 sends no num_ctx for an explicit contextWindow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.session import Cause
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, caused_by, ids, tokens
from truelimit.rules.window_edits import window_edits

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.domain.provenance import Known
    from truelimit.limits.view import StackView
    from truelimit.units import Tokens


def check(view: StackView, route: Route, served: Known[Tokens]) -> Iterator[Finding]:
    """Yield one finding when agent_context exceeds served_context."""
    believed = route.agent_context
    if believed.value <= served.value:
        return
    gap = calculate(
        "agent_context - served_context",
        "tokens",
        term("agent_context", believed, "tokens"),
        term("served_context", served, "tokens"),
    )
    hit = caused_by(view.incidents, Cause.TRUNCATION, Cause.OVERFLOW)
    yield Finding(
        "CTX002",
        "agent-believes-more",
        Severity.FAILS if hit else Severity.DEGRADES,
        said(
            "The agent plans with {believed} tokens, the server gives {served}: the last {result} do not exist. ",
            believed=tokens(believed.value),
            served=tokens(served.value),
            result=tokens(gap.result),
        )
        + (
            said("The evidence shows prompts that were cut or refused there.")
            if hit
            else said("No request has hit it yet.")
        ),
        view.stack.model,
        evidence=(said("agent: {where}", where=believed.where), said("server: {where}", where=served.where)),
        calculations=(gap,),
        fix=_fix(view, route, served),
        origin=view.served_origin.origin if view.served_origin else None,
        incidents=ids(hit),
    )


def _fix(view: StackView, route: Route, served: Known[Tokens]) -> FixIdea | None:
    """Raise the server where a change of ours can do it; else lower the agent, and say what raises the server."""
    target, raised = view.target, None
    if target is not None and target.fits is not False and target.context > served.value:
        raised = raise_window(route, view.server, view.definition, target)
        if raised is not None and raised.edits:
            return raised
    return _lowered(route, served, raised.steps if raised is not None else ()) or raised


def _lowered(route: Route, served: Known[Tokens], steps: tuple[str, ...]) -> FixIdea | None:
    """Not where the agent could not work in so small a window at all."""
    least = max((item.value for item in (route.window_floor, route.base_prompt) if item is not None), default=0)
    edits = window_edits(route, served.value)
    if not edits or served.value < least:
        return None
    title = said("Lower the agent to the {served} tokens that the server gives", served=tokens(served.value))
    return FixIdea(title, Applicability.SAFE, tuple(edits), steps)


RULE = Rule("CTX002", "agent-believes-more", check, __doc__ or "")
