"""The agent's primary model does not exist on its server.

## What it does
Looks for the primary model among the server's definitions.

## Why it matters
Nobody checks the name: the configuration is accepted, and every request ends with "model not found". A model that was
renamed or deleted leaves the agent pointing at nothing.

## Fix safety
Manual: which model is meant is for a person to say.

## Sources
OpenClaw 2026.9.6 (`config set agents.defaults.model.primary` takes any name); Ollama (404, model not found).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.server import Server, ServerKind
from truelimit.limits.names import normalise
from truelimit.rules.rule import Rule

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.limits.view import StackView


def check(view: StackView, route: Route, server: Server) -> Iterator[Finding]:
    """Yield one finding when the server knows models, and not this one."""
    names = [item.name for item in server.definitions]
    if server.kind is not ServerKind.OLLAMA or not names or not route.is_primary:
        return
    if normalise(route.model) in {normalise(name) for name in names}:
        return
    yield Finding(
        "CFG002",
        "model-not-on-server",
        Severity.FAILS,
        said(
            "The agent's primary model {model} does not exist on {server}, which has {names}",
            model=route.model,
            server=server.name,
            names=", ".join(names[:6]),
        )
        + (said(" and {names} more.", names=len(names) - 6) if len(names) > 6 else "."),
        view.stack.model,
        evidence=tuple(str(place) for place in route.references) or (str(route.primary_place),),
        fix=FixIdea(
            said("Name a model that exists"),
            Applicability.MANUAL,
            steps=(
                said(
                    "ollama pull {model}, or set the agent's primary model to one that the server has",
                    model=route.model,
                ),
            ),
        ),
    )


RULE = Rule("CFG002", "model-not-on-server", check, __doc__ or "")
