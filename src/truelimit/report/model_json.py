"""A model, and the table of models, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.report.as_json import dump

if TYPE_CHECKING:
    from truelimit.app.model import ModelFacts
    from truelimit.app.model_entry import ModelEntry
    from truelimit.domain.provenance import Known
    from truelimit.perf.layouts.nouns import CacheLayout

SCHEMA = "truelimit.model/1"


def model(facts: ModelFacts) -> str:
    """Return a model as JSON text of schema truelimit.model/1. Sizes in bytes, lengths in tokens."""
    header, native = facts.header, facts.header.native_context
    return dump(
        {
            "schema": SCHEMA,
            "model": header.name,
            "source": header.where,
            "architecture": header.architecture,
            "parameters": _known(facts.parameters),
            "active_parameters": _known(facts.active),
            "weights_bytes": _known(facts.weights),
            "quantization": facts.quantization,
            "types": dict(facts.types),
            "tensors": [
                {"part": item.kind.value, "parameters": item.parameters, "bytes": item.n_bytes}
                for item in facts.classes
            ],
            "layers": facts.layers,
            "attention": _attention(facts.layout, facts.heads) if facts.layout else None,
            "native_context": native.value if native else None,
            "rope_scaling": facts.rope,
            "cache": [
                {
                    "kv_type": item.kv_type,
                    "bytes_per_token": item.per_token,
                    "context": item.context,
                    "bytes": item.n_bytes,
                    "refused": item.refused,
                }
                for item in facts.caches
            ],
            "tokenizer": {"type": facts.tokenizer, "size": facts.vocabulary},
            "chat_template": facts.chat_template,
            "typical": bool(facts.entry and facts.entry.typical),
            "notes": list(facts.notes),
            "missing": [{"fact": item.fact, "why": item.why} for item in facts.missing],
        }
    )


def table(entries: tuple[ModelEntry, ...]) -> str:
    """Return the table of models as JSON text of schema truelimit.models/1."""
    return dump({"schema": "truelimit.models/1", "models": [_entry(item) for item in entries]})


def _entry(item: ModelEntry) -> dict[str, object]:
    native = item.header.native_context
    return {
        "id": item.id,
        "model": item.header.name,
        "aliases": list(item.aliases),
        "architecture": item.header.architecture,
        "parameters": item.header.metadata.get("general.parameter_count"),
        "active_parameters": item.active_parameters,
        "native_context": native.value if native else None,
        "typical": item.typical,
        "source": item.source,
    }


def _known(known: Known[int] | None) -> dict[str, object] | None:
    return {"value": known.value, "where": known.where, "basis": known.basis.value} if known else None


def _attention(layout: CacheLayout, heads: tuple[int, ...]) -> dict[str, object]:
    return {
        "heads": list(heads),
        "window": layout.window.value if layout.window else None,
        "confirmed_by_engine": layout.verified,
        "groups": [
            {
                "span": group.span.value,
                "layers": group.layers.value,
                "kv_heads": group.kv_heads.value,
                "kv_heads_summed": group.heads_summed,
                "key_length": _known(group.key_length),
                "value_length": _known(group.value_length),
                "tokens_per_row": group.ratio,
            }
            for group in layout.groups
        ],
        "states": [{"name": state.name, "layers": state.layers.value} for state in layout.states],
    }
