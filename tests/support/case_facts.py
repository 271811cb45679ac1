"""Builds Facts from the few keys of a rule's case, so that a case says only what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from truelimit.domain.agent import Agent, ConfigPlace, ConfiguredModel, Route, Timeout
from truelimit.domain.facts import Facts
from truelimit.domain.limits import SetBy
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine, MemoryPool, PoolKind
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import (
    CacheEntryRefused,
    Definition,
    Engine,
    EngineFailed,
    Event,
    Loaded,
    ModelLoaded,
    PromptProgress,
    PromptTruncated,
    Server,
    ServerKind,
    ServerSettings,
)
from truelimit.domain.session import Call, CallError, ErrorKind, Outcome, Session
from truelimit.tables.loader import published_rates
from truelimit.units import GIB, MIB, Bytes, Seconds, Tokens

START = datetime(2026, 2, 18, 10, 15, tzinfo=UTC)
CONFIG = "~/.openclaw/openclaw.json"
ENTRY = ("models", "providers", "ollama", "models", 0)
KEYS = {
    "native", "agent_context", "agent_source", "agent_set_by", "max_tokens", "launcher", "api", "generation",
    "model", "request_context", "output_reserve", "compaction_reserve", "server", "engine", "version", "num_ctx",
    "default_context", "loaded", "slots", "kv_type", "flash_attention", "machine_gib", "usable_gib", "calls",
    "walls", "events", "agent", "compactions", "window_keys", "sibling", "compaction_works", "chip", "unified",
    "known_models", "also_models",
}  # fmt: skip


def known(value: Any, where: str = "case", basis: Basis = Basis.REPORTED) -> Known[Any]:
    return Known(value, where, basis)


def facts(case: Mapping[str, Any]) -> Facts:
    unknown = set(case) - KEYS
    assert not unknown, f"unknown keys in a case: {unknown}"
    server = _server(case)
    agent = _agent(case) if case.get("agent", True) else None
    session = _session(case)
    return Facts(
        agents=(agent,) if agent else (),
        servers=(server,) if server else (),
        sessions=(session,) if session else (),
        machine=_machine(case),
        published=published_rates(),
    )


def header(native: int) -> ModelHeader:
    """Qwen3-Coder-30B-A3B with another native context where a case asks for it."""
    keys = {
        "context_length": native,
        "block_count": 48,
        "embedding_length": 2048,
        "feed_forward_length": 6144,
        "expert_feed_forward_length": 768,
        "expert_count": 128,
        "expert_used_count": 8,
        "attention.head_count": 32,
        "attention.head_count_kv": 4,
        "attention.key_length": 128,
        "attention.value_length": 128,
        "vocab_size": 151_936,
    }
    metadata = {f"qwen3moe.{key}": value for key, value in keys.items()}
    metadata["general.parameter_count"] = 30_532_122_624
    return ModelHeader("blob", Basis.MEASURED, "qwen3moe", metadata, (), Bytes(18_556_686_752))


def _machine(case: Mapping[str, Any]) -> Machine:
    size = case.get("machine_gib", 64)
    if not size:
        return UNKNOWN_MACHINE
    usable = known(Bytes(case.get("usable_gib", size) * GIB), "device total")
    pool = MemoryPool("unified memory", PoolKind.UNIFIED, known(Bytes(size * GIB), "system memory"), usable)
    return Machine("case", known(case.get("chip", "Apple M2 Ultra")), known("macOS"), (pool,))


def _server(case: Mapping[str, Any]) -> Server | None:
    kind = case.get("server", "ollama")
    if kind == "none":
        return None
    model = case.get("model", "qwen3-coder:30b")
    num_ctx = case.get("num_ctx")
    definition = Definition(
        model,
        "manifest",
        header=header(case["native"]) if "native" in case else None,
        num_ctx=known(Tokens(num_ctx), "params blob: num_ctx") if num_ctx else None,
    )
    loaded = case.get("loaded")
    slots = case.get("slots")
    return Server(
        ServerKind(kind),
        "http://127.0.0.1:11434",
        url="http://127.0.0.1:11434",
        version=known(case.get("version", "0.16.2")),
        engine=Engine(case.get("engine", "ollama-runner")),
        settings=ServerSettings(
            default_context=known(Tokens(case["default_context"]), "server's default")
            if "default_context" in case
            else None,
            parallel=known(slots) if slots else None,
            unified_kv=known(case["unified"]) if "unified" in case else None,
            kv_type=known(case["kv_type"]) if "kv_type" in case else None,
            flash_attention=known(case["flash_attention"]) if "flash_attention" in case else None,
        ),
        definitions=(definition, *(Definition(name, "manifest") for name in case.get("also_models", ())))
        if "known_models" not in case
        else tuple(Definition(name, "manifest") for name in case["known_models"]),
        loaded=(Loaded(model, known(Tokens(loaded), "GET /api/ps"), known(slots or 1)),) if loaded else (),
        events=tuple(_event(row) for row in case.get("events", ())),
    )


def _event(row: Mapping[str, Any]) -> Event:
    time = START + timedelta(seconds=row.get("at", 0)) if "at" in row or not row.get("untimed") else None
    where = f"server.log:{row.get('line', 1)}"
    match row["kind"]:
        case "truncated":
            limit = row["limit"]
            return PromptTruncated(where, time, Tokens(row["prompt"]), Tokens(row.get("kept", limit)), Tokens(limit))
        case "progress":
            tokens, seconds = Tokens(row["tokens"]), Seconds(row["seconds"])
            return PromptProgress(where, time, row.get("task", "0"), tokens, tokens, row["fraction"], seconds)
        case "failed":
            return EngineFailed(where, time, row["reason"], row.get("text", ""))
        case "cache-refused":
            return CacheEntryRefused(where, time, Bytes(row["mib"] * MIB), Bytes(row["limit_mib"] * MIB))
        case "loaded":
            return ModelLoaded(where, time, seconds=Seconds(row.get("seconds", 6.5)))
    raise AssertionError(row)


def _agent(case: Mapping[str, Any]) -> Agent:
    model, generation = case.get("model", "qwen3-coder:30b"), case.get("generation", "2026.2")
    api, context = case.get("api", "openai-completions"), case.get("agent_context", 131_072)
    sent = case.get("request_context")
    source = case.get("agent_source", "explicit")
    listed = source == "explicit"
    attempts, hidden = (3, 2) if api == "openai-completions" else (4, 0)
    route = Route(
        ref=f"ollama/{model}",
        provider="ollama",
        model=model,
        api=api,
        base_url="http://127.0.0.1:11434" + ("/v1" if api == "openai-completions" else ""),
        is_primary=True,
        agent_context=known(Tokens(context), f"{CONFIG}: contextWindow"),
        agent_context_set_by=SetBy(case.get("agent_set_by", "agent-config" if listed else "agent-default")),
        agent_context_source=source,
        agent_context_place=ConfigPlace(CONFIG, (*ENTRY, "contextWindow"), 12 if listed else None),
        configured=ConfiguredModel(
            listed,
            listed,
            case.get("max_tokens", 8192),
            api_key_is_launcher_mark=case.get("launcher", False),
            costs_all_zero=True,
            base_url_has_v1=api == "openai-completions",
            sibling=case.get("sibling"),
            sibling_window=context if "sibling" in case else None,
            numbers={"contextWindow": context} if listed else {},
        ),
        request_context=known(Tokens(sent), "OpenClaw sends contextWindow as num_ctx") if sent else None,
        output_reserve=known(Tokens(case["output_reserve"]), "maxTokens") if "output_reserve" in case else None,
        compaction_reserve=known(Tokens(case["compaction_reserve"])) if "compaction_reserve" in case else None,
        compaction_works=known(case["compaction_works"]) if "compaction_works" in case else None,
        timeouts=tuple(_wall(row) for row in case.get("walls", ())),
        attempts=known(attempts),
        hidden_attempts=known(hidden),
        model_place=ConfigPlace(CONFIG, ENTRY, 8),
        primary_place=ConfigPlace(CONFIG, ("agents", "defaults", "model", "primary"), 20),
        window_keys=tuple(case.get("window_keys", ("contextWindow",))),
        base_prompt=known(Tokens(10_000 if generation == "2026.9" else 8_700), "OpenClaw's own prompt", Basis.DERIVED),
        window_floor=known(Tokens(4_000 if generation == "2026.9" else 16_000), "OpenClaw"),
    )
    version = {"2026.2": "2026.2.17", "2026.9": "2026.9.6"}[generation]
    return Agent("openclaw", known(version), generation, (CONFIG,), (route,))


def _wall(row: Mapping[str, Any]) -> Timeout:
    key = row.get("key")
    place = ConfigPlace(CONFIG, tuple(key.split(".")), row.get("line", 20)) if key else None
    where = f"{CONFIG}: {key}" if key else "Node fetch (undici) headersTimeout"
    set_by = SetBy(row.get("set_by", "agent-config" if key else "client-library"))
    seconds = known(Seconds(float(row["seconds"])), where)
    return Timeout(row["name"], seconds, set_by, row["bounds"], place, row.get("remedy", ""))


def _session(case: Mapping[str, Any]) -> Session | None:
    rows = case.get("calls", ())
    compactions = case.get("compactions")
    if not rows and compactions is None:
        return None
    calls = tuple(_call(row, case) for row in rows)
    count = known(compactions["counted"], "sessions.json: compactionCount") if compactions else None
    entries = compactions["entries"] if compactions else 0
    return Session("s1", "openclaw", "s1.jsonl", calls, compaction_count=count, compaction_entries=entries)


def _call(row: Mapping[str, Any], case: Mapping[str, Any]) -> Call:
    start = START + timedelta(seconds=row.get("at", 0))
    error = _error(row)
    prompt = row.get("prompt")
    return Call(
        "s1",
        "openclaw",
        "ollama",
        case.get("model", "qwen3-coder:30b"),
        case.get("api", "openai-completions"),
        "s1.jsonl:7",
        start,
        start + timedelta(seconds=row["seconds"]),
        Outcome.ERROR if error else Outcome.DONE,
        prompt_tokens=known(Tokens(prompt), "usage.input") if prompt else None,
        error=error,
    )


def _error(row: Mapping[str, Any]) -> CallError | None:
    if "error" not in row:
        return None
    prompt, context = row.get("prompt"), row.get("refused_at")
    return CallError(
        ErrorKind(row["error"]),
        row.get("text", row["error"]),
        Tokens(prompt) if prompt and context else None,
        Tokens(context) if context else None,
        misread=row.get("misread", False),
    )
