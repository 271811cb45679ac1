"""A context above the model's own length wastes memory.

## What it does
Compares the context that was asked for with the model's native context.

## Why it matters
llama-server allocates the cache for the whole of --ctx-size and then caps each slot at what the model was trained for:
half of the cache can lie idle, in silence. Ollama clamps, and only its log says so.

## Fix safety
Manual on llama-server (a restart with another --ctx-size); the definition's num_ctx can be lowered by hand.

## Sources
llama-server b11549 ("the slot context exceeds the training context of the model - capping"); Ollama 0.9.3 and later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import ContextChanged, Definition
from truelimit.limits.need import memory_need
from truelimit.limits.served import native_context
from truelimit.rules.rule import Rule, tokens
from truelimit.units import Tokens, to_mib

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


def check(view: StackView) -> Iterator[Finding]:
    """Yield one finding when more context was asked for than the model was trained for."""
    native, asked = native_context(view.stack), _asked(view)
    if native is None or asked is None or asked.value <= native.value:
        return
    yield Finding(
        "MEM001",
        "context-above-native",
        Severity.DEGRADES,
        said(
            "{asked} tokens are asked for, the model was trained for {native}: the rest is "
            "never used, and an engine that allocates it wastes the memory.",
            asked=tokens(asked.value),
            native=tokens(native.value),
        ),
        view.stack.model,
        evidence=(asked.where, native.where),
        calculations=_wasted(view, asked, native),
        fix=FixIdea(
            said("Ask for {native} tokens", native=tokens(native.value)),
            Applicability.MANUAL,
            steps=(
                said(
                    "set num_ctx or --ctx-size to {native} where {where} sets {asked}",
                    native=native.value,
                    where=asked.where,
                    asked=asked.value,
                ),
            ),
        ),
    )


def _asked(view: StackView) -> Known[Tokens] | None:
    route, definition = view.route, view.definition
    capped = [
        event for event in view.events if isinstance(event, ContextChanged) and event.reason.startswith(("cl", "cap"))
    ]
    asked = [Known(event.asked, event.where, Basis.REPORTED) for event in capped[-1:]]
    sent = route.request_context if route is not None else None
    asked += [item for item in (sent, _defined(definition)) if item is not None]
    return max(asked, key=lambda item: item.value, default=None)


def _defined(definition: Definition | None) -> Known[Tokens] | None:
    return definition.num_ctx if definition else None


def _wasted(view: StackView, asked: Known[Tokens], native: Known[Tokens]) -> tuple[Calculation, ...]:
    more, enough = memory_need(view.stack, asked.value), memory_need(view.stack, native.value)
    if more is None or enough is None:
        return ()
    where = said("KV cache of this model (see the guide on memory)")
    terms = (
        Term("cache_asked", to_mib(more.kv_cache), "MiB", where, Basis.DERIVED),
        Term("cache_usable", to_mib(enough.kv_cache), "MiB", where, Basis.DERIVED),
    )
    return (calculate("cache_asked - cache_usable", "MiB", *terms),)


RULE = Rule("MEM001", "context-above-native", check, __doc__ or "")
