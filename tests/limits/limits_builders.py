"""Facts built by hand: the stack of the story, and parts to vary it with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from truelimit.domain.agent import Agent, ConfigPlace, ConfiguredModel, Route, Timeout
from truelimit.domain.facts import Facts, Stack
from truelimit.domain.limits import SetBy
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.model import ModelHeader, Tensor
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates
from truelimit.domain.server import Definition, Engine, Event, Loaded, Server, ServerKind, ServerSettings
from truelimit.domain.session import Call, CallError, ErrorKind, Outcome, Session
from truelimit.units import GIB, Bytes, Seconds, Tokens

NOON = datetime(2026, 2, 18, 11, 15, tzinfo=UTC)
MODEL = "qwen3-coder-30b:v-128k"
CONFIG = "openclaw.json"
NATIVE = 262_144
LABEL = 131_072


def known(value: Any, where: str = "here", basis: Basis = Basis.REPORTED) -> Known[Any]:
    return Known(value, where, basis)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def place(*path: str | int, line: int | None = 9) -> ConfigPlace:
    return ConfigPlace(CONFIG, path, line)


def header(native: int = NATIVE, **extra: Any) -> ModelHeader:
    """The true shape of Qwen3-Coder-30B-A3B, one tensor standing for all weights (18.55 GB)."""
    arch = "qwen3moe"
    metadata = {
        "general.architecture": arch,
        "general.name": "Qwen3-Coder-30B-A3B-Instruct",
        "general.parameter_count": 30_532_122_624,
        f"{arch}.context_length": native,
        f"{arch}.block_count": 48,
        f"{arch}.embedding_length": 2048,
        f"{arch}.feed_forward_length": 5472,
        f"{arch}.expert_feed_forward_length": 768,
        f"{arch}.expert_count": 128,
        f"{arch}.expert_used_count": 8,
        f"{arch}.vocab_size": 151_936,
        f"{arch}.attention.head_count": 32,
        f"{arch}.attention.head_count_kv": 4,
        f"{arch}.attention.key_length": 128,
        f"{arch}.attention.value_length": 128,
    } | extra
    tensor = Tensor("token_embd.weight", (2048, 151_936), "Q4_K", Bytes(18_549_000_000))
    return ModelHeader("blobs/sha256-" + "ab" * 32, Basis.MEASURED, arch, metadata, (tensor,))


def timeout(name: str, seconds: float, bounds: str, set_by: SetBy = SetBy.CLIENT_LIBRARY, **extra: Any) -> Timeout:
    return Timeout(name, known(Seconds(seconds), f"{name}'s place", Basis.SPECIFIED), set_by, bounds, **extra)


UNDICI = timeout("headersTimeout", 300, "headers", remedy="upgrade")
BODY = timeout("bodyTimeout", 300, "idle")
RUN = timeout(
    "agents.defaults.timeoutSeconds", 2100, "run", SetBy.AGENT_CONFIG, place=place("agents", "timeoutSeconds")
)


def route(window: int = LABEL, **extra: Any) -> Route:
    fields: dict[str, Any] = {
        "ref": f"ollama/{MODEL}",
        "provider": "ollama",
        "model": MODEL,
        "api": "openai-completions",
        "base_url": "http://127.0.0.1:11434/v1",
        "is_primary": True,
        "agent_context": known(Tokens(window), f"{CONFIG}: contextWindow"),
        "agent_context_set_by": SetBy.AGENT_CONFIG,
        "agent_context_source": "explicit",
        "agent_context_place": place("models", 0, "contextWindow"),
        "configured": ConfiguredModel(listed=True, own_window=True, max_tokens=8192, base_url_has_v1=True),
        "compaction_reserve": known(Tokens(20_000)),
        "prompt_budget": known(Tokens(max(0, window - 20_000))),
        "timeouts": (UNDICI, BODY, RUN),
        "attempts": known(3),
        "hidden_attempts": known(2),
    }
    return Route(**(fields | extra))


def definition(name: str = MODEL, num_ctx: int | None = LABEL, **extra: Any) -> Definition:
    size = known(Tokens(num_ctx), f"{name}: params num_ctx", Basis.MEASURED) if num_ctx else None
    return Definition(
        name, f"manifests/{name}", num_ctx=size, **({"header": header(), "quantization": "Q4_K_M"} | extra)
    )


def ollama(*definitions: Definition, version: str = "0.15.5", **extra: Any) -> Server:
    fields: dict[str, Any] = {
        "url": "http://127.0.0.1:11434",
        "version": known(version),
        "engine": Engine.OLLAMA_RUNNER if version < "0.30" else Engine.LLAMA_SERVER,
        "definitions": definitions,
    }
    return Server(ServerKind.OLLAMA, "ollama", **(fields | extra))


def llama_server(context: int | None = None, version: str = "b10434", **extra: Any) -> Server:
    loaded = (Loaded("m.gguf", known(Tokens(context), "/props n_ctx", Basis.MEASURED)),) if context else ()
    fields: dict[str, Any] = {"url": "http://127.0.0.1:8080", "version": known(version), "loaded": loaded}
    return Server(ServerKind.LLAMA_SERVER, "llama-server", **(fields | {"engine": Engine.LLAMA_SERVER} | extra))


def settings(**extra: Any) -> ServerSettings:
    return ServerSettings(**extra)


def loaded(name: str, context: int) -> Loaded:
    return Loaded(name, known(Tokens(context), "/api/ps context_length", Basis.MEASURED))


def mac(gib: int = 64, usable: float | None = 48.0) -> Machine:
    share = known(Bytes(round(usable * GIB)), "Metal working set") if usable else None
    pool = MemoryPool("unified", PoolKind.UNIFIED, known(Bytes(gib * GIB), "sysctl hw.memsize", Basis.MEASURED), share)
    return Machine("Mac Studio", known("Apple M2 Ultra"), known("macOS"), (pool,))


def call(
    start: float, seconds: float, error: ErrorKind | None = None, prompt: int | None = 146_760, **extra: Any
) -> Call:
    fields: dict[str, Any] = {
        "session": "s1",
        "agent": "openclaw",
        "provider": "ollama",
        "model": MODEL,
        "api": "openai-completions",
        "where": f"s1.jsonl line {int(start) + 3}",
        "started": at(start),
        "ended": at(start + seconds),
        "outcome": Outcome.ERROR if error else Outcome.DONE,
        "prompt_tokens": known(Tokens(prompt), "usage.input") if prompt else None,
        "error": CallError(error, "Request timed out.", **extra.pop("told", {})) if error else None,
    }
    return Call(**(fields | extra))


def session(*calls: Call, **extra: Any) -> Session:
    return Session(**({"id": "s1", "agent": "openclaw", "where": "s1.jsonl", "calls": calls} | extra))


def agent(*routes: Route, name: str = "openclaw") -> Agent:
    return Agent(name, known("2026.2.17"), "february-2026", (CONFIG,), routes)


def published() -> PublishedRates:
    fit = PrefillFit(0.3459e-3, 5.778e-8, 0.009, Tokens(34_816), 5, "table", Basis.SPECIFIED)
    decode = DecodeFit(0.0126, 2.9e-7, 0.01, Tokens(32_768), 5, "table", Basis.SPECIFIED)
    return PublishedRates("M2 Ultra", "Qwen3-Coder-30B", "qwen3moe", 30.53e9, "Q8_0", fit, decode, "llama.cpp benches")


def story(**extra: Any) -> Facts:
    """18 February 2026, 11:15: a label of 128k, a prompt of 146,760 tokens, one call of 908 s."""
    fields: dict[str, Any] = {
        "agents": (agent(route()),),
        "servers": (ollama(definition()),),
        "sessions": (session(call(0, 908, ErrorKind.TIMEOUT)),),
        "machine": mac(),
    }
    return Facts(**(fields | extra))


def stack(**extra: Any) -> Stack:
    """The story's stack, its parts replaced by ``extra``; server events by ``events``."""
    events: tuple[Event, ...] = extra.pop("events", ())
    fields: dict[str, Any] = {
        "model": MODEL,
        "agent": agent(route()),
        "route": route(),
        "server": ollama(definition()),
        "definition": definition(),
        "header": header(),
        "machine": mac(),
    }
    made = Stack(**(fields | extra))
    if events and made.server is not None:
        made = replace(made, server=replace(made.server, events=events))
    return made
