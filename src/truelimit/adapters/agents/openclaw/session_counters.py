"""OpenClaw's own counters for a session: sessions.json of February 2026, ``session_nodes`` of September 2026."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

LARGEST_FILE = 64 * 2**20
SENT_AS_IT_WAS = "fits"  # contextBudgetStatus.route; the others compact or shorten what was estimated


@dataclass(frozen=True, slots=True)
class Estimate:
    """The agent's estimate of a prompt before it was sent. ``fits``: it was then sent as it was, not compacted."""

    time: datetime
    tokens: Known[Tokens]
    provider: str
    model: str
    fits: bool = False

    def is_of(self, provider: str, model: str) -> bool:
        """Return whether it may have been made for this model; what it does not name, it does not exclude."""
        return self.model in {"", model} and self.provider in {"", provider}


@dataclass(frozen=True, slots=True)
class Counters:
    """One entry. ``prompts`` are counts that may be those of the last prompt, the likelier first."""

    key: str
    session: str
    where: str
    updated: datetime | None
    prompts: tuple[Known[Tokens], ...]
    context: Known[Tokens] | None
    total: Known[Tokens] | None
    compactions: Known[int] | None
    pinned_model: str | None
    estimate: Estimate | None
    fixed_chars: int


def counters_of(key: str, value: object, where: str) -> Counters | None:
    """Return the counters in one entry, or None when it names no session. Fields of a wrong type count as absent."""
    entry = read.mapping(value)
    session = read.name(entry.get("sessionId"))
    if not session:
        return None
    place = f"{where}: {read.name(key)}"
    return Counters(
        read.name(key),
        session,
        place,
        read.moment(entry.get("updatedAt")),
        _prompts(entry, place),
        _tokens(entry, "contextTokens", place),
        _tokens(entry, "totalTokens", place),
        _known(entry, "compactionCount", place),
        _pinned(entry),
        _estimate(read.mapping(entry.get("contextBudgetStatus")), place),
        _fixed_chars(read.mapping(entry.get("systemPromptReport"))),
    )


def by_session(found: Any) -> dict[str, Counters]:
    """Return counters by session id; of two for one session the one updated last."""
    result: dict[str, Counters] = {}
    for item in found:
        other = result.get(item.session)
        if other is None or _is_newer(item, other):
            result[item.session] = item
    return result


def _is_newer(item: Counters, other: Counters) -> bool:
    return item.updated is not None and (other.updated is None or item.updated > other.updated)


def _tokens(entry: Mapping[str, Any], key: str, where: str) -> Known[Tokens] | None:
    value = read.number(entry.get(key))
    return Known(Tokens(value), f"{where}.{key}", Basis.REPORTED) if value else None


def _known(entry: Mapping[str, Any], key: str, where: str) -> Known[int] | None:
    value = read.number(entry.get(key))
    return None if value is None else Known(value, f"{where}.{key}", Basis.REPORTED)


def _prompts(entry: Mapping[str, Any], where: str) -> tuple[Known[Tokens], ...]:
    """Return totalTokens unless the agent itself calls it stale, then inputTokens."""
    fresh = entry.get("totalTokensFresh") is not False
    keys = ("totalTokens", "inputTokens") if fresh else ()
    return tuple(known for key in keys if (known := _tokens(entry, key, where)) is not None)


def _pinned(entry: Mapping[str, Any]) -> str | None:
    model, provider = read.name(entry.get("modelOverride")), read.name(entry.get("providerOverride"))
    if not model:
        return None
    return f"{provider}/{model}" if provider and not model.startswith(f"{provider}/") else model


def _estimate(status: Mapping[str, Any], where: str) -> Estimate | None:
    time, tokens = read.moment(status.get("updatedAt")), read.number(status.get("estimatedPromptTokens"))
    if time is None or not tokens:
        return None
    place = said("{where}.contextBudgetStatus.estimatedPromptTokens (the agent's estimate)", where=where)
    known = Known(Tokens(tokens), place, Basis.DERIVED)
    fits = read.name(status.get("route")) == SENT_AS_IT_WAS
    return Estimate(time, known, read.name(status.get("provider")), read.name(status.get("model")), fits)


def _fixed_chars(report: Mapping[str, Any]) -> int:
    """Return the characters of system prompt and tool schemas, which no transcript holds."""
    system = read.number(read.mapping(report.get("systemPrompt")).get("chars")) or 0
    return system + (read.number(read.mapping(report.get("tools")).get("schemaChars")) or 0)
