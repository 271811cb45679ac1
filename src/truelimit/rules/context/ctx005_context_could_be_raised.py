"""The context could be raised for free.

## What it does
Where the limit that binds was set on purpose or by a default, and memory would hold more, it says how much.

## Why it matters
The memory is paid for and idle. A longer window avoids compaction, which costs a full prefill each time.

## Fix safety
Safe when the memory estimate says that the larger cache fits; a note only, since nothing is wrong. Manual where a
person must start the server anew first: an agent raised before its server plans with tokens that do not exist.

## Sources
The memory estimate (see the guide on memory) and the model's header.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.limits import LimitKind, Origin
from truelimit.domain.message import said
from truelimit.limits.words import rung_words, told
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, ids, over_the_limit, rung_term, tokens

if TYPE_CHECKING:
    from truelimit.limits.target import Target
    from truelimit.limits.view import StackView

_FREE = {Origin.USER_CONFIG, Origin.SERVER_DEFAULT, Origin.SLOTS, None}


def check(view: StackView, target: Target) -> Iterator[Finding]:
    """Yield one finding when a chosen limit lies below what fits."""
    limit = view.context.binding
    origin = view.limit_origin.origin if view.limit_origin else None
    if limit is None or limit.kind is LimitKind.PHYSICAL or target.fits is not True or origin not in _FREE:
        return
    if limit.value >= target.context or limit.bounds != "prompt":
        return
    hit = over_the_limit(view.incidents, limit.value)
    gain = calculate("fits - limit", "tokens", target.term("fits"), rung_term("limit", limit, "tokens"))
    yield Finding(
        "CTX005",
        "context-could-be-raised",
        Severity.FAILS if hit else Severity.NOTE,
        said(
            "The context is held at {limit} tokens ({told}); "
            "{context} fit in memory here, {result} more, without new hardware.",
            limit=tokens(limit.value),
            told=told((limit, *view.context.tied)),
            context=tokens(target.context),
            result=tokens(gain.result),
        ),
        view.stack.model,
        evidence=tuple(
            said("{rung}: {where}", rung=rung_words(rung.name), where=rung.where)
            for rung in (limit, *view.context.tied)
        ),
        calculations=(gain,),
        fix=raise_window(view.route, view.server, view.definition, target),
        origin=origin,
        incidents=ids(hit),
    )


RULE = Rule("CTX005", "context-could-be-raised", check, __doc__ or "")
