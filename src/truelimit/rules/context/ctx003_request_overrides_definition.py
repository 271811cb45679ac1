"""The agent's num_ctx overrides the model definition.

## What it does
Compares the num_ctx that the agent sends with each request to the one in the server's definition of the model. A
request for less is told always, one for more where memory does not hold it.

## Why it matters
Whoever raises the context by making a new definition changes nothing: a request's num_ctx wins, and a value that
differs from the loaded one makes the server unload and load the model again (losing the prefix cache).

## Fix safety
The edit is the agent's own key. Safe when the larger cache fits in memory.

## Sources
Ollama (precedence of num_ctx: request, definition, environment, default); OpenClaw 2026.2.17 (contextWindow is
sent as num_ctx).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.message import said
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, tokens

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.domain.server import Definition
    from truelimit.limits.view import StackView


def check(view: StackView, route: Route, definition: Definition) -> Iterator[Finding]:
    """Yield one finding when the request asks for less than the definition sets, or for more than memory holds."""
    sent, defined = route.request_context, definition.num_ctx
    if sent is None or defined is None or sent.value == defined.value:
        return
    if sent.value > defined.value and not _too_much(view):
        return
    change = calculate(
        "num_ctx_sent - num_ctx_defined",
        "tokens",
        term("num_ctx_sent", sent, "tokens"),
        term("num_ctx_defined", defined, "tokens"),
    )
    yield Finding(
        "CTX003",
        "request-overrides-definition",
        Severity.DEGRADES if sent.value < defined.value else Severity.NOTE,
        said(
            "Each request asks for num_ctx {sent}, so the {defined} in the definition of {definition} never holds.",
            sent=tokens(sent.value),
            defined=tokens(defined.value),
            definition=definition.name,
        ),
        view.stack.model,
        evidence=(said("sent: {where}", where=sent.where), said("defined: {where}", where=defined.where)),
        calculations=(change,),
        fix=raise_window(route, view.server, definition, view.target) if sent.value < defined.value else None,
    )


def _too_much(view: StackView) -> bool:
    return view.memory.headroom is not None and view.memory.headroom < 0


RULE = Rule("CTX003", "request-overrides-definition", check, __doc__ or "")
