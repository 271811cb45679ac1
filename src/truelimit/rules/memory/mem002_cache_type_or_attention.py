"""The cache type or a missing flash attention costs memory.

## What it does
Computes the memory of this stack with flash attention off against on, and with the cache in f16 against q8_0, where
memory is what stops the context or an engine ran out of it.

## Why it matters
Without flash attention the compute buffer grows with every token of context: 16.5 GiB at 262,144 tokens for a 30B
model. A q8_0 cache halves the largest part that grows.

## Fix safety
Manual: these are settings of the server (OLLAMA_FLASH_ATTENTION, OLLAMA_KV_CACHE_TYPE, --flash-attn, --cache-type-k/v),
hold for all its models, and q8_0 changes answers slightly.

## Sources
llama.cpp b11549 (compute buffers measured with and without); block sizes of ggml.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Server, ServerKind
from truelimit.limits.need import memory_need, memory_settings
from truelimit.rules.rule import Rule, tokens
from truelimit.units import MIB, Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.domain.limits import MemoryLadder
    from truelimit.limits.view import StackView

_WORTH = 512 * MIB  # less is not worth a setting


def check(view: StackView, server: Server, served: Known[Tokens], memory: MemoryLadder) -> Iterator[Finding]:
    """Yield a finding for each of the two settings that costs memory that is needed."""
    now = memory_settings(view.stack, served.value)
    if not now.flash_attention:
        yield from _saving(
            view, served, said("flash attention off"), True, None, Severity.DEGRADES, _attention_step(server)
        )
        return  # a quantised cache needs flash attention
    tight = memory.headroom is not None and memory.headroom < 0
    if tight and now.cache.kv_type_k in {"f16", "bf16", "f32"}:
        yield from _saving(view, served, said("cache in f16"), None, "q8_0", Severity.DEGRADES, _type_step(server))


def _saving(
    view: StackView,
    served: Known[Tokens],
    what: str,
    flash_attention: bool | None,
    kv_type: str | None,
    severity: Severity,
    step: str,
) -> Iterator[Finding]:
    now = memory_need(view.stack, served.value)
    then = memory_need(view.stack, served.value, kv_type=kv_type, flash_attention=flash_attention)
    if now is None or then is None or now.total - then.total < _WORTH:
        return
    where = said("memory of this stack at {served} tokens", served=tokens(served.value))
    terms = (
        Term("total_now", to_gib(now.total), "GiB", where, Basis.DERIVED),
        Term("total_then", to_gib(then.total), "GiB", where, Basis.DERIVED),
    )
    saved = calculate("total_now - total_then", "GiB", *terms)
    yield Finding(
        "MEM002",
        "cache-type-or-attention",
        severity,
        said(
            "{what} costs {result:.1f} GiB at {served} tokens.",
            what=what,
            result=saved.result,
            served=tokens(served.value),
        ),
        view.stack.model,
        evidence=(where,),
        calculations=(saved,),
        fix=FixIdea(said("Save {result:.1f} GiB", result=saved.result), Applicability.MANUAL, steps=(step,)),
    )


def _attention_step(server: Server) -> str:
    if server.kind is ServerKind.OLLAMA:
        return said("set OLLAMA_FLASH_ATTENTION=1 for the server and restart it")
    return said("restart llama-server with --flash-attn on")


def _type_step(server: Server) -> str:
    if server.kind is ServerKind.OLLAMA:
        return said("set OLLAMA_KV_CACHE_TYPE=q8_0 (and OLLAMA_FLASH_ATTENTION=1) for the server and restart it")
    return said("restart llama-server with --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on")


RULE = Rule("MEM002", "cache-type-or-attention", check, __doc__ or "")
