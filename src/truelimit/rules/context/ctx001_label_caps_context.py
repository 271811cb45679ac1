"""A number that is no limit of the model caps the context.

## What it does
Compares the limit that binds with what the model was trained for and what fits in memory. Where a lower number has no
physical reason, it names where that number came from, and why its rivals are excluded: a label in the model's name, a
constant of Ollama's launcher, a discovered default, a fallback constant, an entry borrowed from a sibling, a cap in the
agent.

## Why it matters
A model that reads 262,144 tokens is stopped at 131,072 because somebody's string said "128k". Prompts beyond it are
refused, cut silently or compacted away, and the hardware gets the blame.

## Fix safety
Safe when the memory estimate says that the cache of the larger context fits beside weights, buffers and operating
system; otherwise unsafe. An entry that has to be added for a discovered model is unsafe where it would hide others from
discovery. A larger window makes longer prompts possible, not faster: see TIM001.

## Sources
OpenClaw 2026.2.17 and 2026.9.6 (how a window is resolved); Ollama's launcher of 0.15.2 to 0.16.3; the model's header.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.limits import LimitKind, Origin
from truelimit.domain.message import capital, said
from truelimit.limits.served import native_context
from truelimit.limits.words import rung_words
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, ids, over_the_limit, rung_term, tokens

if TYPE_CHECKING:
    from truelimit.limits.origin import OriginVerdict
    from truelimit.limits.target import Target
    from truelimit.limits.view import StackView

_NOT_HERE = {Origin.USER_CONFIG, Origin.SERVER_DEFAULT, Origin.SLOTS}


def check(view: StackView, origin: OriginVerdict, target: Target) -> Iterator[Finding]:
    """Yield one finding when the binding limit is not physical, nobody chose it, and more fits."""
    limit, native = view.context.binding, native_context(view.stack)
    if limit is None or native is None or limit.kind is LimitKind.PHYSICAL:
        return
    origin = view.limit_origin or origin
    if limit.value >= target.context or origin.origin in _NOT_HERE:
        return
    lost = calculate(
        "native_context - limit",
        "tokens",
        term("native_context", native, "tokens"),
        rung_term("limit", limit, "tokens"),
    )
    hit = over_the_limit(view.incidents, limit.value)
    yield Finding(
        "CTX001",
        "label-caps-context",
        Severity.FAILS if hit else Severity.DEGRADES,
        said(
            "{limit} tokens is no limit of this model: it was trained for {native}, and {fits}. {reason}.",
            limit=tokens(limit.value),
            native=tokens(native.value),
            fits=_fits(target),
            reason=capital(origin.reason),
        ),
        view.stack.model,
        evidence=tuple(
            said(
                "{limit} = {tokens}: {place}", limit=rung_words(rung.name), tokens=tokens(rung.value), place=rung.where
            )
            for rung in (limit, *view.context.tied)
        ),
        calculations=(lost,),
        fix=raise_window(view.route, view.server, view.definition, target),
        origin=origin.origin,
        excluded=origin.excluded,
        incidents=ids(hit),
    )


def _fits(target: Target) -> str:
    if target.fits is None:
        return said("whether memory holds so many is not known")
    return said("{context} fit in memory here", context=tokens(target.context))


RULE = Rule("CTX001", "label-caps-context", check, __doc__ or "")
