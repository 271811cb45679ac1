"""The server's default context is smaller than the agent's own base prompt.

## What it does
Where neither the definition nor the request sets a context, the server's default holds. Compares it with the smallest
prompt that this agent was seen to send, or with the agent's known base prompt.

## Why it matters
With 4,096 tokens the tools and the system prompt of an agent are cut before the first word of the user. The answer is
HTTP 200 and nonsense.

## Fix safety
As CTX001: safe when the larger cache fits.

## Sources
Ollama (2,048 before 0.6.7, 4,096 to 0.15.4, memory tiers from 0.15.5); OpenClaw's base prompt of
8,700 to 10,000 tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.limits import Origin, SetBy
from truelimit.domain.message import said
from truelimit.domain.session import Cause
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, caused_by, ids, tokens

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.domain.provenance import Known
    from truelimit.limits.view import StackView
    from truelimit.units import Tokens


def check(view: StackView, route: Route, served: Known[Tokens]) -> Iterator[Finding]:
    """Yield one finding when a default serves less than the agent's base prompt."""
    by_default = [rung for rung in view.context.rungs if rung.set_by is SetBy.SERVER_DEFAULT]
    if not by_default or min(rung.value for rung in by_default) != served.value:
        return
    if route.base_prompt is None or route.base_prompt.value <= served.value:
        return
    base = term("base_prompt", route.base_prompt, "tokens")
    short = calculate("base_prompt - served_context", "tokens", base, term("served_context", served, "tokens"))
    hit = caused_by(view.incidents, Cause.TRUNCATION, Cause.OVERFLOW)
    yield Finding(
        "CTX007",
        "default-under-agent-prompt",
        Severity.FAILS,
        said(
            "The server's default of {served} tokens is smaller than this agent's own prompt of about "
            "{base}: every request is cut or refused.",
            served=tokens(served.value),
            base=tokens(base.value),
        ),
        view.stack.model,
        evidence=(served.where, base.source),
        calculations=(short,),
        fix=raise_window(route, view.server, view.definition, view.target),
        origin=Origin.SERVER_DEFAULT,
        incidents=ids(hit),
    )


RULE = Rule("CTX007", "default-under-agent-prompt", check, __doc__ or "")
