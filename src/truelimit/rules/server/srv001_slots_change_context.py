"""Slots divide the context, or multiply the memory.

## What it does
Reads how many requests the server takes at once and what that does: llama-server with --parallel N gives each slot a
N-th of --ctx-size; Ollama allocates the context N times.

## Why it matters
The user set 131,072 and each request gets 32,768; or the memory for four agents is taken by one.

## Fix safety
Manual: a restart of the server with another number.

## Sources
llama-server b10434 and b11549 (-np); Ollama (OLLAMA_NUM_PARALLEL; 1 by default from 0.10.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, calculate, term
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.limits import Origin
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Server, ServerKind
from truelimit.domain.session import Cause
from truelimit.limits.need import memory_need
from truelimit.rules.rule import Rule, caused_by, ids, tokens
from truelimit.units import Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


def check(view: StackView, server: Server, served: Known[Tokens]) -> Iterator[Finding]:
    """Yield one finding when more than one slot is paid for."""
    slots = server.settings.parallel
    unified = server.settings.unified_kv
    if slots is None or slots.value < 2 or (unified is not None and unified.value):
        return
    if server.kind is ServerKind.LLAMA_SERVER:
        yield _divided(view, served, slots)
    elif (finding := _multiplied(view, served, slots)) is not None:
        yield finding


def _divided(view: StackView, served: Known[Tokens], slots: Known[int]) -> Finding:
    whole = calculate(
        "slot_context * slots", "tokens", term("slot_context", served, "tokens"), term("slots", slots, "slots")
    )
    return Finding(
        "SRV001",
        "slots-change-context",
        Severity.DEGRADES,
        said(
            "{slots} slots share {result} tokens: each request gets {served}.",
            slots=slots.value,
            result=tokens(whole.result),
            served=tokens(served.value),
        ),
        view.stack.model,
        evidence=(slots.where, served.where),
        calculations=(whole,),
        fix=FixIdea(
            said("Give one request the whole context"),
            Applicability.MANUAL,
            steps=(
                said(
                    "restart llama-server with --parallel 1, or with --ctx-size {result}",
                    result=round(whole.result) * slots.value,
                ),
            ),
        ),
        origin=Origin.SLOTS,
        incidents=ids(caused_by(view.incidents, Cause.OVERFLOW, Cause.TRUNCATION)),
    )


def _multiplied(view: StackView, served: Known[Tokens], slots: Known[int]) -> Finding | None:
    need = memory_need(view.stack, served.value)
    if need is None:
        return None
    cache = Term("cache", to_gib(need.kv_cache), "GiB", said("KV cache over all slots"), Basis.DERIVED)
    share = calculate("cache / slots", "GiB", cache, term("slots", slots, "slots"))
    return Finding(
        "SRV001",
        "slots-change-context",
        Severity.NOTE,
        said(
            "The cache is allocated for {slots} requests at once: {cache:.1f} GiB, of which one request can "
            "use {result:.1f}.",
            slots=slots.value,
            cache=cache.value,
            result=share.result,
        ),
        view.stack.model,
        evidence=(slots.where,),
        calculations=(share,),
        fix=FixIdea(
            said("Pay for one slot"),
            Applicability.MANUAL,
            steps=(said("set OLLAMA_NUM_PARALLEL=1 and restart the server"),),
        ),
        origin=Origin.SLOTS,
    )


RULE = Rule("SRV001", "slots-change-context", check, __doc__ or "")
