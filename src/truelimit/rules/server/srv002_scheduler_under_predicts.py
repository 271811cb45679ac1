"""The scheduler predicts less memory than the model takes.

## What it does
Redoes the prediction by which Ollama from 0.30 decides what fits beside what: it takes the head size from embedding
length over heads and ignores the model's own key length. Compares it with the true cache. Only where a second model
is there that could be loaded beside this one, or the log shows that memory was short.

## Why it matters
For Qwen3-Coder-30B at 262,144 tokens it predicts 12 GiB of cache where 24 are allocated: a second model seems to fit,
the load fails, and everything is evicted.

## Fix safety
Manual: load one large model at a time.

## Sources
Ollama at 0.33.0-rc2, server/sched.go (prediction), and its log line "predicted to exceed available memory".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Engine, ModelEvicted, Server, ServerKind
from truelimit.limits.need import memory_need
from truelimit.rules.rule import Rule
from truelimit.units import GIB, Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader
    from truelimit.limits.view import StackView


def check(view: StackView, server: Server, header: ModelHeader, served: Known[Tokens]) -> Iterator[Finding]:
    """Yield one finding when the prediction falls short by 1 GiB or more."""
    if server.kind is not ServerKind.OLLAMA or server.engine is not Engine.LLAMA_SERVER or not _has_rival(view, server):
        return
    need, predicted = memory_need(view.stack, served.value), _prediction(view, header, served)
    if need is None or predicted is None or need.kv_cache - predicted.result * GIB < GIB:
        return
    yield Finding(
        "SRV002",
        "scheduler-under-predicts",
        Severity.NOTE,
        said(
            "The scheduler expects {result:.1f} GiB of cache; {kv_cache:.1f} GiB are allocated.",
            result=predicted.result,
            kv_cache=to_gib(need.kv_cache),
        ),
        view.stack.model,
        evidence=(header.where,),
        calculations=(predicted,),
        fix=FixIdea(
            said("Load one large model at a time"),
            Applicability.MANUAL,
            steps=(said("set OLLAMA_MAX_LOADED_MODELS=1 for the server and restart it"),),
        ),
    )


def _has_rival(view: StackView, server: Server) -> bool:
    """Whether a second model could be loaded beside this one, or the log shows that memory was short before."""
    own = view.definition
    shared = {own.name, *own.same_blob} if own is not None else {view.stack.model}
    others = any(item.name not in shared for item in server.definitions)
    return others or any(isinstance(event, ModelEvicted) for event in view.events)


def _prediction(view: StackView, header: ModelHeader, served: Known[Tokens]) -> Calculation | None:
    layers, heads, width = (header.get(key) for key in ("block_count", "attention.head_count", "embedding_length"))
    kv_heads = header.get("attention.head_count_kv")
    if isinstance(kv_heads, tuple):
        kv_heads = min((int(item) for item in kv_heads), default=0)
    numbers = (layers, heads, width, kv_heads)
    if not all(isinstance(item, int) and item > 0 for item in numbers):
        return None
    slots = view.server.settings.parallel.value if view.server and view.server.settings.parallel else 1
    names = (("layers", "layers"), ("heads", "heads"), ("width", "values/token"), ("kv_heads", "heads"))
    terms = [
        Term(name, value, unit, header.where, header.basis)
        for (name, unit), value in zip(names, numbers, strict=True)
        if isinstance(value, int)
    ]
    terms.append(Term("context", served.value * slots, "tokens", served.where, Basis.DERIVED))
    return calculate("2 * layers * kv_heads * (width / heads) * context * 2 / 2**30", "GiB", *terms)


RULE = Rule("SRV002", "scheduler-under-predicts", check, __doc__ or "")
